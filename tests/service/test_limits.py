"""What is remembered of an earlier process, shown, and made tighter; over a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import InvalidOption, SpendLimitReached, TooManyCalls
from ringbridge.call.history import CallEvent, first_event
from ringbridge.call.model import Call, Tariff
from ringbridge.service.admission import Admission
from ringbridge.service.clock import Clock
from ringbridge.service.identifier import new_call_id
from ringbridge.service.ledger import Ledger
from ringbridge.service.limits import LimitService, OnlyTighter
from ringbridge.service.spending import Period
from ringbridge.service.suspicion import SuspiciousCalls
from ringbridge.store.administration import Administration
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import migrate, open_database
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.limits import SqlLimits
from ringbridge.store.lock import ServerLock
from ringbridge.store.records import SqlRecords
from ringbridge.store.usage import SqlUsage
from tests.peers.tool import poll
from tests.service.double import ACCOUNT, CALLER, TESTER
from tests.store.samples import a_call, connected, simulated

TARIFF = Tariff(0, 60_000)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    migrate(engine)
    Administration(engine).add_account("Example Inc", account_id=ACCOUNT.id)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def service(database: Engine, clock: Clock, admission: Admission) -> LimitService:
    """As a server that starts makes it."""
    return LimitService(
        directory=SqlDirectory(database),
        limits=SqlLimits(database),
        usage=SqlUsage(database),
        admission=admission,
        clock=clock,
    )


def call_now(clock: Clock, *, seconds_ago: float = 0.0) -> Call:
    """A call of an hour at the most, at six cents a minute."""
    utc = clock.utc_now() - seconds_ago
    call = a_call(new_call_id(utc), account_id=ACCOUNT.id, accepted_at=clock.now() - seconds_ago)
    return call._replace(accepted_utc=utc, tariff=TARIFF)


async def accepted(database: Engine, *calls: Call) -> None:
    """A server that takes the calls and is killed."""
    with ServerLock(database) as lock:
        async with SqlCallStore(database, lock) as store:
            for call in calls:
                await store.accept(call, first_event(call))


async def ended_soon(database: Engine, *calls: Call) -> None:
    """A server whose calls end a second after their answer."""
    await accepted(database, *calls)
    with ServerLock(database) as lock:
        async with SqlCallStore(database, lock) as store:
            for call in calls:
                store.save(
                    connected(call),
                    CallEvent(call_id=call.id, sequence=2, name="connected", at=call.accepted_at + 8.0),
                )
    with ServerLock(database) as lock:
        async with SqlCallStore(database, lock) as store:
            for call in calls:
                await store.close_interrupted(call.id, ended_at=call.accepted_utc + 9.0)


async def test_calls_of_an_earlier_process_count_in_every_limit_that_looks_back(
    database: Engine, clock: Clock
) -> None:
    await accepted(database, *(call_now(clock, seconds_ago=seconds) for seconds in (900.0, 300.0, 30.0)))
    admission = Admission()
    await service(database, clock, admission).restore()

    def refused(**limits: int) -> str | None:
        try:
            admission.check(call_now(clock), AccountLimits(**limits))  # type: ignore[arg-type]
        except TooManyCalls as error:
            return error.limit
        return None

    assert refused(per_minute=1) == "per_minute"
    assert refused(per_minute=2) is None
    assert refused(user_per_minute=1) == "user_per_minute"
    assert refused(destination_per_10_minutes=2) == "destination_per_10_minutes"
    assert refused(destination_per_10_minutes=3) is None


async def test_money_of_an_earlier_process_counts_until_it_is_settled(database: Engine, clock: Clock) -> None:
    call = call_now(clock)
    await accepted(database, call)
    admission = Admission()
    await service(database, clock, admission).restore()
    limits = AccountLimits(spend_per_month=7_000_000)
    with pytest.raises(SpendLimitReached):
        admission.check(call_now(clock), limits)

    with ServerLock(database) as lock:
        async with SqlCallStore(database, lock) as store:
            await store.close_interrupted(call.id, ended_at=clock.utc_now())
    admission = Admission()
    await service(database, clock, admission).restore()
    admission.check(call_now(clock), limits)


async def test_a_clock_that_was_set_back_brings_no_call_of_the_future(database: Engine, clock: Clock) -> None:
    await accepted(database, call_now(clock, seconds_ago=-3600.0))
    admission = Admission()
    await service(database, clock, admission).restore()

    admission.check(call_now(clock)._replace(accepted_at=clock.now() + 61.0), AccountLimits(per_minute=1))


async def test_a_key_makes_limits_tighter_and_not_looser(database: Engine, clock: Clock) -> None:
    limits = service(database, clock, Admission())
    tightened = await limits.tighten(CALLER, {"concurrent": "3", "spend_per_day": "25.50"})
    assert (tightened.concurrent, tightened.spend_per_day) == (3, 25_500_000)
    assert await limits.limits(CALLER) == tightened

    with pytest.raises(OnlyTighter, match="spend_per_day: only the administrator can allow more"):
        await limits.tighten(CALLER, {"concurrent": "2", "spend_per_day": ""})
    with pytest.raises(InvalidOption):
        await limits.tighten(CALLER, {"quiet_hours": "21:00-21:00"})
    assert await limits.limits(CALLER) == tightened
    assert (await limits.tighten(CALLER, {"concurrent": "1"})).concurrent == 1


async def test_usage_is_what_is_up_and_what_was_today(database: Engine, clock: Clock) -> None:
    admission = Admission()
    limits = service(database, clock, admission)
    await limits.tighten(CALLER, {"spend_per_day": "25.50"})
    call = call_now(clock)
    admission.admit(call, AccountLimits())
    await accepted(database, call)
    usage = await limits.usage(CALLER)

    assert (usage.calls_now, usage.calls_today, dict(usage.outcomes)) == (1, 1, {})
    assert usage.spending[Period.DAY][:3] == (0, 3_600_000, 25_500_000)
    assert usage.spending[Period.HOUR][:3] == (0, 3_600_000, None)
    assert usage.spending[Period.DAY].ends_at > clock.utc_now()

    of_tests = await limits.usage(TESTER)
    assert (of_tests.calls_now, of_tests.calls_today) == (0, 0)
    assert of_tests.spending[Period.DAY][:3] == (0, 0, 25_500_000)
    test_call = simulated(call_now(clock))
    admission.admit(test_call, AccountLimits())
    await accepted(database, test_call)
    of_tests = await limits.usage(TESTER)
    assert (of_tests.calls_now, of_tests.calls_today) == (1, 1)
    of_live = await limits.usage(CALLER)
    assert (of_live.calls_now, of_live.calls_today) == (1, 1)

    talked = connected(call)._replace(ended_at=call.accepted_at + 68.0)
    admission.release(talked)
    spent, reserved, *_ = (await limits.usage(CALLER)).spending[Period.DAY]
    # A minute, perhaps with the next millionth begun.
    assert (spent - 60_000 in (0, 1), reserved) == (True, 0)


async def test_short_calls_of_an_earlier_process_make_a_later_one_suspend_the_account(
    database: Engine, clock: Clock
) -> None:
    await ended_soon(database, *(call_now(clock, seconds_ago=60.0) for _ in range(3)))
    admission = Admission()
    limits = service(database, clock, admission)
    await limits.restore()
    with pytest.raises(SuspiciousCalls):
        admission.admit(call_now(clock), AccountLimits(short_calls_per_hour=2))

    async def suspended() -> bool:
        return Administration(database).accounts()[0].suspended

    await poll(suspended, bool, "a suspended account")


async def test_a_short_call_to_a_number_that_was_erased_since_counts_for_no_country(
    database: Engine, clock: Clock
) -> None:
    call = call_now(clock, seconds_ago=60.0)
    await ended_soon(database, call)
    assert SqlRecords(database).erase(ACCOUNT.id, call.destination.number).calls == 1
    admission = Admission()
    await service(database, clock, admission).restore()

    admission.check(call_now(clock), AccountLimits(short_calls_per_hour=0))
    with pytest.raises(TooManyCalls):
        admission.check(call_now(clock), AccountLimits(per_minute=0))


async def test_test_calls_of_an_earlier_process_count_in_no_limit_of_live_ones(
    database: Engine, clock: Clock
) -> None:
    await ended_soon(database, *(simulated(call_now(clock, seconds_ago=20.0)) for _ in range(3)))
    admission = Admission()
    await service(database, clock, admission).restore()

    limits = AccountLimits(
        short_calls_per_hour=0, per_minute=1, user_per_minute=1, destination_per_10_minutes=1
    )
    admission.check(call_now(clock), limits)


async def test_an_account_that_cannot_be_suspended_is_logged(database: Engine, clock: Clock) -> None:
    admission = Admission()
    service(database, clock, admission)
    for _ in range(3):
        admission.short_calls.restore(Ledger("gone"), "+13053452300", clock.now())
    with capture_logs() as lines:
        with pytest.raises(SuspiciousCalls):
            admission.admit(
                call_now(clock)._replace(account_id="gone"), AccountLimits(short_calls_per_hour=2)
            )
        assert [line["event"] for line in lines] == ["account.suspicious"]

        async def told() -> list[str]:
            return [line["event"] for line in lines]

        await poll(told, lambda names: "account.not_suspended" in names, "a word of it in the log")
