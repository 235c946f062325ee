"""The last use of each key."""

import asyncio
from dataclasses import replace

from sqlalchemy import Engine
from structlog.testing import capture_logs

from ringbridge.call.key import KeyUse, KnownKey
from ringbridge.store.administration import Administration
from ringbridge.store.database import writing
from ringbridge.store.key_uses import SqlKeyUses
from ringbridge.store.tables import api_key_uses
from tests.store.samples import PATIENCE_SECONDS
from tests.store.test_administration import ACCOUNT, a_key


async def test_the_last_use_of_each_key_is_written_and_what_is_left_at_the_end(
    engine: Engine, administration: Administration
) -> None:
    administration.add_account("Acme", account_id=ACCOUNT)
    administration.add_key(a_key("key-1"))
    administration.add_key(a_key("key-2"))
    now = iter(range(100, 200))
    uses = SqlKeyUses(engine, utc_now=lambda: float(next(now)))
    async with uses.kept(0.01):
        uses.note("key-1", "192.0.2.1")
        uses.note("key-1", "192.0.2.2")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not administration.key_uses(ACCOUNT):
                await asyncio.to_thread(administration.keys, ACCOUNT)
        assert administration.key_uses(ACCOUNT) == {"key-1": KeyUse(101.0, "192.0.2.2")}
    async with uses.kept():
        uses.note("key-1", "2001:db8::1")
        uses.note("key-2", "192.0.2.1")
    assert administration.key_uses(ACCOUNT) == {
        "key-1": KeyUse(102.0, "2001:db8::1"),
        "key-2": KeyUse(103.0, "192.0.2.1"),
    }


async def test_what_could_not_be_written_is_written_later(
    engine: Engine, administration: Administration
) -> None:
    administration.add_account("Acme", account_id=ACCOUNT)
    administration.add_key(a_key("key-1"))
    uses = SqlKeyUses(engine, utc_now=lambda: 100.0)
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE api_key_uses RENAME TO gone")
    with capture_logs() as logs:
        async with uses.kept():
            uses.note("key-1", "192.0.2.1")
    assert [line["event"] for line in logs] == ["key_uses_not_written"]
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO api_key_uses")
        assert connection.execute(api_key_uses.select()).all() == []
    async with uses.kept():
        pass
    assert administration.key_uses(ACCOUNT) == {"key-1": KeyUse(100.0, "192.0.2.1")}


def test_keys_come_with_their_uses_a_page_at_a_time(engine: Engine, administration: Administration) -> None:
    administration.add_account("Acme", account_id=ACCOUNT)
    administration.add_account("Other", account_id="2")
    administration.add_key(replace(a_key("key-0"), account_id="2"))
    # Two of one moment follow each other by their ids.
    keys = [a_key(key_id, created_at=at) for key_id, at in (("key-3", 1.0), ("key-1", 1.5), ("key-2", 1.5))]
    for key in keys:
        administration.add_key(key)
    with writing(engine) as connection:
        connection.execute(
            api_key_uses.insert(), {"key_id": "key-1", "used_at": 100.0, "address": "192.0.2.1"}
        )
    known = [
        KnownKey(keys[0], None),
        KnownKey(keys[1], KeyUse(100.0, "192.0.2.1")),
        KnownKey(keys[2], None),
    ]
    assert administration.key_page(ACCOUNT, None, 10) == known
    assert administration.key_page(ACCOUNT, None, 2) == known[:2]
    assert administration.key_page(ACCOUNT, (1.5, "key-1"), 2) == known[2:]
    # At the moment of its end a key is over.
    end = keys[0].expires_at
    assert administration.key_page(ACCOUNT, None, 10, ended=False, at=end - 1.0) == known
    assert administration.key_page(ACCOUNT, None, 10, ended=True, at=end) == known
    assert administration.known_key(ACCOUNT, "key-1") == known[1]
    for account_id, key_id in ((ACCOUNT, "key-0"), (ACCOUNT, "key-1\0"), ("2", "key-1")):
        assert administration.known_key(account_id, key_id) is None
