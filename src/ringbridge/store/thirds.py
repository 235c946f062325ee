"""Thirds in SQL: written with the changes of their call, closed with it after a crash, and read with it and with its record."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Dialect, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from ringbridge.call.cause import Cause
from ringbridge.call.model import Call, LegState
from ringbridge.call.simulation import is_simulated
from ringbridge.call.tariff import leg_micros
from ringbridge.call.third import StoredThird, as_stored_third
from ringbridge.store.statement import Row, execute, statement_text
from ringbridge.store.third_tables import thirds

_KEY = ("call_id", "position")


class ThirdStatements:
    """The statement for one kind of database. It may be executed again with the same row."""

    def __init__(self, dialect: Dialect) -> None:
        columns = thirds.columns.keys()
        insert = postgresql.insert(thirds) if dialect.name == "postgresql" else sqlite.insert(thirds)
        progress = {name: insert.excluded[name] for name in columns[columns.index("state") :]}
        self._write = statement_text(
            insert.on_conflict_do_update(index_elements=_KEY, set_=progress), dialect, columns
        )

    def write(self, cursor: DBAPICursor, calls: Sequence[Call]) -> None:
        """The last third of each of these calls, as it is now."""
        execute(cursor, self._write, [_row(call) for call in calls])


def close_thirds(connection: Connection, call_id: str, *, heard_at: float, ended_at: float) -> None:
    """End what an interrupted call has left of thirds, who may have answered since the last that was stored of it."""
    alive = select(thirds).where(thirds.c.call_id == call_id, thirds.c.state != LegState.ENDED.value)
    for row in connection.execute(alive).mappings().all():
        settled = None
        if row["micros_per_minute"] is not None:
            since = heard_at if row["answered_at"] is None else row["answered_at"]
            most = leg_micros(row["micros_per_minute"], max(0.0, ended_at - since))
            settled = min(most, row["reserved_micros"])
        connection.execute(
            update(thirds)
            .where(thirds.c.call_id == call_id, thirds.c.position == row["position"])
            .values(
                state=LegState.ENDED.value,
                ended_at=ended_at,
                cause=Cause.INTERRUPTED.value,
                settled_micros=settled,
            )
        )


def read_thirds(connection: Connection, call_ids: Sequence[str]) -> Mapping[str, tuple[StoredThird, ...]]:
    """The thirds of those of the calls that have some, in their order."""
    statement = (
        select(
            thirds.c.call_id,
            *(thirds.c[name] for name in StoredThird.__dataclass_fields__ if name != "micros"),
            thirds.c.settled_micros.label("micros"),
        )
        .where(thirds.c.call_id.in_(call_ids))
        .order_by(*(thirds.c[name] for name in _KEY))
    )
    found: dict[str, tuple[StoredThird, ...]] = {}
    for call_id, *values in connection.execute(statement):
        third = StoredThird(**dict(zip(StoredThird.__dataclass_fields__, values, strict=True)))
        found[call_id] = (*found.get(call_id, ()), third)
    return found


def _row(call: Call) -> Row:
    third = call.thirds[-1]
    price = None if is_simulated(call) else third.transfer.price
    stored = as_stored_third(call, third)
    return (
        call.id,
        len(call.past_thirds),
        call.account_id,
        stored.number,
        stored.dialed_at if price is None else price.asked_utc,
        None if price is None else price.micros_per_minute,
        None if price is None else price.most_micros,
        stored.state,
        stored.trunk,
        stored.dialed_at,
        stored.ringing_at,
        stored.answered_at,
        stored.ended_at,
        stored.cause,
        stored.sip_status,
        stored.q850,
        stored.micros,
    )
