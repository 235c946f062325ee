"""The points of a period, in the reader's time zone, and what is said of stages."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from ringbridge.call.statistics import Stage, Sums, bucket_of
from ringbridge.call.tally import HOUR, Totals
from ringbridge.service import statistics
from ringbridge.service.statistics import Period, period_edges, zone_of

NOW = datetime(2026, 3, 29, 13, 7, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("period", "points", "seconds"),
    [(Period.HOUR, 12, 300), (Period.DAY, 24, 3600), (Period.WEEK, 168, 3600), (Period.MONTH, 30, 86_400)],
)
def test_a_period_ends_with_the_point_that_is_now(period: Period, points: int, seconds: int) -> None:
    edges = period_edges(period, NOW, UTC)
    assert len(edges) == points + 1
    assert {after - before for before, after in pairwise(edges)} == {seconds}
    assert edges[-2] <= NOW < edges[-1]


def test_the_days_of_a_month_are_those_of_the_reader() -> None:
    # That Sunday, clocks in Berlin were set ahead.
    edges = period_edges(Period.MONTH, NOW, ZoneInfo("Europe/Berlin"))
    assert edges[-1] - edges[-2] == 23 * HOUR
    assert edges[0] == datetime(2026, 2, 27, 23, tzinfo=UTC).timestamp()


def test_hours_are_put_together_to_days() -> None:
    # Half an hour off: the slice that began before the first day is that day's.
    edges = [HOUR * 0.5, HOUR * 24.5, HOUR * 48.5]
    slices = (
        (0, Sums(1)),
        (HOUR, Sums(2)),
        (24 * HOUR, Sums(4)),
        (25 * HOUR, Sums(8)),
        (48 * HOUR, Sums(16)),
    )
    points = statistics._points(edges, slices)
    assert [(point.start, point.end, point.sums.calls) for point in points] == [
        (HOUR * 0.5, HOUR * 24.5, 7),
        (HOUR * 24.5, HOUR * 48.5, 24),
    ]


def test_where_nothing_is_there_are_empty_points() -> None:
    assert [point.sums for point in statistics._points([0.0, 1.0, 2.0], ())] == [Sums(), Sums()]


def test_stages_that_no_call_came_through_are_left_out() -> None:
    totals = Totals()
    totals.times.update({(Stage.CONNECTED, bucket_of(1.0)): 98, (Stage.CONNECTED, bucket_of(60.0)): 2})
    found = statistics._stages(totals)
    assert found.keys() == {Stage.CONNECTED}
    assert found[Stage.CONNECTED].calls == 100
    assert found[Stage.CONNECTED].p50 == found[Stage.CONNECTED].p90 == pytest.approx(1.0, rel=0.1)
    assert found[Stage.CONNECTED].p99 == pytest.approx(60.0, rel=0.1)


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "/etc/passwd", "../passwd", "Europe"])
def test_an_unknown_zone_is_utc(name: str) -> None:
    assert zone_of(name) is UTC


def test_a_known_zone_is_that() -> None:
    assert zone_of("America/New_York") == ZoneInfo("America/New_York")
