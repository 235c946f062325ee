"""What a call may cost, written with the call that it belongs to, and what it did cost, written with its end."""

from sqlalchemy import Dialect, bindparam, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from ringbridge.call.model import Call
from ringbridge.call.tariff import cost_micros, most_micros
from ringbridge.store.statement import Row, execute, statement_text
from ringbridge.store.tables import charges

_COLUMNS = [
    "call_id",
    "account_id",
    "accepted_at",
    "user_micros_per_minute",
    "destination_micros_per_minute",
    "reserved_micros",
]


class ChargeStatements:
    """The statements for one kind of database. Each may be executed again with the same rows."""

    def __init__(self, dialect: Dialect) -> None:
        table = postgresql.insert(charges) if dialect.name == "postgresql" else sqlite.insert(charges)
        self._insert = statement_text(
            table.values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing(),
            dialect,
            _COLUMNS,
        )
        self._settle = statement_text(
            update(charges)
            .where(charges.c.call_id == bindparam("of_call"))
            .values(settled_micros=bindparam("settled")),
            dialect,
            ["settled", "of_call"],
        )
        self._delete = statement_text(
            delete(charges).where(charges.c.call_id == bindparam("of_call")), dialect, ["of_call"]
        )

    def reserve(self, cursor: DBAPICursor, calls: list[Call]) -> None:
        """What each of these new calls may cost; nothing for one whose price is not known."""
        execute(cursor, self._insert, [_row(call) for call in calls if call.tariff is not None])

    def settle(self, cursor: DBAPICursor, calls: list[Call]) -> None:
        """What each of these ended calls did cost."""
        priced = [call for call in calls if call.tariff is not None]
        execute(cursor, self._settle, [(cost_micros(call), call.id) for call in priced])

    def erase(self, cursor: DBAPICursor, call_ids: list[Row]) -> None:
        """Calls that were not accepted after all."""
        execute(cursor, self._delete, call_ids)


def _row(call: Call) -> Row:
    assert call.tariff is not None, "only calls whose price is known have a row"
    return (call.id, call.account_id, call.accepted_utc, *call.tariff, most_micros(call))
