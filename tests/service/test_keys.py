"""Keys that make keys: what they hand on, and what they cannot."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import InvalidCredentials, InvalidOption, NotFound
from ringbridge.call.key import ApiKey, Scope, TooManyKeys
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.credential import digest, parse_key
from ringbridge.service.keys import BeyondOwnRights, KeyRequest, KeyService
from ringbridge.store.administration import Administration
from ringbridge.store.database import migrate, open_database
from tests.service.double import ACCOUNT, CALLER, PHONE, STRANGER, MemoryDirectory
from tests.service.test_authentication import PEPPER, HandMovedClock

OWN = replace(CALLER.key, scopes=frozenset({Scope.CALLS_CREATE, Scope.CALLS_READ, Scope.KEYS_WRITE}))
WANTED = KeyRequest(name="widget", scopes=frozenset({Scope.CALLS_CREATE}), days=7)


class Ring:
    """The service over a database with one account."""

    def __init__(self, store: Administration) -> None:
        self.store = store
        self.clock = HandMovedClock()
        clock: Clock = self.clock
        self.keys = KeyService(store, MemoryDirectory(), PEPPER, clock)


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Ring]:
    engine = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    migrate(engine)
    store = Administration(engine)
    store.add_account(ACCOUNT.name, account_id=ACCOUNT.id)
    yield Ring(store)
    engine.dispose()


def caller(**bounds: object) -> Caller:
    """A caller whose key is bound so."""
    return Caller(ACCOUNT, replace(OWN, **bounds))  # type: ignore[arg-type]


async def test_a_key_is_made_as_it_was_wanted(ring: Ring) -> None:
    wanted = replace(
        WANTED,
        lines=("+1 (817) 562-9657", "204"),
        networks=("192.0.2.9/24",),
        not_before=2000.0,
        is_test=True,
    )
    with capture_logs() as logs:
        key, text = await ring.keys.create(caller(), wanted)
    parts = parse_key(text)
    assert parts is not None
    assert key == ApiKey(
        id=parts.id,
        account_id=ACCOUNT.id,
        name="widget",
        secret_digest=digest(PEPPER, parts.secret),
        created_at=1000.0,
        not_before=2000.0,
        expires_at=2000.0 + 7 * 86_400,
        scopes=frozenset({Scope.CALLS_CREATE}),
        lines=(PHONE.number, "204"),
        networks=("192.0.2.0/24",),
        is_test=True,
    )
    assert ring.store.keys(ACCOUNT.id) == [key]
    assert [(line["event"], line["key"], line["by_key"]) for line in logs] == [
        ("key.created", key.id, OWN.id)
    ]
    assert parts.secret not in repr(logs)


async def test_a_key_from_long_ago_opens_at_once_and_lives_from_now_on(ring: Ring) -> None:
    key, _ = await ring.keys.create(caller(), replace(WANTED, not_before=-6e10))
    assert (key.not_before, key.expires_at) == (None, 1000.0 + 7 * 86_400)


async def test_what_is_left_out_is_as_the_asking_key_has_it(ring: Ring) -> None:
    key, _ = await ring.keys.create(caller(lines=("204",), networks=("192.0.2.0/24",), is_test=True), WANTED)
    assert (key.lines, key.networks, key.is_test) == (("204",), ("192.0.2.0/24",), True)


@pytest.mark.parametrize(
    ("bounds", "wanted", "sentence"),
    [
        (
            {},
            replace(WANTED, scopes=frozenset({Scope.CALLS_CREATE, Scope.RECORDS_READ, Scope.RECORDS_ERASE})),
            "The key that asks does not have records:erase, records:read itself.",
        ),
        (
            {"lines": ("204",)},
            replace(WANTED, lines=("204", PHONE.number)),
            "The key that asks is bound to other lines.",
        ),
        (
            {"networks": ("192.0.2.0/24", "2001:db8::/32")},
            replace(WANTED, networks=("192.0.2.0/25", "192.0.0.0/16")),
            "The key that asks is bound to other networks.",
        ),
        (
            {"networks": ("0.0.0.0/0",)},
            replace(WANTED, networks=("::/0",)),
            "The key that asks is bound to other networks.",
        ),
    ],
)
async def test_no_key_gives_what_it_does_not_have(
    ring: Ring, bounds: dict[str, object], wanted: KeyRequest, sentence: str
) -> None:
    with pytest.raises(BeyondOwnRights) as caught:
        await ring.keys.create(caller(**bounds), wanted)
    assert str(caught.value) == sentence
    assert ring.store.keys(ACCOUNT.id) == []


@pytest.mark.parametrize(
    ("wanted", "option", "code"),
    [
        (replace(WANTED, lines=("nobody",)), "lines", "invalid_number"),
        (replace(WANTED, lines=("205",)), "lines", "unknown_line"),
        (
            replace(WANTED, lines=("204",), scopes=frozenset({Scope.CALLS_CREATE, Scope.KEYS_READ})),
            "scopes",
            "not_with_lines",
        ),
        (replace(WANTED, networks=("office",)), "networks", "invalid_network"),
        (replace(WANTED, not_before=1001.0 + 730 * 86_400), "not_before", "too_late"),
    ],
)
async def test_what_cannot_bind_is_named(ring: Ring, wanted: KeyRequest, option: str, code: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        await ring.keys.create(caller(), wanted)
    assert (caught.value.option, caught.value.code) == (option, code)


async def test_a_key_is_exchanged_and_both_open_for_a_while(ring: Ring) -> None:
    old, old_text = await ring.keys.create(caller(), replace(WANTED, lines=("204",)))
    ring.clock.at += 100.0
    new, text = await ring.keys.exchange(caller(), old.id, 60.0)
    assert (new.name, new.scopes, new.lines, text != old_text) == (old.name, old.scopes, old.lines, True)
    assert new.expires_at == 1100.0 + 7 * 86_400
    assert (await ring.keys.find(caller(), old.id)).key.expires_at == 1160.0
    ring.clock.at = 1160.0
    with pytest.raises(NotFound):
        await ring.keys.exchange(caller(), old.id, 60.0)


class RevokingLate(Administration):
    """Administration in which somebody is quicker: what is to be changed was revoked just before."""

    late_id = ""

    def add_key(self, key: ApiKey, *, by_key: str | None = None) -> None:
        if self.late_id:
            self.revoke_key(self.late_id, at=1000.0)
        super().add_key(key, by_key=by_key)

    def exchange_key(self, old_id: str, new: ApiKey, *, old_until: float, by_key: str | None = None) -> None:
        self.revoke_key(self.late_id, at=1000.0)
        super().exchange_key(old_id, new, old_until=old_until, by_key=by_key)


async def test_a_key_that_is_revoked_meanwhile_is_not_exchanged_and_makes_none(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    migrate(engine)
    store = RevokingLate(engine)
    store.add_account(ACCOUNT.name, account_id=ACCOUNT.id)
    ring = Ring(store)
    key, _ = await ring.keys.create(caller(), WANTED)
    own, _ = await ring.keys.create(caller(), WANTED)
    store.late_id = key.id
    with pytest.raises(NotFound):
        await ring.keys.exchange(caller(), key.id, 60.0)
    store.late_id = own.id
    with pytest.raises(InvalidCredentials):
        await ring.keys.exchange(caller(id=own.id), own.id, 60.0)
    with pytest.raises(InvalidCredentials):
        await ring.keys.create(caller(id=own.id), WANTED)
    assert {found.id for found in store.keys(ACCOUNT.id)} == {key.id, own.id}
    engine.dispose()


async def test_a_key_that_may_more_is_not_exchanged(ring: Ring) -> None:
    """The new key's secret would be a way up."""
    strong, _ = await ring.keys.create(caller(), replace(WANTED, scopes=frozenset({Scope.CALLS_READ})))
    with pytest.raises(BeyondOwnRights):
        await ring.keys.exchange(caller(scopes=frozenset({Scope.KEYS_WRITE})), strong.id, 60.0)


