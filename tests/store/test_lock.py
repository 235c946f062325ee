"""Two servers do not work with one database."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ringbridge.call.errors import StoreUnavailable
from ringbridge.store.administration import Administration
from ringbridge.store.database import open_database
from ringbridge.store.errors import StoreInUse
from ringbridge.store.lock import ServerLock

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
