"""The writer's connection: transactions straight over the driver, without SQLAlchemy's layers in between.

Those cost more than the rows of a batch. Not for reading, and for one thread only.
"""

from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection


class WriteSession:
    """Opened when first needed, and anew after each failure: a new session is surely free of what broke the last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: PoolProxiedConnection | None = None

    def transact(self, work: Callable[[DBAPICursor], None]) -> None:
        """Do `work` in one transaction; durable on return. What the driver raises leaves as it is: see `is_outage`."""
        if self._connection is None:
            self._connection = self._engine.raw_connection()
        try:
            if self._engine.dialect.name == "postgresql":
                self._transact_postgresql(self._connection, work)
            else:
                self._transact_sqlite(self._connection, work)
        except BaseException as error:
            self._discard(self._connection, error)
            raise

    def is_outage(self, error: Exception) -> bool:
        """Whether the same write may succeed later. If not, it is the fault of a row, whatever was raised."""
        driver = self._engine.dialect.loaded_dbapi
        if isinstance(error, (driver.IntegrityError, driver.DataError)):
            return False
        return isinstance(error, (driver.Error, SQLAlchemyError))

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _discard(self, connection: PoolProxiedConnection, error: BaseException) -> None:
        # SQLite keeps a closed connection, and its lock, for as long as the traceback of `error` refers to a cursor.
        with suppress(self._engine.dialect.loaded_dbapi.Error):
            connection.rollback()
        connection.invalidate(error)
        self._connection = None

    @staticmethod
    def _transact_sqlite(connection: PoolProxiedConnection, work: Callable[[DBAPICursor], None]) -> None:
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        work(cursor)
        connection.commit()

    @staticmethod
    def _transact_postgresql(connection: PoolProxiedConnection, work: Callable[[DBAPICursor], None]) -> None:
        # All statements and the COMMIT in one round trip; psycopg begins the transaction with the first of them.
        with connection.driver_connection.pipeline():  # type: ignore[union-attr]
            work(connection.cursor())
            connection.commit()
