"""What became of an account's calls, over the last hour, day, week or month: what the dashboard shows."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import Enum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ringbridge.call.ports import Directory
from ringbridge.call.statistics import Share, Stage, Sums, percentile
from ringbridge.call.statistics_ports import Named, StatisticsStore
from ringbridge.call.tally import FIVE_MINUTES, HOUR, NO_CALLS, Totals, slice_start
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock

MOST_LINES = 10

# Calls that ended longer ago and are not counted yet are a backlog, and no more the delay that there always is.
_BEHIND_SECONDS = 300.0


class Period(Enum):
    """What somebody may look at: so long until now."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Point(NamedTuple):
    """One slice of the time that is looked at; both in UTC seconds, the end not included."""

    start: float
    end: float
    sums: Sums


class Percentiles(NamedTuple):
    """Of how many calls came through a stage, half took at most `p50` seconds, nine of ten `p90`, and 99 of 100 `p99`."""

    calls: int
    p50: float
    p90: float
    p99: float


class LineShare(NamedTuple):
    """A line of the account; `name` None where it has none, or is gone."""

    number: str
    name: str | None
    share: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of the calls that ended within the period.

    points: without a gap, the oldest first; the last goes on. stages: those that any call came through. lines: with the most calls.
    counted_to: the end of the last call that is counted. is_behind: older calls are still being counted.
    """

    period: Period
    points: tuple[Point, ...]
    sums: Sums
    stages: Mapping[Stage, Percentiles]
    lines: tuple[LineShare, ...]
    trunks: tuple[Named, ...]
    counted_to: float | None
    is_behind: bool


class StatisticsService:
    """What is counted of the caller's account: of all of it, so not for callers who are bound to lines."""

    def __init__(self, store: StatisticsStore, directory: Directory, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock

    async def report(self, caller: Caller, period: Period, zone: tzinfo = UTC) -> Report:
        """What became of the calls of the period; the days of a month are those of `zone`. Raises StoreUnavailable."""
        assert not caller.key.lines, "statistics are of the whole account"
        utc_now = self._clock.utc_now()
        edges = period_edges(period, utc_now, zone)
        seconds = FIVE_MINUTES if period is Period.HOUR else HOUR
        account_id = caller.account.id
        found = await asyncio.to_thread(
            self._store.read,
            account_id,
            seconds,
            slice_start(edges[0], seconds),
            slice_start(edges[-1] - 1, seconds) + seconds,
            most_lines=MOST_LINES,
            behind_since=utc_now - _BEHIND_SECONDS,
        )
        lines = []
        for number, share in found.lines:
            line = await self._directory.line(account_id, number)
            lines.append(LineShare(number, None if line is None else line.name, share))
        return Report(
            period=period,
            points=_points(edges, found.slices),
            sums=found.totals.sums,
            stages=_stages(found.totals),
            lines=tuple(lines),
            trunks=found.trunks,
            counted_to=found.counted_to,
            is_behind=found.is_behind,
        )


def zone_of(name: str) -> tzinfo:
    """The time zone of that name in the IANA's list; UTC where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def period_edges(period: Period, utc_now: float, zone: tzinfo) -> list[float]:
    """Where the points of a period begin, and at last where the one that is now ends."""
    match period:
        case Period.HOUR:
            return _regular_edges(FIVE_MINUTES, 12, utc_now)
        case Period.DAY:
            return _regular_edges(HOUR, 24, utc_now)
        case Period.WEEK:
            return _regular_edges(HOUR, 7 * 24, utc_now)
        case Period.MONTH:
            today = datetime.fromtimestamp(utc_now, zone).date()
            days = [today + timedelta(days=distance) for distance in range(-29, 2)]
            return [datetime.combine(day, time(), zone).timestamp() for day in days]


def _regular_edges(seconds: int, count: int, utc_now: float) -> list[float]:
    end = slice_start(utc_now, seconds) + seconds
    return [float(end - seconds * distance) for distance in range(count, -1, -1)]


def _points(edges: list[float], slices: tuple[tuple[int, Sums], ...]) -> tuple[Point, ...]:
    """Slices put together between edges; one that lies across an edge belongs to where it begins, or to the first."""
    sums = [NO_CALLS] * (len(edges) - 1)
    index = 0
    for start, of_slice in slices:
        while index < len(sums) - 1 and start >= edges[index + 1]:
            index += 1
        sums[index] = sums[index].plus(of_slice)
    return tuple(Point(edges[number], edges[number + 1], each) for number, each in enumerate(sums))


def _stages(totals: Totals) -> dict[Stage, Percentiles]:
    counts: dict[Stage, dict[int, int]] = {stage: {} for stage in Stage}
    for (stage, bucket), calls in totals.times.items():
        counts[stage][bucket] = calls
    found = {}
    for stage, of_stage in counts.items():
        p50, p90, p99 = (percentile(of_stage, share) for share in (0.5, 0.9, 0.99))
        if p50 is not None and p90 is not None and p99 is not None:
            found[stage] = Percentiles(sum(of_stage.values()), p50, p90, p99)
    return found
