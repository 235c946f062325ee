"""What a minute to numbers that begin so costs: one table for the whole server. Synchronous: the command line uses it."""

import hashlib
from collections.abc import Iterable, Mapping

from sqlalchemy import Engine, delete, insert, select

from ringbridge.call.audit import Action
from ringbridge.store.audit import note
from ringbridge.store.database import reading
from ringbridge.store.part import Part
from ringbridge.store.revision import changing
from ringbridge.store.tables import rates


class RateTable:
    """Reads and exchanges the rates over `engine`, prefix -> millionths of the currency. Methods raise StoreUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> dict[str, int]:
        """Every rate, by prefix."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(rates).order_by(rates.c.prefix))
            return {row.prefix: row.micros_per_minute for row in rows}

    def replace(self, new_rates: Mapping[str, int]) -> None:
        """These rates, and no others any more."""
        rows = [{"prefix": prefix, "micros_per_minute": micros} for prefix, micros in new_rates.items()]
        with changing(self._engine, Part.RATES) as connection:
            before = connection.execute(select(rates.c.prefix, rates.c.micros_per_minute)).all()
            connection.execute(delete(rates))
            if rows:
                connection.execute(insert(rates), rows)
            note(
                connection,
                Action.RATES_IMPORTED,
                before=_summary(before),
                after=_summary(new_rates.items()),
            )


def _summary(rows: Iterable[tuple[str, int]]) -> dict[str, object]:
    """What the audit log tells of a table of rates: how many there are, and what tells it from another."""
    lines = sorted(f"{prefix},{micros}" for prefix, micros in rows)
    return {"rates": len(lines), "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest()}
