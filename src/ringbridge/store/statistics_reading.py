"""What is counted of an account, for whoever looks at it."""

from sqlalchemy import Connection, exists, select
from sqlalchemy import tuple_ as row_value

from ringbridge.call.statistics import Kind, Share, Sums
from ringbridge.call.statistics_ports import Named, Statistics
from ringbridge.call.tally import Totals, spans
from ringbridge.store.statistics_rows import (
    merged,
    share_of_row,
    shares_within,
    sums_of_row,
    totals_of_row,
    within,
)
from ringbridge.store.statistics_tables import statistics, statistics_progress, statistics_shares
from ringbridge.store.tables import records


def read_statistics(
    connection: Connection,
    account_id: str,
    seconds: int,
    start: int,
    end: int,
    most_lines: int,
    behind_since: float,
) -> Statistics:
    """What is kept between two beginnings of slices; `slices` are `seconds` long."""
    lines, trunks = _shares(connection, account_id, start, end)
    counted_to, is_behind = _progress(connection, account_id, behind_since)
    return Statistics(
        slices=_slices(connection, account_id, seconds, start, end),
        totals=_totals(connection, account_id, start, end),
        lines=tuple(lines[:most_lines]),
        trunks=tuple(trunks),
        counted_to=counted_to,
        is_behind=is_behind,
    )


def _slices(
    connection: Connection, account_id: str, seconds: int, start: int, end: int
) -> tuple[tuple[int, Sums], ...]:
    table = statistics
    statement = (
        select(table.c.start, *(table.c[name] for name in Sums._fields))
        .where(
            table.c.account_id == account_id,
            table.c.seconds == seconds,
            table.c.start >= start,
            table.c.start < end,
        )
        .order_by(table.c.start)
    )
    return tuple((row.start, sums_of_row(row)) for row in connection.execute(statement))


def _totals(connection: Connection, account_id: str, start: int, end: int) -> Totals:
    statement = select(statistics).where(
        statistics.c.account_id == account_id, within(statistics, spans(start, end))
    )
    return merged(map(totals_of_row, connection.execute(statement)))


def _shares(connection: Connection, account_id: str, start: int, end: int) -> tuple[list[Named], list[Named]]:
    """Lines and trunks, those with the most calls first."""
    statement = shares_within(spans(start, end)).where(statistics_shares.c.account_id == account_id)
    found: dict[Kind, list[Named]] = {kind: [] for kind in Kind}
    for row in connection.execute(statement):
        found[Kind(row.kind)].append(Named(row.name, share_of_row(row)))
    for shares in found.values():
        shares.sort(key=_by_calls)
    return found[Kind.LINE], found[Kind.TRUNK]


def _by_calls(named: Named) -> tuple[int, str]:
    share: Share = named.share
    return -share.calls, named.name


def _progress(connection: Connection, account_id: str, behind_since: float) -> tuple[float | None, bool]:
    """The end of the last call that is counted, and whether a call is not that ended before `behind_since`."""
    progress = connection.execute(
        select(statistics_progress.c.ended_at, statistics_progress.c.call_id).where(
            statistics_progress.c.account_id == account_id
        )
    ).one_or_none()
    behind = exists().where(records.c.account_id == account_id, records.c.ended_at < behind_since)
    if progress is not None:
        behind = behind.where(
            row_value(records.c.ended_at, records.c.call_id) > row_value(progress.ended_at, progress.call_id)
        )
    return None if progress is None else progress.ended_at, bool(connection.scalar(select(behind)))
