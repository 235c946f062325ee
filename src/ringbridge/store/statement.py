"""Statements for a driver's cursor: compiled once, executed with plain tuples."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ClauseElement, Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.compiler import SQLCompiler

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
