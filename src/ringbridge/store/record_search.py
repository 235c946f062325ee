"""Searching records in a time that does not grow with how many there are.

A line or a whole number is found by an index, in the order of the list. No index knows the other conditions: so many rows are
looked at for them, and the search says where it has stopped. It blocks: for other threads than the event loop's.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, Select, or_, select
from sqlalchemy import tuple_ as row_value

from ringbridge.call.record import FoundRecords, Record, RecordFilter, RecordPlace
from ringbridge.store.database import reading, storable
from ringbridge.store.simulated import test_row
from ringbridge.store.tables import records
from ringbridge.store.thirds import read_thirds

LOOKED_AT = 5_000
"""So many rows of an index are looked at in one search."""

Conditions = Sequence[ColumnElement[bool]]


def search_records(
    engine: Engine, account_id: str, wanted: RecordFilter, after: RecordPlace | None, limit: int
) -> FoundRecords:
    """The records behind the place `after`, the newest first, `limit` at most. Raises StoreUnavailable."""
    if not all(storable(text) for text in (wanted.number, wanted.number_part, wanted.key_id) if text):
        return FoundRecords([], None, None)
    of_account = [
        records.c.account_id == account_id,
        *_within(wanted),
        *(() if after is None else _behind(after)),
    ]
    ways = [[*of_account, *way] for way in _ways(wanted)]
    others = list(_others(wanted))
    with reading(engine) as connection:
        stops = [_stop(connection, way) for way in ways] if others else []
        stop = max((each for each in stops if each is not None), default=None)
        until = [] if stop is None else [records.c.ended_at >= stop]
        found: dict[str, RowMapping] = {}
        for way in ways:
            statement = _newest_first([*way, *others, *until]).limit(limit + 1)
            found |= {row["call_id"]: row for row in connection.execute(statement).mappings()}
        rows = sorted(found.values(), key=lambda row: (row["ended_at"], row["call_id"]), reverse=True)
        thirds_of = read_thirds(connection, [row["call_id"] for row in rows[:limit]])
    shown = [Record(**row, thirds=thirds_of.get(row["call_id"], ())) for row in rows[:limit]]
    if len(rows) > limit:
        return FoundRecords(shown, shown[-1].place, None)
    # All that ended at that very moment was looked at, so it goes on before the first of them.
    return FoundRecords(shown, None if stop is None else RecordPlace(stop, ""), stop)


def conditions_of(wanted: RecordFilter) -> list[ColumnElement[bool]]:
    """All conditions, for one pass over the account's records."""
    conditions = [*_within(wanted), *_others(wanted)]
    if wanted.lines:
        conditions.append(records.c.user_number.in_(wanted.lines))
    elif wanted.number is not None:
        conditions.append(_is_of(wanted.number))
    return conditions


def _ways(wanted: RecordFilter) -> Iterator[Conditions]:
    """What one index each finds. A record may be found by two of them."""
    if wanted.lines:
        for line in wanted.lines:
            yield [records.c.user_number == line]
    elif wanted.number is not None:
        yield [records.c.user_number == wanted.number]
        yield [records.c.destination_number == wanted.number]
    else:
        yield []


def _others(wanted: RecordFilter) -> Iterator[ColumnElement[bool]]:
    """What no index knows."""
    if wanted.is_test is not None:
        yield test_row(records) == wanted.is_test
    if wanted.lines and wanted.number is not None:
        yield _is_of(wanted.number)
    if wanted.number_part is not None:
        yield or_(
            records.c.user_number.contains(wanted.number_part, autoescape=True),
            records.c.destination_number.contains(wanted.number_part, autoescape=True),
        )
    if wanted.outcomes:
        yield records.c.outcome.in_(wanted.outcomes)
    if wanted.key_id is not None:
        yield records.c.key_id == wanted.key_id


def _within(wanted: RecordFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.ended_from is not None:
        yield records.c.ended_at >= wanted.ended_from
    if wanted.ended_before is not None:
        yield records.c.ended_at < wanted.ended_before


def _is_of(number: str) -> ColumnElement[bool]:
    return or_(records.c.user_number == number, records.c.destination_number == number)


def _behind(after: RecordPlace) -> Iterator[ColumnElement[bool]]:
    # The first condition alone finds the rows by the index; SQLite does not look into the second for that.
    yield records.c.ended_at <= after.ended_at
    yield row_value(records.c.ended_at, records.c.call_id) < row_value(after.ended_at, after.call_id)


def _newest_first(conditions: Conditions) -> Select[tuple[object, ...]]:
    order = (records.c.ended_at.desc(), records.c.call_id.desc())
    return select(*records.columns).where(*conditions).order_by(*order)


def _stop(connection: Connection, way: Conditions) -> float | None:
    """Where the last row is that is looked at; None where all are."""
    statement = (
        select(records.c.ended_at).where(*way).order_by(records.c.ended_at.desc()).offset(LOOKED_AT).limit(1)
    )
    found: float | None = connection.scalar(statement)
    return found
