"""What a call may cost, written with the call that it belongs to, and what it did cost, written with its end."""

from sqlalchemy import Connection, Dialect, RowMapping, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from ringbridge.call.cause import Cause
from ringbridge.call.model import Call
from ringbridge.call.simulation import is_simulated
from ringbridge.call.tariff import cost_micros, leg_micros, most_micros
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
        """What each of these new calls may cost; nothing for a test call, or one whose price is not known."""
        execute(cursor, self._insert, [_row(call) for call in calls if _is_charged(call)])

    def settle(self, cursor: DBAPICursor, calls: list[Call]) -> None:
        """What each of these ended calls did cost."""
        execute(cursor, self._settle, [(cost_micros(call), call.id) for call in calls if _is_charged(call)])

    def erase(self, cursor: DBAPICursor, call_ids: list[Row]) -> None:
        """Calls that were not accepted after all."""
        execute(cursor, self._delete, call_ids)


def settle_interrupted(connection: Connection, call: RowMapping, heard_at: float) -> None:
    """What a call of an earlier process cost at the most. `call` is its row with its end, `heard_at` is when the last was stored of it.

    An answer that came after that is lost with the process: a leg that may have had one counts from then on.
    """
    statement = select(charges).where(charges.c.call_id == call["id"])
    charge = connection.execute(statement).mappings().one_or_none()
    if charge is None:
        return
    most = sum(
        leg_micros(charge[f"{leg}_micros_per_minute"], _most_seconds_up(call, leg, heard_at))
        for leg in ("user", "destination")
    )
    # However long this server was away, somebody's phone or carrier has ended what it had no more of.
    connection.execute(
        update(charges)
        .where(charges.c.call_id == call["id"])
        .values(settled_micros=min(most, charge["reserved_micros"]))
    )


def _most_seconds_up(call: RowMapping, leg: str, heard_at: float) -> float:
    answered_at: float | None = call[f"{leg}_answered_at"]
    if answered_at is None and call[f"{leg}_cause"] not in (None, Cause.INTERRUPTED.value):
        return 0.0
    ended_at: float = call[f"{leg}_ended_at"] or call["ended_at"]
    return max(0.0, ended_at - (heard_at if answered_at is None else answered_at))


def _is_charged(call: Call) -> bool:
    return call.tariff is not None and not is_simulated(call)


def _row(call: Call) -> Row:
    assert call.tariff is not None, "only calls whose price is known have a row"
    return (call.id, call.account_id, call.accepted_utc, *call.tariff, most_micros(call))
