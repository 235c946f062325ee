"""Two servers do not work with one database."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs
from structlog.typing import EventDict

from ringbridge.call.errors import StoreUnavailable
from ringbridge.store.administration import Administration
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import migrate, open_database, reading, writing
from ringbridge.store.errors import StoreInUse
from ringbridge.store.lock import ServerLock
from tests.peers.tool import poll
from tests.store.samples import a_call, accept

_HOLD = """
import sys
from ringbridge.store.database import open_database
from ringbridge.store.lock import ServerLock
with ServerLock(open_database(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_the_second_server_is_told_what_to_do(engine: Engine, url: str) -> None:
    second = open_database(url)
    with ServerLock(engine), pytest.raises(StoreInUse) as caught, ServerLock(second):
        pass
    assert str(caught.value) == (
        "Another ringbridge server works with this database. Stop it first, "
        "or give this one its own: set RINGBRIDGE_DATA_DIR or RINGBRIDGE_DATABASE_URL."
    )
    second.dispose()


def test_the_lock_is_free_after_its_server_ended(engine: Engine, url: str) -> None:
    second = open_database(url)
    with ServerLock(engine):
        pass
    with ServerLock(second):
        pass
    second.dispose()


def test_the_lock_of_a_killed_server_is_free(engine: Engine, url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "locked\n"
        with pytest.raises(StoreInUse), ServerLock(engine):
            pass
        server.kill()
    with ServerLock(engine):
        pass


def test_commands_work_beside_a_server(engine: Engine, administration: Administration) -> None:
    with ServerLock(engine):
        administration.add_account("Acme", account_id="1009683")
        assert [account.id for account in administration.accounts()] == ["1009683"]


@pytest.mark.postgres
def test_a_server_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    engine = open_database(f"postgresql://ringbridge@/name?host={tmp_path}")
    with pytest.raises(StoreUnavailable, match="not available"), ServerLock(engine):
        pass


def end_locking_session(engine: Engine) -> None:
    """What a restart of PostgreSQL does to it."""
    with writing(engine) as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        )


async def logged(logs: list[EventDict], event: str) -> None:
    """Return once that was logged."""

    async def events() -> list[str]:
        return [line["event"] for line in logs]

    await poll(events, lambda seen: event in seen, event)


@pytest.mark.postgres
async def test_a_lock_that_postgresql_dropped_is_taken_again(postgres_url: str) -> None:
    engine, second = open_database(postgres_url), open_database(postgres_url)
    with capture_logs() as logs, ServerLock(engine) as lock:
        async with lock.watch():
            end_locking_session(second)
            await logged(logs, "server_lock_regained")
            assert lock.is_held
            with pytest.raises(StoreInUse), ServerLock(second):
                pass
    engine.dispose()
    second.dispose()


@pytest.mark.postgres
async def test_while_another_server_has_the_lock_no_call_is_taken(postgres_url: str) -> None:
    engine, second, third = (open_database(postgres_url) for _ in range(3))
    migrate(engine)
    successor = ServerLock(second)

    async def waiting() -> int:
        with reading(third) as connection:
            count: int = connection.execute(
                text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            ).scalar_one()
            return count

    with capture_logs() as logs, ServerLock(engine) as lock:
        async with lock.watch(), SqlCallStore(engine, lock) as store:
            taking = asyncio.create_task(asyncio.to_thread(successor.__enter__))
            await poll(waiting, lambda count: count == 1, "a second server that waits for the lock")
            end_locking_session(third)
            await taking
            await logged(logs, "server_lock_lost")
            assert not store.healthy()
            with pytest.raises(StoreInUse, match="lost its hold"):
                await accept(store, a_call("call-1"))
            successor.__exit__(None, None, None)
            await logged(logs, "server_lock_regained")
            await accept(store, a_call("call-1"))
    assert logs[0]["reason"].startswith("Another ringbridge server works with this database.")
    for database in (engine, second, third):
        database.dispose()
