"""Single rows by their keys, straight over the driver: SQLAlchemy's layers would cost ten times what the row does."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, Table, bindparam, select
from sqlalchemy.engine.interfaces import DBAPICursor

from ringbridge.store.database import storable
from ringbridge.store.statement import reading, statement_text


class RowLookUp:
    """Finds the row of `table` that has given values in the columns `key`. For any thread."""

    def __init__(self, engine: Engine, table: Table, *key: str) -> None:
        self._engine = engine
        self._table = table
        self._converters: list[tuple[str, Callable[[Any], Any] | None]] | None = None
        query = select(table).where(*(table.c[name] == bindparam(name) for name in key))
        self._text = statement_text(query, engine.dialect, key)

    def find(self, *values: str) -> dict[str, Any] | None:
        """The row by the names of its columns, or None where there is none. Raises StoreUnavailable."""
        if not all(map(storable, values)):
            return None
        with reading(self._engine) as cursor:
            cursor.execute(self._text, values)
            return self._fetch(cursor)

    def _fetch(self, cursor: DBAPICursor) -> dict[str, Any] | None:
        row = cursor.fetchone()
        if row is None:
            return None
        if self._converters is None:
            self._converters = self._converters_of(cursor)
        return {
            name: value if convert is None else convert(value)
            for (name, convert), value in zip(self._converters, row, strict=True)
        }

    def _converters_of(self, cursor: DBAPICursor) -> list[tuple[str, Callable[[Any], Any] | None]]:
        """What SQLAlchemy does to the value of each column: SQLite knows neither truth values nor JSON."""
        dialect = self._engine.dialect
        return [
            (column.name, column.type.dialect_impl(dialect).result_processor(dialect, kind))
            for column, (_, kind, *_) in zip(self._table.columns, cursor.description, strict=True)
        ]
