"""The contract of Directory, kept by SqlDirectory on both databases."""

import asyncio
import sys
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event, text
from structlog.testing import capture_logs

from ringbridge.call.directory import AccountLimits, Device, Line, LineKind, Trunk
from ringbridge.call.errors import StoreUnavailable
from ringbridge.call.key import ApiKey
from ringbridge.call.ports import Directory
from ringbridge.store.administration import Administration
from ringbridge.store.database import writing
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.do_not_call import DoNotCallList
from ringbridge.store.limits import SqlLimits
from ringbridge.store.part import ALL_PARTS, Part
from ringbridge.store.rates import RateTable
from ringbridge.store.webhooks import SqlWebhooks
from tests.store.samples import PATIENCE_SECONDS

ACCOUNT = "1009683"
KEY = ApiKey(id="key-1", account_id=ACCOUNT, name="CRM", secret_digest="0f", created_at=1.0, expires_at=2.0)
LINE = Line(
    id="line-1",
    account_id=ACCOUNT,
    number="+18175629656",
    name="Alice",
    kind=LineKind.DEVICE,
    sip_username="alice",
    language="de",
)


@pytest.fixture
def directory(engine: Engine, administration: Administration) -> SqlDirectory:
    """A directory of one account with a key and a line."""
    administration.add_account("Acme", account_id=ACCOUNT, country="DE")
    administration.add_key(KEY)
    administration.add_line(LINE)
    return SqlDirectory(engine)


async def test_it_is_a_directory(directory: SqlDirectory) -> None:
    port: Directory = directory
    assert await port.trunks() == ()


async def test_a_device_is_found_by_the_name_that_it_registers_under(
    directory: SqlDirectory, administration: Administration
) -> None:
    digests = {"MD5": "0f", "SHA-256": "f0"}
    phone = replace(LINE, id="line-2", number="201", sip_username="1009683-201")
    administration.add_line(phone, device_digests=digests)

    assert await directory.device("1009683-201") == Device(
        line_id="line-2", account_id=ACCOUNT, digests=digests
    )
    assert await directory.device("1009683-202") is None
    assert await directory.device("1009683-201\udcff\0") is None


async def test_the_lines_whose_phones_register_are_known(
    directory: SqlDirectory, administration: Administration
) -> None:
    fixed = Line(id="line-2", account_id=ACCOUNT, number="201", kind=LineKind.URI, uri="sip:a@192.0.2.7")
    administration.add_line(fixed)

    assert await directory.device_lines() == ["line-1"]


async def test_what_was_added_is_found(directory: SqlDirectory, administration: Administration) -> None:
    main = Trunk(id="trunk-1", name="main", uri="sip:main.example", username="u", password="p")
    spare = Trunk(id="trunk-2", name="a spare one", uri="sip:spare.example")
    stored = (administration.add_trunk(main), administration.add_trunk(spare))
    limits = AccountLimits(concurrent=1000, countries=("US", "CA"), duplicates_s=0.5)
    administration.set_limits(ACCOUNT, limits)
    account = await directory.account(ACCOUNT)
    assert account is not None
    assert (account.name, account.country, account.suspended) == ("Acme", "DE", False)
    assert await directory.key("key-1") == KEY
    assert await directory.line(ACCOUNT, "+18175629656") == LINE
    assert await directory.limits(ACCOUNT) == limits
    assert await directory.trunks() == stored


async def test_an_account_without_limits_of_its_own_has_the_defaults(directory: SqlDirectory) -> None:
    assert await directory.limits(ACCOUNT) == AccountLimits()


@pytest.mark.parametrize("given", ["", "unknown", "a\0b", "\ud800", "' OR 1=1 --"])
async def test_what_is_not_there_is_not_found_however_it_is_written(
    directory: SqlDirectory, given: str
) -> None:
    assert await directory.account(given) is None
    assert await directory.key(given) is None
    assert await directory.line(given, "+18175629656") is None
    assert await directory.line(ACCOUNT, given) is None


