"""What one call adds to what is counted, and durations in buckets."""

import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.call.statistics import (
    EndedCall,
    Kind,
    Share,
    Stage,
    Sums,
    bucket_of,
    percentile,
    shares_of,
    sums_of,
    times_of,
)

CALL = EndedCall(
    ended_at=1_700_000_060.0,
    call_id="call-1",
    user_number="+18175629656",
    outcome="completed",
    accepted_at=1_700_000_000.0,
    user_trunk="main",
    user_dialed_at=1_700_000_000.1,
    user_ringing_at=1_700_000_001.0,
    user_answered_at=1_700_000_003.0,
    user_cause="normal",
    destination_trunk="spare",
    destination_dialed_at=1_700_000_005.0,
    destination_ringing_at=1_700_000_006.0,
    destination_answered_at=1_700_000_010.0,
    destination_cause="normal",
    user_ring_seconds=2.0,
    destination_ring_seconds=4.0,
    talk_seconds=50.0,
)
NOT_REACHED: dict[str, Any] = {"destination_answered_at": None, "talk_seconds": 0.0}
NOT_DIALED = NOT_REACHED | {
    "destination_dialed_at": None,
    "destination_ringing_at": None,
    "destination_ring_seconds": 0.0,
}
NOT_ANSWERED = NOT_DIALED | {"user_answered_at": None}


@pytest.mark.parametrize(
    ("changes", "sums"),
    [
        ({}, Sums(1, 0, 1, 1, 1, 1, 1, 1, 50.0)),
        ({"talk_seconds": 30.0}, Sums(1, 0, 1, 1, 1, 1, 1, 0, 30.0)),
        # A destination that answers without ringing rang all the same.
        ({"destination_ringing_at": None}, Sums(1, 0, 1, 1, 1, 1, 1, 1, 50.0)),
        (NOT_REACHED, Sums(1, 0, 1, 1, 1, 1, 0, 0, 0.0, 2.0, 4.0)),
        (NOT_DIALED, Sums(1, 0, 1, 1, 0, 0, 0, 0, 0.0, 2.0)),
        (NOT_DIALED | {"user_ringing_at": None}, Sums(1, 0, 1, 1, 0, 0, 0, 0, 0.0, 2.0)),
        (NOT_ANSWERED, Sums(1, 0, 1, 0, 0, 0, 0, 0, 0.0, 2.0)),
        (NOT_ANSWERED | {"user_ringing_at": None, "user_ring_seconds": 0.0}, Sums(1)),
        ({"outcome": "blocked"}, Sums(0, 1)),
    ],
)
def test_a_call_counts_as_far_as_it_came(changes: dict[str, Any], sums: Sums) -> None:
    assert sums_of(CALL._replace(**changes)) == sums


def test_sums_can_be_added() -> None:
    assert Sums(1, 2, talk_seconds=3.0).plus(Sums(10, 20, talk_seconds=30.0)) == Sums(
        11, 22, talk_seconds=33.0
    )
    assert Share(1, 2, 3, 4.0).plus(Share(10, 20, 30, 40.0)) == Share(11, 22, 33, 44.0)


def test_each_stage_takes_from_the_one_before() -> None:
    assert dict(times_of(CALL)) == {
        Stage.USER_RINGING: bucket_of(1.0),
        Stage.USER_ANSWERED: bucket_of(2.0),
        Stage.DESTINATION_DIALED: bucket_of(2.0),
        Stage.DESTINATION_RINGING: bucket_of(1.0),
        Stage.DESTINATION_ANSWERED: bucket_of(4.0),
        Stage.CONNECTED: bucket_of(10.0),
    }
    assert [stage for stage, _ in times_of(CALL._replace(**NOT_ANSWERED))] == [Stage.USER_RINGING]
    assert list(times_of(CALL._replace(outcome="blocked"))) == []


@pytest.mark.parametrize(
    ("changes", "shares"),
    [
        (
            {},
            {
                (Kind.LINE, "+18175629656"): Share(1, 1, 0, 50.0),
                (Kind.TRUNK, "main"): Share(1, 1, 0, 50.0),
                (Kind.TRUNK, "spare"): Share(1, 1, 0, 50.0),
            },
        ),
        # People who do not answer are no fault of the carrier's.
        (
            NOT_REACHED | {"destination_cause": "no_answer", "user_trunk": None},
            {(Kind.LINE, "+18175629656"): Share(1, 0, 1), (Kind.TRUNK, "spare"): Share(1, 0, 0)},
        ),
        (
            NOT_REACHED | {"destination_cause": "congestion", "user_trunk": None},
            {(Kind.LINE, "+18175629656"): Share(1, 0, 1), (Kind.TRUNK, "spare"): Share(1, 0, 1)},
        ),
        (
            NOT_ANSWERED | {"user_ringing_at": None, "user_cause": "network_failure"},
            {(Kind.LINE, "+18175629656"): Share(1, 0, 0), (Kind.TRUNK, "main"): Share(1, 0, 1)},
        ),
        ({"outcome": "blocked"}, {}),
    ],
)
def test_a_call_is_its_lines_and_its_trunks(
    changes: dict[str, Any], shares: dict[tuple[Kind, str], Share]
) -> None:
    assert {(kind, name): share for kind, name, share in shares_of(CALL._replace(**changes))} == shares


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.001])
def test_what_takes_no_time_is_in_the_first_bucket(seconds: float) -> None:
    assert bucket_of(seconds) == 0


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


@given(
    durations=st.lists(st.floats(0.002, 3600.0), min_size=1, max_size=200),
    share=st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]),
)
def test_a_percentile_is_off_by_a_twelfth_at_most(durations: list[float], share: float) -> None:
    exact = sorted(durations)[math.ceil(len(durations) * share) - 1]
    found = percentile(Counter(map(bucket_of, durations)), share)
    assert found is not None
    assert exact / 1.1 <= found <= exact * 1.1