async def test_a_test_key_knows_of_test_keys_only(ring: Ring) -> None:
    live, _ = await ring.keys.create(caller(), WANTED)
    tester = caller(is_test=True)
    test, _ = await ring.keys.create(tester, WANTED)
    for ask in (
        ring.keys.find(tester, live.id),
        ring.keys.exchange(tester, live.id, 60.0),
        ring.keys.revoke(tester, live.id, ends_calls=True),
    ):
        with pytest.raises(NotFound):
            await ask
    assert [known.key.id for known in await ring.keys.page(tester, None, 10)] == [test.id]
    assert {known.key.id for known in await ring.keys.page(caller(), None, 10)} == {live.id, test.id}
    await ring.keys.revoke(tester, test.id, ends_calls=False)


async def test_a_test_key_makes_test_keys_only(ring: Ring) -> None:
    with pytest.raises(BeyondOwnRights) as caught:
        await ring.keys.create(caller(is_test=True), replace(WANTED, is_test=False))
    assert str(caught.value) == "The key that asks is a test key."
    assert not (await ring.keys.create(caller(), WANTED)).key.is_test


async def test_a_key_is_revoked_for_good(ring: Ring) -> None:
    key, _ = await ring.keys.create(caller(), WANTED)
    with capture_logs() as logs:
        await ring.keys.revoke(caller(), key.id, ends_calls=True)
    found = (await ring.keys.find(caller(), key.id)).key
    assert (found.revoked_at, found.ends_calls) == (1000.0, True)
    assert [(line["event"], line["key"]) for line in logs] == [("key.revoked", key.id)]


