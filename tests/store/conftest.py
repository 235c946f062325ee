"""Every test that takes `url`, `engine` or what is built on them runs twice: on an SQLite file and on PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from ringbridge.call.user import Role, User
from ringbridge.store.administration import Administration
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import migrate, open_database
from ringbridge.store.lock import ServerLock
from ringbridge.store.users import SqlUsers
from tests.store.postgres import running_postgres

_schemas = count(1)


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """The socket folder of a server that runs for the whole session."""
    with running_postgres() as folder:
        yield folder


@pytest.fixture
def postgres_url(postgres_folder: Path) -> str:
    """An empty database on PostgreSQL: a schema of its own, which is made in a tenth of the time."""
    address, schema = f"ringbridge@/postgres?host={postgres_folder}", f"test_{next(_schemas)}"
    server = create_engine(f"postgresql+psycopg://{address}")
    with server.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    server.dispose()
    return f"postgresql://{address}&options=-csearch_path%3D{schema}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path}/ringbridge.db"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of either kind."""
    address: str = request.getfixturevalue(f"{request.param}_url")
    return address


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A database with all tables."""
    engine = open_database(url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def administration(engine: Engine) -> Administration:
    """What the administrator does to the database."""
    return Administration(engine)


@pytest.fixture
async def store(engine: Engine) -> AsyncIterator[SqlCallStore]:
    """A store that writes; see `written` for how to wait for it."""
    with ServerLock(engine) as lock:
        async with SqlCallStore(engine, lock) as store:
            yield store


@pytest.fixture
def owner(engine: Engine, administration: Administration) -> User:
    """A user of an account: its only owner."""
    account = administration.add_account("Acme")
    user = User(
        id="u1",
        account_id=account.id,
        login="ann",
        name="Ann",
        role=Role.OWNER,
        created_at=1.5,
        password_hash="$argon2id$1",
    )
    SqlUsers(engine).add(user)
    return user
