"""What is counted of calls that are over: sums, and times in buckets, all of which can be added. Pure."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import accumulate
from operator import add
from typing import NamedTuple

from ringbridge.call.cause import Cause, Outcome

LONG_TALK_SECONDS = 30.0
"""Who talks for longer has reached whom they meant: not a mailbox, not a wrong number."""

# Eight buckets for each doubling, from a millisecond on: a percentile is at most a twelfth too high or too low.
_BUCKETS_PER_DOUBLING = 8
_FIRST_SECONDS = 0.001

# Of a leg over a trunk: the carrier did not do its part, whatever the people at the far end wanted.
_CARRIER_FAULTS = frozenset(
    cause.value
    for cause in (
        Cause.NO_RESPONSE,
        Cause.FORBIDDEN,
        Cause.AUTHENTICATION_FAILED,
        Cause.NETWORK_FAILURE,
        Cause.CONGESTION,
        Cause.INCOMPATIBLE_MEDIA,
    )
)


class Stage(StrEnum):
    """A part of a call that people wait for."""

    USER_RINGING = "user_ringing"
    """From the acceptance until the user's phone rings."""
    USER_ANSWERED = "user_answered"
    """From there until the user answers."""
    DESTINATION_DIALED = "destination_dialed"
    """From there until the destination is dialled, with the confirmation where it is asked for."""
    DESTINATION_RINGING = "destination_ringing"
    """From there until the destination's phone rings."""
    DESTINATION_ANSWERED = "destination_answered"
    """From there until the destination answers."""
    CONNECTED = "connected"
    """From the acceptance until both can talk."""


class Kind(StrEnum):
    """Of what there is a share."""

    LINE = "line"
    TRUNK = "trunk"


class EndedCall(NamedTuple):
    """What is read of a record to count it; each as there."""

    ended_at: float
    call_id: str
    user_number: str
    outcome: str
    accepted_at: float
    user_trunk: str | None
    user_dialed_at: float | None
    user_ringing_at: float | None
    user_answered_at: float | None
    user_cause: str | None
    destination_trunk: str | None
    destination_dialed_at: float | None
    destination_ringing_at: float | None
    destination_answered_at: float | None
    destination_cause: str | None
    user_ring_seconds: float
    destination_ring_seconds: float
    talk_seconds: float


class Sums(NamedTuple):
    """How many calls came how far. `calls` are all but those that were refused, which are `blocked`.

    confirmed: the destination was dialled, after the user's key where one is asked for. talked: over LONG_TALK_SECONDS.
    vain_user_seconds, vain_destination_seconds: for how long phones rang of calls in which nobody talked.
    """

    calls: int = 0
    blocked: int = 0
    user_rang: int = 0
    user_answered: int = 0
    confirmed: int = 0
    destination_rang: int = 0
    destination_answered: int = 0
    talked: int = 0
    talk_seconds: float = 0.0
    vain_user_seconds: float = 0.0
    vain_destination_seconds: float = 0.0

    def plus(self, other: "Sums") -> "Sums":
        """Both together."""
        return Sums._make(map(add, self, other))


class Share(NamedTuple):
    """Of a line: its calls, those in which people talked, and those that rang in vain. Of a trunk: its legs, those that
    were answered, and those that the carrier failed."""

    calls: int = 0
    answered: int = 0
    failed: int = 0
    talk_seconds: float = 0.0

    def plus(self, other: "Share") -> "Share":
        """Both together."""
        return Share._make(map(add, self, other))


Times = Counter[tuple[Stage, int]]
"""How many calls took how long in a stage, by the bucket of the duration."""


def sums_of(call: EndedCall) -> Sums:
    """One call."""
    if call.outcome == Outcome.BLOCKED.value:
        return Sums(blocked=1)
    is_connected = call.destination_answered_at is not None
    return Sums(
        calls=1,
        user_rang=call.user_ringing_at is not None or call.user_answered_at is not None,
        user_answered=call.user_answered_at is not None,
        confirmed=call.destination_dialed_at is not None,
        destination_rang=call.destination_ringing_at is not None or is_connected,
        destination_answered=is_connected,
        talked=call.talk_seconds > LONG_TALK_SECONDS,
        talk_seconds=call.talk_seconds,
        vain_user_seconds=0.0 if is_connected else call.user_ring_seconds,
        vain_destination_seconds=0.0 if is_connected else call.destination_ring_seconds,
    )


def times_of(call: EndedCall) -> Iterator[tuple[Stage, int]]:
    """The stages that the call came through, and the bucket of how long each took. A refused request comes through none."""
    if call.outcome == Outcome.BLOCKED.value:
        return
    for stage, begin, end in (
        (Stage.USER_RINGING, call.accepted_at, call.user_ringing_at),
        (Stage.USER_ANSWERED, call.user_ringing_at, call.user_answered_at),
        (Stage.DESTINATION_DIALED, call.user_answered_at, call.destination_dialed_at),
        (Stage.DESTINATION_RINGING, call.destination_dialed_at, call.destination_ringing_at),
        (Stage.DESTINATION_ANSWERED, call.destination_ringing_at, call.destination_answered_at),
        (Stage.CONNECTED, call.accepted_at, call.destination_answered_at),
    ):
        if begin is not None and end is not None:
            yield stage, bucket_of(end - begin)


def shares_of(call: EndedCall) -> Iterator[tuple[Kind, str, Share]]:
    """What the call adds to its line and to the trunks that its legs took last. A refused request adds nothing."""
    if call.outcome == Outcome.BLOCKED.value:
        return
    is_connected = call.destination_answered_at is not None
    rang = call.user_ringing_at is not None or call.user_answered_at is not None
    yield Kind.LINE, call.user_number, Share(1, is_connected, rang and not is_connected, call.talk_seconds)
    for trunk, dialed_at, answered_at, cause in (
        (call.user_trunk, call.user_dialed_at, call.user_answered_at, call.user_cause),
        (
            call.destination_trunk,
            call.destination_dialed_at,
            call.destination_answered_at,
            call.destination_cause,
        ),
    ):
        if trunk is not None and dialed_at is not None:
            is_answered = answered_at is not None
            is_failed = not is_answered and cause in _CARRIER_FAULTS
            yield Kind.TRUNK, trunk, Share(1, is_answered, is_failed, call.talk_seconds)


def bucket_of(seconds: float) -> int:
    """The bucket of a duration. What is shorter than the first bucket, or below zero, is in the first one."""
    if seconds <= _FIRST_SECONDS:
        return 0
    return int(math.log2(seconds / _FIRST_SECONDS) * _BUCKETS_PER_DOUBLING)


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """How many seconds the quickest `share` (above 0, up to 1) of what is counted by bucket took at most; None for nothing."""
    total = sum(counts.values())
    if not total:
        return None
    wanted, buckets = math.ceil(total * share), sorted(counts)
    so_far = accumulate(counts[bucket] for bucket in buckets)
    bucket = next(bucket for bucket, count in zip(buckets, so_far, strict=True) if count >= wanted)
    # The middle of the bucket, as logarithms have it.
    return float(_FIRST_SECONDS * 2 ** ((bucket + 0.5) / _BUCKETS_PER_DOUBLING))
