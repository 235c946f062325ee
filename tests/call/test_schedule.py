"""When a scheduled call is tried, and how it ends: with `now` moved by hand."""

import pytest

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.model import Call, Ending, Party, Route, State
from ringbridge.call.schedule import (
    LONGEST_AHEAD_SECONDS,
    RETRIABLE,
    Retry,
    Schedule,
    ScheduledCall,
    attempt_ended,
    attempt_started,
    cancel_requested,
    canceled,
    expired,
    over,
    refused,
    scheduled,
)

NOW = 1_790_000_000.0
WAY = (Route(target="sip:x", caller_number="+1"),)
CALL = Call(
    id="c",
    account_id="a",
    key_id="k",
    user=Party(number="+18175629657", routes=WAY),
    destination=Party(number="+15125292329", routes=WAY),
    accepted_at=17.0,
    accepted_utc=NOW,
)
BUSY = Ending(outcome=Outcome.DESTINATION_BUSY, cause=Cause.BUSY, by=EndedBy.DESTINATION)
DONE = Ending(outcome=Outcome.COMPLETED, cause=Cause.NORMAL, by=EndedBy.USER)


def waiting(retry: Retry | None = None, **changes: object) -> ScheduledCall:
    return scheduled(CALL, Schedule(at=NOW + 600, retry=retry, **changes), {"user_line": "1"}).after  # type: ignore[arg-type]


def test_a_new_one_waits_for_its_time() -> None:
    after, event = scheduled(CALL, Schedule(at=NOW + 600), {})
    assert (after.call.state, after.due_at, after.is_up, after.is_over) == (
        State.SCHEDULED,
        NOW + 600,
        False,
        False,
    )
    # Its events count on the clock on the wall.
    assert (event.name, event.sequence, after.call.utc(event.at)) == ("scheduled", 1, NOW)


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NOW, None),
        (NOW - 59, None),
        (NOW - 61, "in_the_past"),
        (NOW + LONGEST_AHEAD_SECONDS, None),
        (NOW + LONGEST_AHEAD_SECONDS + 1, "too_far_ahead"),
    ],
)
def test_the_time_is_neither_past_nor_far_away(at: float, code: str | None) -> None:
    assert Schedule(at=at).refusal(NOW) == code


def test_an_attempt_is_up_from_its_start_to_its_end() -> None:
    after, event = attempt_started(waiting(), "first", NOW + 601)
    assert (after.is_up, after.due_at, after.attempts, after.attempt_id) == (True, None, 1, "first")
    assert (event.name, event.sequence, event.at) == ("attempt_started", 2, NOW + 601)


def test_without_retry_the_attempts_end_is_the_end() -> None:
    up = attempt_started(waiting(), "first", NOW).after
    after, event = attempt_ended(up, BUSY, NOW + 30)
    assert after.is_over
    assert (after.call.ending, after.call.ended_at, after.due_at) == (BUSY, NOW + 30, None)
    assert event.name == "ended"
    # What was asked for names numbers, and is needed no more.
    assert after.request == {}


def test_after_an_outcome_to_retry_another_attempt_is_due() -> None:
    up = attempt_started(waiting(Retry(max_attempts=2, after_seconds=120)), "first", NOW).after
    again, event = attempt_ended(up, BUSY, NOW + 30)
    assert (again.is_over, again.is_up, again.due_at, event.name) == (
        False,
        False,
        NOW + 150,
        "attempt_failed",
    )
    last = attempt_ended(attempt_started(again, "second", NOW + 150).after, BUSY, NOW + 180).after
    assert (last.is_over, last.attempts, last.sequence) == (True, 2, 5)


@pytest.mark.parametrize("outcome", [Outcome.COMPLETED, Outcome.CANCELED, Outcome.DESTINATION_INVALID])
def test_other_outcomes_are_the_end(outcome: Outcome) -> None:
    up = attempt_started(waiting(Retry(max_attempts=9)), "first", NOW).after
    ending = Ending(outcome=outcome, cause=Cause.NORMAL, by=EndedBy.USER)
    assert attempt_ended(up, ending, NOW).after.is_over
    assert outcome not in RETRIABLE


def test_after_a_cancellation_nothing_follows_the_attempt_that_is_up() -> None:
    up = attempt_started(waiting(Retry(max_attempts=9)), "first", NOW).after
    asked, event = cancel_requested(up, NOW + 5)
    assert (asked.is_up, asked.is_over, event.name) == (True, False, "cancel_requested")
    assert attempt_ended(asked, BUSY, NOW + 6).after.is_over


def test_called_off_while_it_waits_it_is_over_at_once() -> None:
    after, event = canceled(waiting(), NOW + 5)
    assert after.call.ending is not None
    assert (after.is_over, after.call.ending.outcome, event.name) == (True, Outcome.CANCELED, "ended")


def test_an_attempt_may_begin_within_the_window_only() -> None:
    one = waiting(window_seconds=60)
    assert not one.is_late(NOW, NOW + 60)
    assert one.is_late(NOW, NOW + 61)
    ending = expired(one, NOW + 661).after.call.ending
    assert ending is not None
    assert (ending.outcome, ending.cause) == (Outcome.EXPIRED, Cause.EXPIRED)


@pytest.mark.parametrize(
    ("code", "cause"),
    [("quiet_hours", Cause.QUIET_HOURS), ("unknown_line", Cause.UNKNOWN_LINE), ("odd", Cause.FORBIDDEN)],
)
def test_a_refusal_ends_it_with_its_code(code: str, cause: Cause) -> None:
    ending = refused(waiting(), code, NOW).after.call.ending
    assert ending is not None
    assert (ending.outcome, ending.cause) == (Outcome.BLOCKED, cause)


def test_ids_of_attempts_tell_their_order_when_the_clock_was_set_back() -> None:
    one, told = waiting(Retry(max_attempts=5, after_seconds=0.0)), [0]
    for utc_now in (NOW + 600, NOW - 3600, NOW - 3600, NOW + 600):
        told.append(int(one.next_id_utc(utc_now) * 1000))
        one = attempt_ended(attempt_started(one, f"{told[-1]}", utc_now).after, BUSY, utc_now).after
    assert told[1] == (NOW + 600) * 1000
    assert told == sorted(set(told))


def test_no_history_runs_backwards_when_the_clock_was_set_back() -> None:
    up = attempt_started(waiting(), "first", NOW + 600).after
    after, event = over(up, DONE, NOW)
    assert (after.call.ended_at, event.at) == (NOW + 600, NOW + 600)
