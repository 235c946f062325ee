"""What the server tells, as values. Times are aware datetimes in UTC. What a later server tells besides is passed over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One line of a call's history, and how the call and its legs stood after it. `sequence` counts from 1 without gaps."""

    sequence: int
    name: str
    at: datetime
    state: str
    user_leg: str
    destination_leg: str

    @classmethod
    def of(cls, told: Document) -> "CallEvent":
        """The event in a document of the server."""
        return cls(
            sequence=told["sequence"],
            name=told["name"],
            at=_moment(told["at"]),
            state=told["state"],
            user_leg=told["user_leg"],
            destination_leg=told["destination_leg"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One side of a call."""

    number: str
    trunk: str | None
    state: str
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    cause: str | None
    sip_status: int | None
    q850: int | None

    @classmethod
    def of(cls, told: Document) -> "Leg":
        """The leg in a document of the server."""
        return cls(
            number=told["number"],
            trunk=told["trunk"],
            state=told["state"],
            ringing_at=_moment_or_none(told["ringing_at"]),
            answered_at=_moment_or_none(told["answered_at"]),
            ended_at=_moment_or_none(told["ended_at"]),
            cause=told["cause"],
            sip_status=told["sip_status"],
            q850=told["q850"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Third:
    """Whom a call was transferred to, or was to be; times are None where it did not come that far.

    `outcome` and `talk_seconds` are None until it is over, `cost` also where no rate is known.
    """

    number: str
    trunk: str | None
    outcome: str | None
    dialed_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    cause: str | None
    sip_status: int | None
    q850: int | None
    talk_seconds: float | None
    cost: Decimal | None

    @classmethod
    def of(cls, told: Document) -> "Third":
        """The third in a document of the server."""
        return cls(
            number=told["number"],
            trunk=told["trunk"],
            outcome=told["outcome"],
            dialed_at=_moment_or_none(told["dialed_at"]),
            ringing_at=_moment_or_none(told["ringing_at"]),
            answered_at=_moment_or_none(told["answered_at"]),
            ended_at=_moment_or_none(told["ended_at"]),
            cause=told["cause"],
            sip_status=told["sip_status"],
            q850=told["q850"],
            talk_seconds=told["talk_seconds"],
            cost=_cost(told),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What a scheduled call waits for. next_attempt_at: None while an attempt is up, and at the end.

    attempts: the ids of the calls that are its attempts, the first one first.
    """

    at: datetime
    when_user_is_free: bool
    next_attempt_at: datetime | None
    attempts: tuple[str, ...]

    @classmethod
    def of(cls, told: Document) -> "Schedule":
        """The schedule in a document of the server."""
        return cls(
            at=_moment(told["at"]),
            when_user_is_free=told["when_user_is_free"],
            next_attempt_at=_moment_or_none(told["next_attempt_at"]),
            attempts=tuple(attempt["id"] for attempt in told["attempts"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it was when the server was asked. `outcome`, `cause`, `ended_by`, `ended_at` and `talk_seconds` are None until it is over.

    attempt_of: the id of the scheduled call that it is an attempt of. schedule: of a scheduled call.
    thirds: whom it was transferred to, or was to be. events: its history so far. Both are empty in lists of calls.
    test: it is simulated for a test key. cost: None until it is over, in lists, and where it is not known.
    """

    id: str
    state: str
    outcome: str | None
    cause: str | None
    ended_by: str | None
    accepted_at: datetime
    ended_at: datetime | None
    talk_seconds: float | None
    metadata: Mapping[str, str]
    attempt_of: str | None
    test: bool
    cost: Decimal | None
    schedule: Schedule | None
    user: Leg
    destination: Leg
    thirds: tuple[Third, ...]
    events: tuple[CallEvent, ...]

    @property
    def is_over(self) -> bool:
        """Whether it has its end."""
        return self.state == "ended"

    @classmethod
    def of(cls, told: Document) -> "Call":
        """The call in a document of the server."""
        return cls(
            id=told["id"],
            state=told["state"],
            outcome=told["outcome"],
            cause=told["cause"],
            ended_by=told["ended_by"],
            accepted_at=_moment(told["accepted_at"]),
            ended_at=_moment_or_none(told["ended_at"]),
            talk_seconds=told["talk_seconds"],
            metadata=told.get("metadata") or {},
            attempt_of=told.get("attempt_of"),
            test=told.get("test", False),
            cost=_cost(told),
            schedule=None if told.get("schedule") is None else Schedule.of(told["schedule"]),
            user=Leg.of(told["user"]),
            destination=Leg.of(told["destination"]),
            thirds=tuple(Third.of(third) for third in told.get("thirds", ())),
            events=tuple(CallEvent.of(event) for event in told.get("events", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLeg:
    """One side of a call that is over; times are None where it did not come that far."""

    number: str
    trunk: str | None
    caller_number: str
    dialed_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    cause: str | None
    sip_status: int | None
    q850: int | None
    ring_seconds: float

    @classmethod
    def of(cls, told: Document) -> "RecordLeg":
        """The leg in a document of the server."""
        return cls(
            number=told["number"],
            trunk=told["trunk"],
            caller_number=told["caller_number"],
            dialed_at=_moment_or_none(told["dialed_at"]),
            ringing_at=_moment_or_none(told["ringing_at"]),
            answered_at=_moment_or_none(told["answered_at"]),
            ended_at=_moment_or_none(told["ended_at"]),
            cause=told["cause"],
            sip_status=told["sip_status"],
            q850=told["q850"],
            ring_seconds=told["ring_seconds"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is left of a call that is over. test: it was simulated. cost: None where it is not known."""

    call_id: str
    key_id: str
    outcome: str
    cause: str
    ended_by: str
    accepted_at: datetime
    ended_at: datetime
    talk_seconds: float
    metadata: Mapping[str, str]
    test: bool
    cost: Decimal | None
    user: RecordLeg
    destination: RecordLeg
    thirds: tuple[Third, ...]

    @classmethod
    def of(cls, told: Document) -> "Record":
        """The record in a document of the server."""
        return cls(
            call_id=told["call_id"],
            key_id=told["key_id"],
            outcome=told["outcome"],
            cause=told["cause"],
            ended_by=told["ended_by"],
            accepted_at=_moment(told["accepted_at"]),
            ended_at=_moment(told["ended_at"]),
            talk_seconds=told["talk_seconds"],
            metadata=told.get("metadata") or {},
            test=told.get("test", False),
            cost=_cost(told),
            user=RecordLeg.of(told["user"]),
            destination=RecordLeg.of(told["destination"]),
            thirds=tuple(Third.of(third) for third in told.get("thirds", ())),
        )


def _cost(told: Document) -> Decimal | None:
    return None if told.get("cost") is None else Decimal(told["cost"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moment_or_none(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)
