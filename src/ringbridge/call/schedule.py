"""A call that is placed later, or again: what is asked for, and what becomes of it. Pure.

Such a call outlives processes, so every point in time of it, its events among them, is UTC seconds since 1970. Each of
its attempts is a call of its own. Events: `scheduled`; then `attempt_started`, and `attempt_failed` where another attempt
will follow; `cancel_requested` if it was called off while an attempt was up; once `ended`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.history import CallEvent
from ringbridge.call.model import Call, Ending, State

MOST_SCHEDULED = 1000
"""How many calls of an account may wait for their time: each is kept on the disk."""

LONGEST_AHEAD_SECONDS = 30 * 86_400.0
WINDOW_SECONDS = 3600.0
LONGEST_WINDOW_SECONDS = 86_400.0
MOST_ATTEMPTS = 10
RETRY_SECONDS = 60.0
LONGEST_RETRY_SECONDS = 86_400.0

# Clocks differ, and requests take their time.
_PAST_SECONDS = 60.0

# An id tells milliseconds: of two moments so far apart it tells both.
_ID_SECONDS = 0.002

DEFAULT_RETRY_ON = (
    Outcome.USER_BUSY,
    Outcome.USER_NO_ANSWER,
    Outcome.DESTINATION_BUSY,
    Outcome.DESTINATION_NO_ANSWER,
)
# What may go otherwise the next time, and was nobody's wish.
RETRIABLE = frozenset(
    {
        *DEFAULT_RETRY_ON,
        Outcome.USER_DECLINED,
        Outcome.USER_UNREACHABLE,
        Outcome.USER_HUNG_UP,
        Outcome.NOT_CONFIRMED,
        Outcome.DESTINATION_DECLINED,
        Outcome.DESTINATION_UNREACHABLE,
        Outcome.INTERRUPTED,
        Outcome.FAILED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """That an attempt with one of the outcomes `on` is followed by another, `max_attempts` in all, so long after its end."""

    max_attempts: int
    after_seconds: float = RETRY_SECONDS
    on: tuple[Outcome, ...] = DEFAULT_RETRY_ON


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a call is to be placed.

    at: the first attempt is due then. when_user_is_free: an attempt waits until no other call of the line is up.
    window_seconds: how late an attempt may still begin. retry: None for one attempt only.
    """

    at: float
    when_user_is_free: bool = False
    window_seconds: float = WINDOW_SECONDS
    retry: Retry | None = None

    def refusal(self, utc_now: float) -> str | None:
        """Why this cannot be asked for at `utc_now`, as a stable code; None when it can."""
        if self.at < utc_now - _PAST_SECONDS:
            return "in_the_past"
        return "too_far_ahead" if self.at > utc_now + LONGEST_AHEAD_SECONDS else None


class ScheduledCall(NamedTuple):
    """A scheduled call as it stands. `call` has never had a leg; its accepted_at is UTC, as all else here.

    request: what each attempt asks for, for the service. due_at: when the next attempt is due; None while one is up, and
    at the end. is_canceled: no other attempt follows. attempts: how many there were, the one that is up among them;
    told_attempts: how many of these have their event. attempt_id, attempt_ending: the last one's, and how it ended.
    sequence: of the last event; event_at: when that was.
    """

    call: Call
    schedule: Schedule
    request: Mapping[str, Any]
    due_at: float | None
    is_canceled: bool = False
    attempts: int = 0
    told_attempts: int = 0
    attempt_id: str | None = None
    attempt_ending: Ending | None = None
    sequence: int = 1
    event_at: float = 0.0

    @property
    def is_up(self) -> bool:
        """Whether an attempt was begun and has no end yet."""
        return self.attempt_id is not None and self.attempt_ending is None

    @property
    def is_over(self) -> bool:
        """Whether it has its end."""
        return self.call.state is State.ENDED

    def is_late(self, due_at: float, utc_now: float) -> bool:
        """Whether an attempt that was due at `due_at` may not begin any more."""
        return utc_now > due_at + self.schedule.window_seconds

    def next_id_utc(self, utc_now: float) -> float:
        """The time that the id of an attempt which begins now is to tell: which attempt is the last one, the ids say.

        The clock on the wall may have been set back since the one before.
        """
        return max(utc_now, self.event_at + _ID_SECONDS * self.attempts)


