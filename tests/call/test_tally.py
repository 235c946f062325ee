"""Slices of time: which there are between two times, and what calls add to them."""

from hypothesis import given
from hypothesis import strategies as st

from ringbridge.call.simulation import SIMULATED
from ringbridge.call.statistics import Kind, Share, Sums, bucket_of, times_of
from ringbridge.call.tally import (
    DAY,
    FIVE_MINUTES,
    HOUR,
    ShareKey,
    SliceKey,
    Span,
    Tally,
    slice_start,
    spans,
)
from tests.call.test_statistics import CALL

MIDNIGHT = 1_700_006_400


def test_a_slice_begins_where_the_one_before_ends() -> None:
    assert slice_start(MIDNIGHT + 299.9, FIVE_MINUTES) == MIDNIGHT
    assert slice_start(MIDNIGHT + 300.0, FIVE_MINUTES) == MIDNIGHT + 300
    assert slice_start(MIDNIGHT + 3600.0, DAY) == MIDNIGHT


def test_a_time_is_made_up_of_the_fewest_slices() -> None:
    start, end = MIDNIGHT - 2 * HOUR - 600, MIDNIGHT + 2 * DAY + HOUR + 300
    assert spans(start, end) == [
        Span(FIVE_MINUTES, start, MIDNIGHT - 2 * HOUR),
        Span(HOUR, MIDNIGHT - 2 * HOUR, MIDNIGHT),
        Span(DAY, MIDNIGHT, MIDNIGHT + 2 * DAY),
        Span(HOUR, MIDNIGHT + 2 * DAY, MIDNIGHT + 2 * DAY + HOUR),
        Span(FIVE_MINUTES, MIDNIGHT + 2 * DAY + HOUR, end),
    ]
    assert spans(MIDNIGHT, MIDNIGHT + DAY) == [Span(DAY, MIDNIGHT, MIDNIGHT + DAY)]
    assert spans(MIDNIGHT + 300, MIDNIGHT + 600) == [Span(FIVE_MINUTES, MIDNIGHT + 300, MIDNIGHT + 600)]


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_no_slice_is_missing_and_none_is_there_twice(first: int, length: int) -> None:
    start = MIDNIGHT + first * FIVE_MINUTES
    end = start + length * FIVE_MINUTES
    found = sorted(spans(start, end), key=lambda span: span.start)
    assert all(span.start % span.seconds == span.end % span.seconds == 0 for span in found)
    edges = [start, *(edge for span in found for edge in (span.start, span.end)), end]
    assert edges[::2] == edges[1::2]


def test_test_calls_add_nothing() -> None:
    tally = Tally([CALL._replace(user_trunk=SIMULATED, destination_trunk=SIMULATED)], CALL.ended_at)
    assert (tally.slices, tally.shares) == ({}, {})


def test_calls_add_to_a_slice_of_each_length() -> None:
    first = CALL._replace(ended_at=MIDNIGHT + 10.0)
    tally = Tally([first, first._replace(ended_at=MIDNIGHT + 400.0)], MIDNIGHT + 500.0)
    assert {key: totals.sums.calls for key, totals in tally.slices.items()} == {
        SliceKey(FIVE_MINUTES, MIDNIGHT): 1,
        SliceKey(FIVE_MINUTES, MIDNIGHT + 300): 1,
        SliceKey(HOUR, MIDNIGHT): 2,
        SliceKey(DAY, MIDNIGHT): 2,
    }
    day = tally.slices[SliceKey(DAY, MIDNIGHT)]
    assert day.sums == Sums(2, 0, 2, 2, 2, 2, 2, 2, 100.0)
    assert dict(day.times) == dict.fromkeys(times_of(CALL), 2)
    assert bucket_of(10.0) in {bucket for _, bucket in day.times}
    assert tally.shares[ShareKey(DAY, MIDNIGHT, Kind.LINE, CALL.user_number)] == Share(2, 2, 0, 100.0)
    assert len(tally.shares) == 3 * 4


def test_slices_that_are_too_fine_by_now_are_left_out() -> None:
    call = CALL._replace(ended_at=MIDNIGHT + 10.0)
    lengths = [
        {key.seconds for key in Tally([call], MIDNIGHT + days * DAY + 1.0).slices} for days in (0, 2, 40)
    ]
    assert lengths == [{FIVE_MINUTES, HOUR, DAY}, {HOUR, DAY}, {DAY}]