async def test_while_watched_the_database_is_asked_once(directory: SqlDirectory, engine: Engine) -> None:
    async def look_ups() -> list[object]:
        return [
            await directory.account(ACCOUNT),
            await directory.key("unknown"),
            await directory.line(ACCOUNT, LINE.number),
            await directory.limits(ACCOUNT),
            await directory.trunks(),
        ]

    async with directory.watch(lambda _: None):
        first = await look_ups()
        with writing(engine) as connection:
            for table in ("accounts", "api_keys", "lines", "account_limits", "trunks"):
                connection.execute(text(f"ALTER TABLE {table} RENAME TO lost_{table}"))
        assert await look_ups() == first
        with pytest.raises(StoreUnavailable):
            await directory.key("another")


async def test_when_no_longer_watched_nothing_stale_is_served(
    directory: SqlDirectory, administration: Administration
) -> None:
    async with directory.watch(lambda _: None):
        await directory.account(ACCOUNT)
    administration.suspend(ACCOUNT)
    account = await directory.account(ACCOUNT)
    assert account is not None
    assert account.suspended


_REVOKE = """
import sys
from ringbridge.store.administration import Administration
from ringbridge.store.database import open_database
Administration(open_database(sys.argv[1])).revoke_key("key-1", at=5.0)
print("revoked", flush=True)
"""


async def test_a_change_by_another_process_is_seen(directory: SqlDirectory, url: str) -> None:
    changed = asyncio.Event()
    async with directory.watch(lambda _: changed.set()):
        assert await directory.key("key-1") == KEY
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _REVOKE, url, stdout=asyncio.subprocess.PIPE
        )
        assert other.stdout is not None
        assert await other.stdout.readline() == b"revoked\n"
        await asyncio.wait_for(changed.wait(), PATIENCE_SECONDS)
        assert await directory.key("key-1") == replace(KEY, revoked_at=5.0)
        assert await other.wait() == 0


async def test_what_one_part_is_changed_in_again_and_again_is_read_again_and_nothing_else(
    directory: SqlDirectory, administration: Administration, engine: Engine
) -> None:
    RateTable(engine).replace({"+1": 1})
    told: asyncio.Queue[frozenset[Part]] = asyncio.Queue()
    read: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _, __, statement, *___: read.append(statement))

    async def look_ups() -> None:
        await directory.rates()
        await directory.account(ACCOUNT)
        await directory.trunks()

    async with directory.watch(told.put_nowait):
        await look_ups()
        read.clear()
        for number in range(3):
            administration.revoke_key("key-1", at=5.0 + number)
            assert await asyncio.wait_for(told.get(), PATIENCE_SECONDS) == {Part.KEYS}
            await look_ups()
            key = await directory.key("key-1")
            assert key is not None
            assert key.revoked_at == 5.0
        assert not [
            statement for statement in read if "FROM rates" in statement or "FROM trunks" in statement
        ]


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (Part.ACCOUNTS, lambda engine: Administration(engine).suspend(ACCOUNT)),
        (Part.KEYS, lambda engine: Administration(engine).revoke_all_keys(at=5.0)),
        (Part.LINES, lambda engine: Administration(engine).remove_line(ACCOUNT, LINE.number)),
        (Part.TRUNKS, lambda engine: Administration(engine).add_trunk(Trunk(id="t", name="t", uri="sip:t"))),
        (Part.LIMITS, lambda engine: Administration(engine).set_limits(ACCOUNT, AccountLimits(concurrent=7))),
        (
            Part.LIMITS,
            lambda engine: SqlLimits(engine).change(ACCOUNT, lambda _: AccountLimits(concurrent=7)),
        ),
        (Part.DO_NOT_CALL, lambda engine: DoNotCallList(engine, ACCOUNT).add({"+15125550100": None}, at=1.0)),
        (Part.RATES, lambda engine: RateTable(engine).replace({"+1": 1})),
        (Part.WEBHOOKS, lambda engine: SqlWebhooks(engine).remove_now(ACCOUNT, "w")),
    ],
)
async def test_each_change_is_told_by_its_part_and_found(
    directory: SqlDirectory, engine: Engine, part: Part, change: Callable[[Engine], object]
) -> None:
    async def look_ups() -> list[object]:
        return [
            await directory.account(ACCOUNT),
            await directory.key("key-1"),
            await directory.line(ACCOUNT, LINE.number),
            await directory.device("alice"),
            await directory.trunks(),
            await directory.limits(ACCOUNT),
            await directory.is_barred(ACCOUNT, "+15125550100"),
            await directory.rates(),
        ]

    told: asyncio.Queue[frozenset[Part]] = asyncio.Queue()
    async with directory.watch(told.put_nowait):
        before = await look_ups()
        change(engine)
        assert await asyncio.wait_for(told.get(), PATIENCE_SECONDS) == {part}
        assert (await look_ups() == before) == (part is Part.WEBHOOKS)


