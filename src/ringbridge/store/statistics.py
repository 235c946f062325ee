"""What is counted of calls, in SQL: the port `StatisticsStore`.

Nothing is locked while records are read: how far an account is counted, and what that adds, is written in one transaction, and
only where nobody has changed what is counted of the account since it was read (the column `revision`).
"""

from typing import NamedTuple

from sqlalchemy import Connection, Engine, ScalarSelect, Select, delete, func, insert, select, update
from sqlalchemy import tuple_ as row_value

from ringbridge.call.statistics import EndedCall, Kind
from ringbridge.call.statistics_ports import Statistics
from ringbridge.call.tally import DAY, HOUR, KEPT_SECONDS, Tally, slice_start
from ringbridge.store.database import reading, writing
from ringbridge.store.simulated import test_row
from ringbridge.store.statistics_reading import read_statistics
from ringbridge.store.statistics_rows import add, replace_hour
from ringbridge.store.statistics_tables import statistics, statistics_progress, statistics_shares
from ringbridge.store.tables import accounts, record_retentions, records

_COLUMNS = [records.c[name] for name in EndedCall._fields]
_PLACE = row_value(records.c.ended_at, records.c.call_id)


class SqlStatistics:
    """StatisticsStore over `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(
        self, account_id: str, seconds: int, start: int, end: int, *, most_lines: int, behind_since: float
    ) -> Statistics:
        """What is kept between two beginnings of slices; `slices` are `seconds` long."""
        with reading(self._engine) as connection:
            return read_statistics(connection, account_id, seconds, start, end, most_lines, behind_since)

    def count(self, until: float, limit: int) -> int:
        """Count up to `limit` calls of each account that ended before `until`, each once; how many. 0 when none is left."""
        with reading(self._engine) as connection:
            waiting = connection.scalars(_with_uncounted(until)).all()
        return sum(self._count(account_id, until, limit) for account_id in waiting)

    def _count(self, account_id: str, until: float, limit: int) -> int:
        with reading(self._engine) as connection:
            progress = _progress(connection, account_id)
            calls = _calls_after(connection, account_id, progress, until, limit)
        if not calls:
            return 0
        tally, last = Tally(calls, until), calls[-1]
        with writing(self._engine) as connection:
            # Somebody else's change has come in between: the next round reads again.
            if not _advance(connection, account_id, progress, last.ended_at, last.call_id):
                return 0
            add(connection, account_id, tally)
        return len(calls)

    def recount(self, since: float, until: float) -> int:
        """Count hours between these times anew that have calls which came too late to be counted; how many hours."""
        with reading(self._engine) as connection:
            known = connection.scalars(select(statistics_progress.c.account_id)).all()
        return sum(self._recount(account_id, since, until) for account_id in known)

    def _recount(self, account_id: str, since: float, until: float) -> int:
        hours = list(range(slice_start(since, HOUR), slice_start(until, HOUR), HOUR))
        if not hours:
            return 0
        with reading(self._engine) as connection:
            progress = _progress(connection, account_id)
            assert progress is not None, "it was among those that are counted"
            found = connection.execute(select(*(_records_of(account_id, hour) for hour in hours))).one()
            statement = select(
                statistics.c.start, (statistics.c.calls + statistics.c.blocked).label("counted")
            ).where(
                statistics.c.account_id == account_id,
                statistics.c.seconds == HOUR,
                statistics.c.start >= hours[0],
            )
            counted = {row.start: row.counted for row in connection.execute(statement)}
        # Less than was counted is what is left when old records are deleted.
        late = [
            hour
            for hour, count in zip(hours, found, strict=True)
            if hour + HOUR <= progress.ended_at and count > counted.get(hour, 0)
        ]
        return sum(self._replace(account_id, hour, until) for hour in late)

    def _replace(self, account_id: str, hour: int, until: float) -> bool:
        statement = select(*_COLUMNS).where(
            records.c.account_id == account_id, records.c.ended_at >= hour, records.c.ended_at < hour + HOUR
        )
        with reading(self._engine) as connection:
            progress = _progress(connection, account_id)
            assert progress is not None, "it was among those that are counted"
            rows = connection.execute(statement.execution_options(yield_per=500))
            tally = Tally(map(EndedCall._make, rows), until)
        with writing(self._engine) as connection:
            if not _advance(connection, account_id, progress, progress.ended_at, progress.call_id):
                return False
            replace_hour(connection, account_id, hour, tally)
        return True

    def prune(self, now_utc: float) -> None:
        """Forget slices that are finer than anybody looks at after so long, and shares that their accounts do not keep."""
        with reading(self._engine) as connection:
            retentions = connection.execute(select(record_retentions)).all()
        with writing(self._engine) as connection:
            for table in (statistics, statistics_shares):
                for seconds, kept_seconds in KEPT_SECONDS.items():
                    connection.execute(
                        delete(table).where(
                            table.c.seconds == seconds, table.c.start < now_utc - kept_seconds
                        )
                    )
            for account_id, days in retentions:
                connection.execute(
                    delete(statistics_shares).where(
                        statistics_shares.c.account_id == account_id,
                        statistics_shares.c.start < now_utc - (days + 1) * DAY,
                    )
                )


def forget_line(connection: Connection, account_id: str, number: str) -> None:
    """Delete what is counted of a line, in the transaction that erases its number; what was read before is written no more."""
    connection.execute(
        update(statistics_progress)
        .where(statistics_progress.c.account_id == account_id)
        .values(revision=statistics_progress.c.revision + 1)
    )
    connection.execute(
        delete(statistics_shares).where(
            statistics_shares.c.account_id == account_id,
            statistics_shares.c.kind == Kind.LINE.value,
            statistics_shares.c.name == number,
        )
    )


class _Progress(NamedTuple):
    ended_at: float
    call_id: str
    revision: int


def _progress(connection: Connection, account_id: str) -> _Progress | None:
    """How far the account is counted; None where nothing is yet."""
    statement = select(
        statistics_progress.c.ended_at, statistics_progress.c.call_id, statistics_progress.c.revision
    ).where(statistics_progress.c.account_id == account_id)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _Progress._make(row)


def _advance(
    connection: Connection, account_id: str, before: _Progress | None, ended_at: float, call_id: str
) -> bool:
    """Write how far the account is counted now; False if it is not as it was `before`."""
    values = {"ended_at": ended_at, "call_id": call_id}
    if before is None:
        connection.execute(insert(statistics_progress), {"account_id": account_id, "revision": 1} | values)
        return True
    changed = connection.execute(
        update(statistics_progress)
        .where(
            statistics_progress.c.account_id == account_id,
            statistics_progress.c.revision == before.revision,
        )
        .values(values | {"revision": before.revision + 1})
    )
    return changed.rowcount == 1


def _with_uncounted(until: float) -> Select[str]:
    """The accounts that have a record behind the last that is counted, of a call that ended before `until`."""
    ended_at = func.coalesce(statistics_progress.c.ended_at, 0.0)
    call_id = func.coalesce(statistics_progress.c.call_id, "")
    # The first of them, not whether there is one: PostgreSQL would make a join of that, and read all records for it.
    first = (
        select(records.c.call_id)
        .where(
            records.c.account_id == accounts.c.id,
            # What the index knows, beside what it does not.
            records.c.ended_at >= ended_at,
            row_value(ended_at, call_id) < _PLACE,
            records.c.ended_at < until,
        )
        .order_by(records.c.ended_at)
        .limit(1)
        .correlate(accounts, statistics_progress)
        .scalar_subquery()
    )
    return (
        select(accounts.c.id)
        .outerjoin(statistics_progress, statistics_progress.c.account_id == accounts.c.id)
        .where(first.is_not(None))
    )


def _calls_after(
    connection: Connection, account_id: str, progress: _Progress | None, until: float, limit: int
) -> list[EndedCall]:
    statement = (
        select(*_COLUMNS)
        .where(records.c.account_id == account_id, records.c.ended_at < until)
        .order_by(records.c.ended_at, records.c.call_id)
        .limit(limit)
    )
    if progress is not None:
        statement = statement.where(row_value(progress.ended_at, progress.call_id) < _PLACE)
    return list(map(EndedCall._make, connection.execute(statement)))


def _records_of(account_id: str, hour: int) -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(records)
        .where(
            records.c.account_id == account_id,
            records.c.ended_at >= hour,
            records.c.ended_at < hour + HOUR,
            ~test_row(records),
        )
        .scalar_subquery()
    )
