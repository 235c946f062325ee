"""Rows of what is counted: sums and times into them and out of them, inside a transaction of the caller's."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    cast,
    delete,
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
    NO_SHARE,
    ShareKey,
    SliceKey,
    Span,
    Tally,
    Totals,
    slice_start,
)
from ringbridge.store.statistics_tables import statistics, statistics_shares

SLICE = (statistics.c.start, *(statistics.c[name] for name in Sums._fields), statistics.c.times)
"""What is read of a slice: when it begins, its sums in their order, its times."""


def add(connection: Connection, account_id: str, tally: Tally) -> None:
    """Add what is in `tally` to what is there; of test calls alone there is nothing in it."""
    if not tally.slices:
        return
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
    hours = [Span(HOUR, day, day + DAY)]
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
    whole = read_totals(connection, account_id, hours)
    _put_slices(connection, account_id, {SliceKey(DAY, day): whole})
    shares = read_shares(connection, account_id, hours)
    _add_shares(
        connection,
        account_id,
        {ShareKey(DAY, day, kind, name): share for (kind, name), share in shares.items()},
    )


def read_totals(connection: Connection, account_id: str, parts: Iterable[Span]) -> Totals:
    """All slices of the account that those spans have, together."""
    rows: list[Row[Any]] = []
    for part in parts:
        rows += connection.execute(select(*SLICE).where(*_within(statistics, account_id, part)))
    return merged(map(totals_of_row, rows))


def read_shares(
    connection: Connection, account_id: str, parts: Iterable[Span]
) -> dict[tuple[Kind, str], Share]:
    """The shares of each line and trunk of the account, all slices that those spans have together."""
    found: dict[tuple[Kind, str], Share] = {}
    table = statistics_shares
    for part in parts:
        statement = (
            select(
                table.c.kind,
                table.c.name,
                # A sum of whole numbers is a decimal on PostgreSQL.
                *(cast(func.sum(table.c[name]), table.c[name].type).label(name) for name in Share._fields),
            )
            .where(*_within(table, account_id, part), table.c.kind.in_([kind.value for kind in Kind]))
            .group_by(table.c.kind, table.c.name)
        )
        for kind, name, *share in connection.execute(statement):
            key = Kind(kind), name
            found[key] = found.get(key, NO_SHARE).plus(Share._make(share))
    return found


def _within(table: Table, account_id: str, part: Span) -> tuple[ColumnElement[bool], ...]:
    """The conditions of one span. Each has a statement of its own, which is what the primary key finds at once."""
    return (
        table.c.account_id == account_id,
        table.c.seconds == part.seconds,
        table.c.start >= part.start,
        table.c.start < part.end,
    )


def totals_of_row(row: Row[Any]) -> Totals:
    """The sums and times in a row of the columns SLICE."""
    _, *sums, stored = tuple(row)
    times: Times = Counter()
    for stage, buckets in stored.items():
        of_stage = Stage(stage)
        for bucket, calls in buckets.items():
            times[of_stage, int(bucket)] = calls
    return Totals(Sums._make(sums), times)


def merged(parts: Iterable[Totals]) -> Totals:
    """All of them together."""
    whole = Totals()
    for part in parts:
        whole.sums = whole.sums.plus(part.sums)
        whole.times.update(part.times)
    return whole


def _slices(connection: Connection, account_id: str, keys: Iterable[SliceKey]) -> dict[SliceKey, Totals]:
    """Those of `keys` that there are."""
    starts: dict[int, list[int]] = {}
    for key in keys:
        starts.setdefault(key.seconds, []).append(key.start)
    found = {}
    for seconds, of_length in starts.items():
        statement = select(*SLICE).where(
            statistics.c.account_id == account_id,
            statistics.c.seconds == seconds,
            statistics.c.start.in_(of_length),
        )
        for row in connection.execute(statement):
            found[SliceKey(seconds, row.start)] = totals_of_row(row)
    return found


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
