"""A call and its two legs, as values.

Points in time are seconds of the monotonic clock that the caller of the machine counts in; `Call.utc` turns them
into UTC where they leave the process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.directory import Srtp


class _Key(Enum):
    """A member that is told from others as the one object that it is: Enum's own hash is computed in Python."""

    __hash__ = object.__hash__


class LegName(_Key):
    """The user's phone, which rings first; the destination; and the third, to whom one of the two was transferred."""

    USER = "user"
    DESTINATION = "destination"
    THIRD = "third"


class LegState(_Key):
    """Where a leg stands, whatever engine carries it."""

    NONE = "none"
    DIALING = "dialing"
    RINGING = "ringing"
    EARLY_MEDIA = "early_media"
    ANSWERED = "answered"
    ENDED = "ended"


class State(_Key):
    """Where a call stands. ENDED is the only final state; its Ending says how.

    SCHEDULED is one that waits for its attempts, which are calls of their own.
    """

    SCHEDULED = "scheduled"
    ACCEPTED = "accepted"
    RINGING_USER = "ringing_user"
    CONFIRMING = "confirming"
    DIALING_DESTINATION = "dialing_destination"
    RINGING_DESTINATION = "ringing_destination"
    CONNECTED = "connected"
    HELD = "held"
    TRANSFERRING = "transferring"
    RETURNING = "returning"
    ANNOUNCING = "announcing"
    ENDED = "ended"


class Prompt(Enum):
    """What a leg can be played. The values name the files, but for that of ringback, which is the country's."""

    CONFIRM = "confirm"
    HOLD = "hold"
    RINGBACK = "ringback"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    DECLINED = "declined"
    INVALID_NUMBER = "invalid-number"
    NOT_REACHABLE = "not-reachable"
    FAILED = "failed"
    ON_HOLD = "on-hold"
    HUNG_UP = "hung-up"
    SILENCE = "silence"


# What every call is made of, and exchanged for changed ones at every step: as named tuples that costs a third.


class Route(NamedTuple):
    """One way to reach a party, with the numbers as that way wants them written.

    target: the SIP URI to send the INVITE to; "" when the party's device says where it is.
    caller_number, caller_name: what the called phone shows.
    trunk: the name of the trunk that carries the leg, None when the target is a phone of ours.
    asserted_number: the caller's number as this server vouches for it (RFC 3325); None where nobody asks.
    is_private: the called phone is not to show the number that is asserted (RFC 3323).
    """

    target: str
    caller_number: str
    trunk: str | None = None
    caller_name: str | None = None
    asserted_number: str | None = None
    is_private: bool = False
    srtp: Srtp = Srtp.OFF
    nat: bool = False


class Party(NamedTuple):
    """Who is called on one leg.

    number: E.164 with plus, or an internal extension for a user's line.
    routes: the ways to reach it, the first to try first; there is always one.
    name: whose it is, where that is known.
    device: the id of the line whose phones register with us; its one route carries what they show.
    auto_answer: the phone is asked to pick up by itself.
    """

    number: str
    routes: tuple[Route, ...]
    name: str | None = None
    device: str | None = None
    auto_answer: bool = False

    def route(self, trunk: str | None) -> Route:
        """The route over the trunk of this name, else the first."""
        return next((route for route in self.routes if route.trunk == trunk), self.routes[0])


class Leg(NamedTuple):
    """One leg's progress. `trunk` is the last that was tried; `sip_status` and `q850` are kept as the peer gave them."""

    state: LegState = LegState.NONE
    trunk: str | None = None
    dialed_at: float | None = None
    ringing_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    cause: Cause | None = None
    sip_status: int | None = None
    q850: int | None = None


