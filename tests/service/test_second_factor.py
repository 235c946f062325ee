"""Codes of telephones and recovery codes: which are taken, when, and how often."""

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from ringbridge.call.user import Role, User
from ringbridge.service.clock import Clock
from ringbridge.service.second_factor import RECOVERY_CODES, SecondFactor
from ringbridge.store.administration import Administration
from ringbridge.store.database import migrate, open_database
from ringbridge.store.users import SqlUsers

NOW = 1_700_000_010.0
SEED = "feed"


class StandingClock(Clock):
    utc = NOW

    def utc_now(self) -> float:
        return self.utc


@pytest.fixture
def users(tmp_path: Path) -> Iterator[SqlUsers]:
    engine = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    migrate(engine)
    account = Administration(engine).add_account("Acme")
    users = SqlUsers(engine)
    users.add(
        User(
            id="u1",
            account_id=account.id,
            login="ann",
            name="Ann",
            role=Role.USER,
            created_at=0.0,
            totp_seed=SEED,
        )
    )
    yield users
    engine.dispose()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def factor(users: SqlUsers, clock: StandingClock) -> SecondFactor:
    return SecondFactor(users, b"pepper", clock)


@pytest.fixture
def ann(users: SqlUsers) -> User:
    user = users.find("u1")
    assert user is not None
    return user


@pytest.mark.parametrize(("off_by", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_clock_may_be_a_step_off(
    factor: SecondFactor, ann: User, off_by: int, is_taken: bool
) -> None:
    code = pyotp.TOTP(factor.secret(SEED)).at(int(NOW) + 30 * off_by)
    assert await factor.verify(ann, code) is is_taken


async def test_no_code_is_taken_again_and_none_before_it(
    factor: SecondFactor, ann: User, clock: StandingClock
) -> None:
    totp = pyotp.TOTP(factor.secret(SEED))
    assert await factor.verify(ann, totp.at(int(NOW)))
    assert not await factor.verify(ann, totp.at(int(NOW)))
    assert not await factor.verify(ann, totp.at(int(NOW) - 30))
    clock.utc += 30.0
    assert await factor.verify(ann, totp.at(int(clock.utc)))


async def test_recovery_codes_open_once_and_end_with_new_ones(factor: SecondFactor, ann: User) -> None:
    codes = await factor.new_recovery_codes(ann)
    assert len(set(codes)) == RECOVERY_CODES
    assert await factor.verify(ann, codes[0].upper().replace("-", " "))
    assert not await factor.verify(ann, codes[0])
    await factor.new_recovery_codes(ann)
    assert not await factor.verify(ann, codes[1])


@pytest.mark.parametrize("code", ["", "0", "x" * 10_000, "١٢٣٤٥٦", "\ud800"])
async def test_what_is_no_code_is_refused(factor: SecondFactor, ann: User, code: str) -> None:
    assert not await factor.verify(ann, code)


def test_the_secret_takes_the_pepper(users: SqlUsers, clock: StandingClock, factor: SecondFactor) -> None:
    assert SecondFactor(users, b"another", clock).secret(SEED) != factor.secret(SEED)
    assert factor.secret("beef") != factor.secret(SEED)
    assert len(factor.secret(SEED)) == 32
    assert factor.secret(SEED) in factor.uri(SEED, "ann")
    assert factor.new_seed() != factor.new_seed()