class ScheduleStep(NamedTuple):
    """A scheduled call as it is after something happened, and what is told of that."""

    after: ScheduledCall
    event: CallEvent


def scheduled(call: Call, schedule: Schedule, request: Mapping[str, Any]) -> ScheduleStep:
    """The planned `call`, to be placed as `schedule` says."""
    waiting = call._replace(state=State.SCHEDULED, accepted_at=call.accepted_utc, tariff=None)
    after = ScheduledCall(waiting, schedule, request, schedule.at, event_at=call.accepted_utc)
    return ScheduleStep(after, _event(after, "scheduled"))


def attempt_started(before: ScheduledCall, attempt_id: str, utc_now: float) -> ScheduleStep:
    """An attempt was accepted."""
    changed = before._replace(
        due_at=None,
        attempts=before.told_attempts + 1,
        told_attempts=before.told_attempts + 1,
        attempt_id=attempt_id,
        attempt_ending=None,
    )
    return _step(changed, "attempt_started", utc_now)


def attempt_ended(before: ScheduledCall, ending: Ending, utc_now: float) -> ScheduleStep:
    """The attempt that was up is over: another one will follow, or none, and then that was the end."""
    changed = before._replace(attempt_ending=ending)
    retry = before.schedule.retry
    if (
        before.is_canceled
        or retry is None
        or ending.outcome not in retry.on
        or before.attempts >= retry.max_attempts
    ):
        return over(changed, ending, utc_now)
    return _step(changed._replace(due_at=utc_now + retry.after_seconds), "attempt_failed", utc_now)


def cancel_requested(before: ScheduledCall, utc_now: float) -> ScheduleStep:
    """It was called off while an attempt was up: with that one it will be over."""
    return _step(before._replace(is_canceled=True), "cancel_requested", utc_now)


def canceled(before: ScheduledCall, utc_now: float) -> ScheduleStep:
    """It was called off while it waited."""
    return over(before, Ending(outcome=Outcome.CANCELED, cause=Cause.CANCELED, by=EndedBy.API), utc_now)


def expired(before: ScheduledCall, utc_now: float) -> ScheduleStep:
    """The time in which an attempt could have begun is over."""
    return over(before, Ending(outcome=Outcome.EXPIRED, cause=Cause.EXPIRED, by=EndedBy.SERVER), utc_now)


def refused(before: ScheduledCall, code: str, utc_now: float) -> ScheduleStep:
    """The call is not allowed now; `code` is that of the error."""
    cause = next((cause for cause in Cause if cause.value == code), Cause.FORBIDDEN)
    return over(before, Ending(outcome=Outcome.BLOCKED, cause=cause, by=EndedBy.SERVER), utc_now)


def over(before: ScheduledCall, ending: Ending, utc_now: float) -> ScheduleStep:
    """The one way to the end."""
    ended_at = max(utc_now, before.event_at)
    call = before.call._replace(state=State.ENDED, ended_at=ended_at, ending=ending)
    return _step(before._replace(call=call, due_at=None, request={}), "ended", ended_at)


def _step(changed: ScheduledCall, name: str, utc_now: float) -> ScheduleStep:
    # The clock on the wall may have been set back since: no history runs backwards.
    after = changed._replace(sequence=changed.sequence + 1, event_at=max(utc_now, changed.event_at))
    return ScheduleStep(after, _event(after, name))


def _event(after: ScheduledCall, name: str) -> CallEvent:
    return CallEvent(call_id=after.call.id, sequence=after.sequence, name=name, at=after.event_at)
