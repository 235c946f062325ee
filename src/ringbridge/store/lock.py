"""One server at a time on a database. Commands of the administrator do not take this lock."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ringbridge.call.errors import StoreUnavailable
from ringbridge.store.database import unavailable
from ringbridge.store.errors import StoreInUse
from ringbridge.store.polling import polling

log = structlog.get_logger()

_CHECK_SECONDS = 0.5

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

    The operating system, or PostgreSQL, takes the lock back from a process that dies. PostgreSQL also takes it from one
    that lives, when it ends the session, as it does when it restarts: see `watch`.
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
        self._end_session()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def is_held(self) -> bool:
        """Whether this process has the lock, as far as it knows."""
        return self._file is not None or self._session is not None

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """While entered, a lock that is lost is noticed within a second, and taken again when nobody else has it."""
        if self._file is not None:
            # The operating system takes it from nobody who lives.
            yield
            return
        reason: str | None = None

        async def look() -> None:
            nonlocal reason
            if await asyncio.to_thread(self._survives):
                return
            try:
                await asyncio.to_thread(self._lock_session)
            except StoreUnavailable as error:
                if reason != str(error):
                    reason = str(error)
                    log.error("server_lock_lost", reason=reason)
            else:
                reason = None
                log.warning("server_lock_regained")

        async with polling(_CHECK_SECONDS, look):
            yield

    def _survives(self) -> bool:
        """Whether the lock is held still; what held it is given up if not."""
        if self._session is not None:
            try:
                self._session.execute(text("SELECT 1"))
            except DBAPIError:
                self._end_session()
        return self.is_held

    def _end_session(self) -> None:
        if self._session is not None:
            # Not given back to the pool, where its session would go on and keep the lock.
            self._session.invalidate()
            self._session.close()
            self._session = None

    def _lock_session(self) -> None:
        try:
            session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except (DBAPIError, PoolTimeout) as error:
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