async def test_a_change_of_no_part_is_one_of_all(directory: SqlDirectory, engine: Engine) -> None:
    told: asyncio.Queue[frozenset[Part]] = asyncio.Queue()
    async with directory.watch(told.put_nowait):
        with writing(engine) as connection:
            connection.execute(text("UPDATE directory_revision SET revision = revision + 1"))
        assert await asyncio.wait_for(told.get(), PATIENCE_SECONDS) == ALL_PARTS


async def test_a_listener_that_fails_does_not_end_the_watch(
    directory: SqlDirectory, administration: Administration
) -> None:
    told = asyncio.Semaphore(0)

    def fail(_: object) -> None:
        told.release()
        raise RuntimeError("a listener's own fault")

    async with directory.watch(fail):
        for suspended in (True, False):
            administration.suspend(ACCOUNT, suspended=suspended)
            await asyncio.wait_for(told.acquire(), PATIENCE_SECONDS)
            account = await directory.account(ACCOUNT)
            assert account is not None
            assert account.suspended == suspended


async def test_without_its_database_a_look_up_is_unavailable_and_the_watch_goes_on(
    directory: SqlDirectory, engine: Engine, administration: Administration
) -> None:
    failures = threading.Semaphore(0)

    @event.listens_for(engine, "invalidate")
    def note(*_: object) -> None:
        failures.release()

    changed = asyncio.Event()
    with capture_logs() as logs:
        async with directory.watch(lambda _: changed.set()):
            with writing(engine) as connection:
                connection.execute(text("ALTER TABLE directory_revision RENAME TO lost"))
                connection.execute(text("ALTER TABLE accounts RENAME TO lost_accounts"))
            with pytest.raises(StoreUnavailable, match="accounts"):
                await directory.account(ACCOUNT)
            # One is that of the account.
            for _ in range(1 + 3):
                assert await asyncio.to_thread(failures.acquire, timeout=PATIENCE_SECONDS)
            with writing(engine) as connection:
                connection.execute(text("ALTER TABLE lost RENAME TO directory_revision"))
                connection.execute(text("ALTER TABLE lost_accounts RENAME TO accounts"))
            administration.suspend(ACCOUNT)
            await asyncio.wait_for(changed.wait(), PATIENCE_SECONDS)
            assert await directory.account(ACCOUNT) is not None
    assert [line["event"] for line in logs] == ["directory_not_watched"]


async def test_the_far_ends_of_lines_and_trunks_are_listed_once(
    directory: SqlDirectory, administration: Administration
) -> None:
    uri = "sip:198.51.100.7"
    administration.add_trunk(Trunk(id="trunk-1", name="main", uri=uri))
    administration.add_line(Line(id="l2", account_id=ACCOUNT, number="102", kind=LineKind.URI, uri=uri))
    administration.add_line(
        Line(id="l3", account_id=ACCOUNT, number="103", kind=LineKind.URI, uri="sip:a@192.0.2.1")
    )
    administration.add_line(
        Line(id="l4", account_id=ACCOUNT, number="104", kind=LineKind.URI, uri="sip:b@192.0.2.1")
    )
    sips = "sips:c@[2001:db8::1]:5061;transport=tls"
    administration.add_line(Line(id="l5", account_id=ACCOUNT, number="105", kind=LineKind.URI, uri=sips))
    administration.add_line(
        Line(id="l6", account_id=ACCOUNT, number="106", kind=LineKind.TRUNK, trunk="main")
    )
    places = ["192.0.2.1", "198.51.100.7", "[2001:db8::1]:5061;transport=tls"]
    assert sorted(await directory.peer_places()) == places
