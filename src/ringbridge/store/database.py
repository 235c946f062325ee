"""Opening a database and working in it: SQLite by file, PostgreSQL by URL, both by synchronous drivers in threads.

`reading` and `writing` are the border: what a driver raises inside them leaves as StoreUnavailable.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.command import upgrade
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ringbridge.call.errors import InvalidSetting, StoreUnavailable
from ringbridge.store.errors import SchemaTooNew

# How long a write waits for another process's lock. Less than the two seconds that a click may wait for its
# answer, so that a new call that did not get the lock is known to be rolled back by then.
LOCK_SECONDS = 1.5

_CONNECT_SECONDS = 2


def open_database(url: str) -> Engine:
    """The database at `url`, `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`; call `migrate` on it next.

    A missing SQLite file is created, readable by its owner only. Nothing is sent to PostgreSQL yet.
    Raises InvalidSetting for a URL of another kind and StoreUnavailable when the file cannot be opened.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        # Not chained: the driver's text repeats the URL, and with it the password.
        raise InvalidSetting(_URL_KINDS) from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and parsed.database != ":memory:":
            return _open_sqlite(parsed, Path(parsed.database))
        case "postgresql" | "postgres":
            return _open_postgresql(parsed)
        case _:
            raise InvalidSetting(_URL_KINDS)


_URL_KINDS = "database_url takes sqlite:////folder/file.db or postgresql://user:password@host/name"


def _open_sqlite(url: URL, path: Path) -> Engine:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            f"The database file {path} cannot be opened: {error.strerror}. "
            "Create its folder, or give this user the right to write there."
        ) from error
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), connect_args={"timeout": LOCK_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        # The driver would begin transactions by itself, and only before some statements; `begin` below does it for all.
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and locks later can fail in its middle; a writer takes the lock with its first step.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _open_postgresql(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        # Positional parameters, as with SQLite: the writer gives the same tuples to both drivers.
        paramstyle="format",
        # Of a host that vanished no reset arrives; without a timeout of its own a write would wait for minutes.
        connect_args={"connect_timeout": _CONNECT_SECONDS, "tcp_user_timeout": _CONNECT_SECONDS * 1000},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.execute(f"SET lock_timeout = {int(LOCK_SECONDS * 1000)}")
        # An administrator may have turned it off for all: then a call that was accepted could be lost.
        connection.execute("SET synchronous_commit = on")
        connection.commit()

    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the database. Raises StoreUnavailable."""
    with _translated(), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the right to write from its start, committed at the end. Raises StoreUnavailable."""
    with _translated(), engine.execution_options(writes=True).begin() as connection:
        yield connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> StoreUnavailable:
    """The error to show for `error` of SQLAlchemy or a driver: its first line, without statement and parameters."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(cause).splitlines()
    return StoreUnavailable(f"The database is not available: {lines[0] if lines else type(cause).__name__}")


def storable(text: str) -> bool:
    """Whether `text`, which came from outside, can be in a column at all: PostgreSQL has no NUL, and neither has half a character."""
    return text.isprintable()


def migrate(engine: Engine) -> None:
    """Bring the tables to the state that this version needs, wholly or not at all; no-op when they are.

    Raises SchemaTooNew when a later version has been here, and StoreUnavailable.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            # Two processes that start together: the second finds the tables made. SQLite's writing lock does the same.
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        config.attributes["connection"] = connection
        try:
            upgrade(config, "head")
        except CommandError as error:
            raise SchemaTooNew(
                "The database was changed by a later version of ringbridge. "
                "Start that version, or restore the backup made before the upgrade."
            ) from error


# Advisory locks of PostgreSQL are numbers shared by all programs that use a database; this one spells "ringb" in ASCII.
_MIGRATION_LOCK = 0x72696E6762