class CallLimits(NamedTuple):
    """How long each stage of one call may take, in seconds."""

    user_ring_seconds: float = 30.0
    confirm_seconds: float = 10.0
    destination_ring_seconds: float = 60.0
    call_seconds: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a call ended: the outcome, why, and who ended it."""

    outcome: Outcome
    cause: Cause
    by: EndedBy


class Tariff(NamedTuple):
    """What a minute of each leg costs, in millionths of the currency; 0 for a leg that goes over no trunk."""

    user_micros_per_minute: int
    destination_micros_per_minute: int


class ThirdPrice(NamedTuple):
    """What a minute of a third's leg costs and what the leg costs at the most, in millionths of the currency.

    asked_utc: when it was set aside, in UTC seconds since 1970: it counts in the periods of then.
    """

    micros_per_minute: int
    most_micros: int
    asked_utc: float


class Transfer(NamedTuple):
    """That one of the two who talk is to talk to a third in place of the other.

    waiting: who that is. third: who is called for it. digits: what is pressed for the third once it has answered.
    price: what that costs; None where it is not known.
    talk_ends_at: when the call reaches its limit, whoever talks by then.
    """

    waiting: LegName
    third: Party
    digits: str
    price: ThirdPrice | None
    talk_ends_at: float


class Third(NamedTuple):
    """One who was called for a transfer, and how far its leg came."""

    transfer: Transfer
    leg: Leg


class Call(NamedTuple):
    """One accepted click-to-call.

    confirm: whether whoever answers the user's phone must press 1 before the destination is dialled.
    digits: what is pressed for the destination once it has answered; `,` is a pause of a second.
    attempt_of: the id of the scheduled call that it is an attempt of.
    metadata: what the client's own programs are told with everything about the call. webhook: where, besides the account's.
    accepted_utc: what the clock on the wall said at accepted_at, in UTC seconds since 1970.
    deadline_at: when DeadlinePassed is due, None when nothing is awaited.
    tariff: what it costs; None where that is not known.
    talkers: the legs that talk to each other, or will.
    held: the leg that is on hold.
    transfer: the last one that was asked for; `third_leg` is its progress. past_thirds: those of before, who did not answer.
    hold_finished: whether the user has heard the hold prompt to its end.
    ending: set once known (while the reason is still being spoken, too); final with State.ENDED.
    """

    id: str
    account_id: str
    key_id: str
    user: Party
    destination: Party
    accepted_at: float
    accepted_utc: float
    language: str = "en"
    limits: CallLimits = CallLimits()
    confirm: bool = False
    digits: str = ""
    metadata: Mapping[str, str] | None = None
    webhook: str | None = None
    attempt_of: str | None = None
    tariff: Tariff | None = None
    state: State = State.ACCEPTED
    user_leg: Leg = Leg()
    destination_leg: Leg = Leg()
    ended_at: float | None = None
    deadline_at: float | None = None
    talkers: tuple[LegName, LegName] = (LegName.USER, LegName.DESTINATION)
    held: LegName | None = None
    transfer: Transfer | None = None
    third_leg: Leg = Leg()
    past_thirds: tuple[Third, ...] = ()
    hold_finished: bool = False
    ending: Ending | None = None

    def leg(self, name: LegName) -> Leg:
        """The named leg."""
        if name is LegName.USER:
            return self.user_leg
        return self.destination_leg if name is LegName.DESTINATION else self.third_leg

    def other(self, name: LegName) -> LegName:
        """Whom the named leg talks to."""
        first, second = self.talkers
        return second if name is first else first

    def party(self, name: LegName) -> Party:
        """Who is called on the named leg. There is a third only with a transfer."""
        if name is LegName.USER:
            return self.user
        if name is LegName.DESTINATION:
            return self.destination
        assert self.transfer is not None
        return self.transfer.third

    @property
    def thirds(self) -> tuple[Third, ...]:
        """All who were called for a transfer, in that order."""
        if self.transfer is None:
            return ()
        return (*self.past_thirds, Third(self.transfer, self.third_leg))

    def route(self, name: LegName) -> Route:
        """The way that the named leg took last, or would take first."""
        return self.party(name).route(self.leg(name).trunk)

    def with_leg(self, name: LegName, leg: Leg) -> "Call":
        """The same call with one leg exchanged."""
        if name is LegName.USER:
            return self._replace(user_leg=leg)
        if name is LegName.DESTINATION:
            return self._replace(destination_leg=leg)
        return self._replace(third_leg=leg)

    def utc(self, at: float) -> float:
        """The UTC seconds since 1970 of a point `at` of this call, whoever sets the clock on the wall while it runs."""
        return self.accepted_utc + (at - self.accepted_at)

    @property
    def talk_seconds(self) -> float:
        """How long two sides were joined; 0.0 when they never were."""
        joined_at = self.destination_leg.answered_at
        legs = (self.user_leg, self.destination_leg, self.third_leg)
        left_at = [leg.ended_at for leg in legs if leg.answered_at is not None and leg.ended_at is not None]
        if joined_at is None or self.ended_at is None or len(left_at) < 2:
            return 0.0
        # Whoever is left alone may hear a tone for a moment before the call is over.
        return max(0.0, sorted(left_at)[-2] - joined_at)