async def test_keys_of_another_account_are_not_there(ring: Ring) -> None:
    key, _ = await ring.keys.create(caller(), WANTED)
    ring.store.add_account("Other", account_id=STRANGER.account.id)
    assert await ring.keys.page(STRANGER, None, 10) == []
    for attempt in (
        ring.keys.find(STRANGER, key.id),
        ring.keys.find(caller(), f"{key.id}\0"),
        ring.keys.revoke(STRANGER, key.id, ends_calls=False),
        ring.keys.exchange(STRANGER, key.id, 0.0),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_key_more_than_the_limit_is_refused(ring: Ring) -> None:
    ring.store.set_limits(ACCOUNT.id, AccountLimits(keys=5))
    for _ in range(5):
        await ring.keys.create(caller(), WANTED)
    with pytest.raises(TooManyKeys):
        await ring.keys.create(caller(), WANTED)


@pytest.mark.parametrize(
    ("bounds", "option", "code"),
    [
        ({"name": ""}, "name", "invalid_name"),
        ({"name": "x" * 101}, "name", "invalid_name"),
        ({"name": "a\nb"}, "name", "invalid_name"),
        ({"scopes": frozenset()}, "scopes", "no_scope"),
        ({"days": 0}, "days", "invalid_days"),
        ({"days": 731}, "days", "invalid_days"),
    ],
)
async def test_what_is_wanted_must_make_sense(
    ring: Ring, bounds: dict[str, object], option: str, code: str
) -> None:
    with pytest.raises(InvalidOption) as refused:
        await ring.keys.create(caller(), replace(WANTED, **bounds))  # type: ignore[arg-type]
    assert (refused.value.option, refused.value.code) == (option, code)


async def test_keys_that_are_over_are_told_from_the_others(ring: Ring) -> None:
    first, _ = await ring.keys.create(caller(), WANTED)
    second, _ = await ring.keys.create(caller(), replace(WANTED, days=30))
    third, _ = await ring.keys.create(caller(), replace(WANTED, days=30))
    await ring.keys.revoke(caller(), third.id, ends_calls=False)
    ring.clock.at += 8 * 86_400.0
    open_keys = await ring.keys.page(caller(), None, 10, ended=False)
    assert [known.key.id for known in open_keys] == [second.id]
    over = await ring.keys.page(caller(), None, 10, ended=True)
    assert {known.key.id for known in over} == {first.id, third.id}
