"""What is told of a call while it runs, and the one record of it when it is over. Pure; the store keeps both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ringbridge.call.event import (
    DigitsRequested,
    EarlyMediaStarted,
    Event,
    HangUpRequested,
    KeyPressed,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegRinging,
    Started,
)
from ringbridge.call.model import Call, LegName, LegState, State
from ringbridge.call.simulation import SIMULATED, is_simulated
from ringbridge.call.tariff import cost_micros
from ringbridge.call.third import StoredThird, as_stored_third, total_micros

_WORDS = {
    LegDialed: "dialing",
    LegRinging: "ringing",
    EarlyMediaStarted: "early_media",
    LegAnswered: "answered",
    LegEnded: "ended",
    HangUpRequested: "ended",
    KeyPressed: "confirmed",
}

# What is told of a call that comes into a state, and of two who hear each other from now on, by the state before.
_ENTERED = {State.HELD: "held", State.TRANSFERRING: "transferring", State.RETURNING: "transfer_failed"}
_JOINED = {State.HELD: "resumed", State.RETURNING: "resumed", State.TRANSFERRING: "transferred"}

EVENT_NAMES = frozenset(
    {"accepted", "blocked", "user_dialing", "connected", "destination_ended", "digits_sent", "ended"}
    | {"scheduled", "attempt_started", "attempt_failed", "cancel_requested"}
    | set(_ENTERED.values())
    | set(_JOINED.values())
    | {f"{leg.value}_{word}" for leg in LegName for word in _WORDS.values() if word != "confirmed"}
    | {"user_confirmed"}
)
"""Every name that an event of a call can have, a scheduled one's among them."""


class CallEvent(NamedTuple):
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
    if isinstance(event, DigitsRequested):
        # The digits themselves may be somebody's secret, and are kept nowhere.
        is_up = before.leg(event.leg).state is LegState.ANSWERED
        return "digits_sent" if before.state is State.CONNECTED and is_up else None
    if (
        after.state is before.state
        and after.user_leg == before.user_leg
        and after.destination_leg == before.destination_leg
        and after.third_leg == before.third_leg
    ):
        return None
    if after.state is State.ENDED:
        return "ended"
    if after.state is not before.state:
        if after.state is State.CONNECTED:
            return _JOINED.get(before.state, "connected")
        if after.state is State.ANNOUNCING and before.state is State.TRANSFERRING:
            return "transfer_failed"
        if after.state is State.ANNOUNCING and not isinstance(event, HangUpRequested):
            return "destination_ended"
        if after.state in _ENTERED:
            return _ENTERED[after.state]
    if isinstance(event, Started):
        return "user_dialing"
    # Nothing else changes a leg of a call that goes on.
    assert isinstance(
        event,
        LegDialed | LegRinging | EarlyMediaStarted | LegAnswered | LegEnded | KeyPressed | HangUpRequested,
    )
    return f"{event.leg.value}_{_WORDS[type(event)]}"


class StoredEvent(NamedTuple):
    """One line of a call's history as it was stored; `at` is UTC seconds since 1970, the rest are the words of the model."""

    sequence: int
    name: str
    at: float
    state: str
    user_leg: str
    destination_leg: str


class ToldEvent(NamedTuple):
    """A line of some call's history, and what is told of the call with it."""

    call_id: str
    user_number: str
    is_test: bool
    attempt_of: str | None
    metadata: Mapping[str, str] | None
    event: StoredEvent


