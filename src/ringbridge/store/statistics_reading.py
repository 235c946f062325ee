"""What is counted of an account, for whoever looks at it."""

from sqlalchemy import Connection, exists, select
from sqlalchemy import tuple_ as row_value

from ringbridge.call.statistics import Kind, Sums
from ringbridge.call.statistics_ports import Named, Statistics
from ringbridge.call.tally import Span, spans
from ringbridge.store.statistics_rows import SLICE, read_shares, read_totals
from ringbridge.store.statistics_tables import statistics, statistics_progress
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
    parts = spans(start, end)
    lines, trunks = _shares(connection, account_id, parts)
    counted_to, is_behind = _progress(connection, account_id, behind_since)
    return Statistics(
        slices=_slices(connection, account_id, seconds, start, end),
        totals=read_totals(connection, account_id, parts),
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
        select(*SLICE[:-1])
        .where(
            table.c.account_id == account_id,
            table.c.seconds == seconds,
            table.c.start >= start,
            table.c.start < end,
        )
        .order_by(table.c.start)
    )
    return tuple((start, Sums._make(sums)) for start, *sums in connection.execute(statement))


def _shares(connection: Connection, account_id: str, parts: list[Span]) -> tuple[list[Named], list[Named]]:
    """Lines and trunks, those with the most calls first."""
    found: dict[Kind, list[Named]] = {kind: [] for kind in Kind}
    for (kind, name), share in read_shares(connection, account_id, parts).items():
        found[kind].append(Named(name, share))
    for shares in found.values():
        shares.sort(key=_by_calls)
    return found[Kind.LINE], found[Kind.TRUNK]


def _by_calls(named: Named) -> tuple[int, str]:
    return -named.share.calls, named.name


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
