"""Statements for a driver's cursor: compiled once, executed with plain tuples."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ClauseElement, Dialect, Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.compiler import SQLCompiler

from ringbridge.store.database import unavailable

Row = tuple[Any, ...]


def statement_text(statement: ClauseElement, dialect: Dialect, parameters: Sequence[str]) -> str:
    """The SQL of `statement`, which takes its `parameters` by position in the order given."""
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    assert compiled.positiontup == list(parameters), f"{statement} takes {compiled.positiontup}"
    return str(compiled)


def execute(cursor: DBAPICursor, text: str, rows: Sequence[Row]) -> None:
    """Execute a statement with each of `rows`, in the transaction of `cursor`."""
    if rows:
        cursor.executemany(text, rows)


@contextmanager
def reading(engine: Engine) -> Iterator[DBAPICursor]:
    """A cursor to read with, on a connection of the pool. Raises StoreUnavailable."""
    driver_error = engine.dialect.loaded_dbapi.Error
    try:
        connection = engine.raw_connection()
        try:
            yield connection.cursor()
        except driver_error as error:
            connection.invalidate(error)
            raise
        finally:
            connection.close()
    except (driver_error, SQLAlchemyError) as error:
        raise unavailable(error) from error
