"""What is told of a call while it runs, and the one record of it when it is over. Pure; the store keeps both."""

from dataclasses import dataclass

from ringbridge.call.event import EarlyMediaStarted, Event, LegAnswered, LegRinging, Started
from ringbridge.call.model import Call, LegName, State

_WORDS = {LegRinging: "ringing", EarlyMediaStarted: "early_media", LegAnswered: "answered"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One line of a call's history. `sequence` counts from 1 without gaps; `at` is monotonic seconds."""

    call_id: str
    sequence: int
    name: str
    at: float


def first_event(call: Call) -> CallEvent:
    """The event that is stored together with the accepted call."""
    return CallEvent(call_id=call.id, sequence=1, name="accepted", at=call.accepted_at)


def event_name(before: Call, event: Event, after: Call) -> str | None:
    """The name in the history for a step from `before` to `after`, or None when nothing worth telling changed."""
    if (
        after.state is before.state
        and after.user_leg == before.user_leg
        and after.destination_leg == before.destination_leg
    ):
        return None
    if after.state is State.ENDED:
        return "ended"
    if after.state is State.ANNOUNCING:
        return "destination_ended"
    if isinstance(event, Started):
        return "user_dialing"
    if event == LegAnswered(LegName.DESTINATION):
        return "connected"
    # Nothing else changes a leg of a call that goes on.
    assert isinstance(event, LegRinging | EarlyMediaStarted | LegAnswered)
    return f"{event.leg.value}_{_WORDS[type(event)]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One line of a call's history as it was stored; `at` is UTC seconds since 1970, the rest are the words of the model."""

    sequence: int
    name: str
    at: float
    state: str
    user_leg: str
    destination_leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLeg:
    """One leg as it was stored; times are UTC seconds since 1970."""

    number: str
    state: str
    ringing_at: float | None
    answered_at: float | None
    ended_at: float | None
    cause: str | None
    sip_status: int | None
    q850: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A call as it was stored, with its history so far. `outcome`, `cause` and `ended_by` are None until it is over."""

    id: str
    account_id: str
    state: str
    outcome: str | None
    cause: str | None
    ended_by: str | None
    accepted_at: float
    ended_at: float | None
    talk_seconds: float
    user: StoredLeg
    destination: StoredLeg
    events: tuple[StoredEvent, ...]
