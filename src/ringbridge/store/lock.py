"""One server at a time on a database. Commands of the administrator do not take this lock."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from ringbridge.store.database import unavailable
from ringbridge.store.errors import StoreInUse

# Advisory locks of PostgreSQL are numbers shared by all programs that use a database; this one spells "ring" in ASCII.
_ADVISORY_KEY = 0x72696E67

# PostgreSQL's error code for a lock that was not had in time.
_LOCK_NOT_AVAILABLE = "55P03"

_IN_USE = (
    "Another ringbridge server works with this database. Stop it first, "
    "or give this one its own: set RINGBRIDGE_DATA_DIR or RINGBRIDGE_DATABASE_URL."
)


class ServerLock:
    """Held from entry to exit; entering raises StoreInUse when another process holds it, and StoreUnavailable.

    The operating system, or PostgreSQL, takes the lock back from a process that dies.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file: int | None = None
        self._session: Connection | None = None

    def __enter__(self) -> "ServerLock":
        if self._engine.dialect.name == "postgresql":
            self._lock_session()
        else:
            self._lock_file()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            # Not given back to the pool, where its session would go on and keep the lock.
            self._session.detach()
            self._session.close()
            self._session = None
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock_session(self) -> None:
        try:
            session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except DBAPIError as error:
            raise unavailable(error) from error
        try:
            # Waits for the session's lock_timeout: PostgreSQL notices a moment late that a killed server is gone.
            session.execute(text(f"SELECT pg_advisory_lock({_ADVISORY_KEY})"))
        except DBAPIError as error:
            session.close()
            if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
                raise StoreInUse(_IN_USE) from None
            raise unavailable(error) from error
        self._session = session

    def _lock_file(self) -> None:
        database = self._engine.url.database
        assert database is not None, "open_database opens SQLite by file only"
        # A file of its own: SQLite locks ranges of the database file itself, and closing any handle on it drops those.
        file = os.open(Path(f"{database}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise StoreInUse(_IN_USE) from None
        self._file = file
