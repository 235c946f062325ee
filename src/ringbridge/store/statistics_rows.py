"""Rows of what is counted: sums and times into them and out of them, inside a transaction of the caller's."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    cast,
    delete,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from ringbridge.call.statistics import Kind, Share, Stage, Sums, Times
from ringbridge.call.tally import (
    DAY,
    FIVE_MINUTES,
    HOUR,
    ShareKey,
    SliceKey,
    Span,
    Tally,
    Totals,
    slice_start,
)
from ringbridge.store.statistics_tables import statistics, statistics_shares

_Times = Mapping[str, Mapping[str, int]]


def add(connection: Connection, account_id: str, tally: Tally) -> None:
    """Add what is in `tally` to what is there."""
    there = _slices(connection, account_id, tally.slices)
    _put_slices(
        connection,
        account_id,
        {key: merged([there.get(key, Totals()), totals]) for key, totals in tally.slices.items()},
    )
    _add_shares(connection, account_id, tally.shares)


def replace_hour(connection: Connection, account_id: str, hour: int, tally: Tally) -> None:
    """Put what is in `tally`, of one hour, in the place of what is there; its day is made of its hours again."""
    day = slice_start(hour, DAY)
    hours = [SliceKey(HOUR, start) for start in range(day, day + DAY, HOUR)]
    for table in (statistics, statistics_shares):
        of_hour = and_(
            table.c.seconds.in_((FIVE_MINUTES, HOUR)), table.c.start >= hour, table.c.start < hour + HOUR
        )
        of_day = and_(table.c.seconds == DAY, table.c.start == day)
        connection.execute(delete(table).where(table.c.account_id == account_id, or_(of_hour, of_day)))
    _put_slices(
        connection, account_id, {key: totals for key, totals in tally.slices.items() if key.seconds != DAY}
    )
    _add_shares(
        connection, account_id, {key: share for key, share in tally.shares.items() if key.seconds != DAY}
    )
    whole = merged(_slices(connection, account_id, hours).values())
    _put_slices(connection, account_id, {SliceKey(DAY, day): whole})
    shares = connection.execute(
        shares_within([Span(HOUR, day, day + DAY)]).where(statistics_shares.c.account_id == account_id)
    )
    _add_shares(
        connection,
        account_id,
        {ShareKey(DAY, day, Kind(row.kind), row.name): share_of_row(row) for row in shares},
    )


def within(table: Table, parts: Iterable[Span]) -> ColumnElement[bool]:
    """Whether a row is one of those slices."""
    return or_(
        false(),
        *(
            and_(table.c.seconds == part.seconds, table.c.start >= part.start, table.c.start < part.end)
            for part in parts
        ),
    )


def shares_within(parts: Iterable[Span]) -> Select[Any]:
    """The shares of each line and trunk, those slices together; without an account yet."""
    table = statistics_shares
    return (
        select(
            table.c.kind,
            table.c.name,
            # A sum of whole numbers is a decimal on PostgreSQL.
            *(cast(func.sum(table.c[name]), table.c[name].type).label(name) for name in Share._fields),
        )
        .where(within(table, parts))
        .group_by(table.c.kind, table.c.name)
    )


def share_of_row(row: Row[Any]) -> Share:
    """The share in a row."""
    return Share._make(row._mapping[name] for name in Share._fields)


def sums_of_row(row: Row[Any]) -> Sums:
    """The sums in a row of `statistics`."""
    return Sums._make(row._mapping[name] for name in Sums._fields)


def totals_of_row(row: Row[Any]) -> Totals:
    """The sums and times in a row of `statistics`."""
    times: Times = Counter()
    stored: _Times = row.times
    for stage, buckets in stored.items():
        for bucket, calls in buckets.items():
            times[Stage(stage), int(bucket)] = calls
    return Totals(sums_of_row(row), times)


def merged(parts: Iterable[Totals]) -> Totals:
    """All of them together."""
    whole = Totals()
    for part in parts:
        whole.sums = whole.sums.plus(part.sums)
        whole.times.update(part.times)
    return whole


def _slices(connection: Connection, account_id: str, keys: Iterable[SliceKey]) -> dict[SliceKey, Totals]:
    """Those of `keys` that there are."""
    parts = [Span(key.seconds, key.start, key.start + key.seconds) for key in keys]
    statement = select(statistics).where(statistics.c.account_id == account_id, within(statistics, parts))
    return {
        SliceKey(row.seconds, row.start): totals_of_row(row) for row in connection.execute(statement).all()
    }


def _put_slices(connection: Connection, account_id: str, slices: Mapping[SliceKey, Totals]) -> None:
    """Write them, over those that are there."""
    rows = []
    for key, totals in slices.items():
        times: dict[str, dict[str, int]] = {}
        for (stage, bucket), calls in totals.times.items():
            times.setdefault(stage.value, {})[str(bucket)] = calls
        rows.append({"account_id": account_id} | key._asdict() | totals.sums._asdict() | {"times": times})
    statement = _insert(connection, statistics)
    changed = {name: statement.excluded[name] for name in (*Sums._fields, "times")}
    if rows:
        connection.execute(
            statement.on_conflict_do_update(index_elements=list(statistics.primary_key), set_=changed), rows
        )


def _add_shares(connection: Connection, account_id: str, shares: Mapping[ShareKey, Share]) -> None:
    """Add them to those that are there."""
    rows = [
        {"account_id": account_id} | key._asdict() | {"kind": key.kind.value} | share._asdict()
        for key, share in shares.items()
    ]
    statement = _insert(connection, statistics_shares)
    changed = {name: statistics_shares.c[name] + statement.excluded[name] for name in Share._fields}
    if rows:
        connection.execute(
            statement.on_conflict_do_update(index_elements=list(statistics_shares.primary_key), set_=changed),
            rows,
        )


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """The two databases spell what to do with a row that is there alike, in classes of their own."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