class CallHistory(NamedTuple):
    """The lines of a call's history, and what is told of the call with them."""

    place: "CallPlace"
    user_number: str
    is_test: bool
    attempt_of: str | None
    metadata: Mapping[str, str] | None
    events: tuple[StoredEvent, ...]

    def told(self) -> Iterator[ToldEvent]:
        """Each line by itself."""
        for event in self.events:
            yield ToldEvent(
                self.place.call_id, self.user_number, self.is_test, self.attempt_of, self.metadata, event
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLeg:
    """One leg as it was stored; times are UTC seconds since 1970. `trunk` is the one that was tried last."""

    number: str
    trunk: str | None
    state: str
    ringing_at: float | None
    answered_at: float | None
    ended_at: float | None
    cause: str | None
    sip_status: int | None
    q850: int | None


class StoredAttempt(NamedTuple):
    """One attempt of a scheduled call, which is a call of its own. `outcome` is None until it is over."""

    call_id: str
    state: str
    outcome: str | None
    accepted_at: float


class StoredSchedule(NamedTuple):
    """What a scheduled call waits for. Times are UTC seconds since 1970. max_attempts is 1 where nothing is tried again.

    next_attempt_at: None while an attempt is up, and at the end.
    """

    at: float
    when_user_is_free: bool
    window_seconds: float
    max_attempts: int
    after_seconds: float
    retry_on: tuple[str, ...]
    next_attempt_at: float | None
    attempts: tuple[StoredAttempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A call as it was stored, with its history so far. `outcome`, `cause` and `ended_by` are None until it is over.

    thirds: whom it was transferred to, or was to be; empty in pages. legs_micros: what its two legs cost, in millionths of
    the currency; None until it is over, in pages, in test calls, and where no rate was known.
    attempt_of: the id of the scheduled call that it is an attempt of. schedule: of a scheduled call.
    """

    id: str
    account_id: str
    state: str
    outcome: str | None
    cause: str | None
    ended_by: str | None
    accepted_at: float
    ended_at: float | None
    talk_seconds: float
    metadata: Mapping[str, str] | None = None
    webhook: str | None = None
    attempt_of: str | None = None
    schedule: StoredSchedule | None = None
    user: StoredLeg
    destination: StoredLeg
    thirds: tuple[StoredThird, ...] = ()
    legs_micros: int | None = None
    events: tuple[StoredEvent, ...]

    @property
    def micros(self) -> int | None:
        """What it cost with its thirds, in millionths of the currency; None where that is not known."""
        return total_micros(self.legs_micros, self.thirds)

    @property
    def is_test(self) -> bool:
        """Whether it was simulated for a test key."""
        return self.user.trunk == SIMULATED

    @property
    def place(self) -> "CallPlace":
        """Where it stands among the calls of its account."""
        return CallPlace(self.accepted_at, self.id)


class CallPlace(NamedTuple):
    """Where a call stands in its account's list, which is ordered by the time of its acceptance."""

    accepted_at: float
    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which calls are asked for: all conditions hold; None and () are none. Times are UTC seconds since 1970.

    ids: one of these calls. lines: of one of these users' numbers. is_test: whether it was simulated. metadata: pairs of a name and its text.
    """

    state: str | None = None
    outcome: str | None = None
    user_number: str | None = None
    destination_number: str | None = None
    ids: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    is_test: bool | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    accepted_from: float | None = None
    accepted_before: float | None = None


def as_stored(call: Call, events: Sequence[StoredEvent]) -> StoredCall:
    """What the store will say of a call once it has written all of it."""
    # A reason that is still being spoken to the user is not yet the call's end.
    ending = call.ending if call.state is State.ENDED else None
    has_cost = ending is not None and call.tariff is not None and not is_simulated(call)
    return StoredCall(
        id=call.id,
        account_id=call.account_id,
        state=call.state.value,
        outcome=None if ending is None else ending.outcome.value,
        cause=None if ending is None else ending.cause.value,
        ended_by=None if ending is None else ending.by.value,
        accepted_at=call.accepted_utc,
        ended_at=None if call.ended_at is None else call.utc(call.ended_at),
        talk_seconds=call.talk_seconds,
        metadata=call.metadata,
        webhook=call.webhook,
        attempt_of=call.attempt_of,
        user=_leg_as_stored(call, LegName.USER),
        destination=_leg_as_stored(call, LegName.DESTINATION),
        thirds=tuple(as_stored_third(call, third) for third in call.thirds),
        legs_micros=cost_micros(call) if has_cost else None,
        events=tuple(events),
    )


def _leg_as_stored(call: Call, name: LegName) -> StoredLeg:
    leg = call.leg(name)
    return StoredLeg(
        number=call.party(name).number,
        trunk=call.route(name).trunk,
        state=leg.state.value,
        ringing_at=None if leg.ringing_at is None else call.utc(leg.ringing_at),
        answered_at=None if leg.answered_at is None else call.utc(leg.answered_at),
        ended_at=None if leg.ended_at is None else call.utc(leg.ended_at),
        cause=None if leg.cause is None else leg.cause.value,
        sip_status=leg.sip_status,
        q850=leg.q850,
    )
