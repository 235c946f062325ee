"""Calls as version 2 shows them: the words of docs/glossary.md, times in UTC (RFC 3339)."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, WithJsonSchema

from ringbridge.call.history import StoredCall, StoredEvent, StoredLeg, StoredSchedule
from ringbridge.call.third import StoredThird
from ringbridge.service.export import cost_text, third_document

Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A point in time that is text already."""


class EventResource(BaseModel):
    """One line of a call's history, and how call and legs stood after it."""

    sequence: int = Field(description="Counts from 1 without gaps.")
    name: str
    at: datetime
    state: str
    user_leg: str
    destination_leg: str

    @classmethod
    def from_stored(cls, event: StoredEvent) -> "EventResource":
        """The resource of a stored line."""
        return cls(
            sequence=event.sequence,
            name=event.name,
            at=utc(event.at),
            state=event.state,
            user_leg=event.user_leg,
            destination_leg=event.destination_leg,
        )


class LegResource(BaseModel):
    """One side of a call."""

    number: str = Field(description="E.164 with its plus, or an internal extension.")
    trunk: str | None = Field(description="The trunk that was tried last; null for a phone of our own.")
    state: str
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    cause: str | None = Field(description="Why the leg ended; null until then.")
    sip_status: int | None = Field(description="The final SIP status of a leg that was refused.")
    q850: int | None = Field(description="The Q.850 cause that the network gave.")

    @classmethod
    def from_stored(cls, leg: StoredLeg) -> "LegResource":
        """The resource of a stored leg."""
        return cls(
            number=leg.number,
            trunk=leg.trunk,
            state=leg.state,
            ringing_at=utc_or_none(leg.ringing_at),
            answered_at=utc_or_none(leg.answered_at),
            ended_at=utc_or_none(leg.ended_at),
            cause=leg.cause,
            sip_status=leg.sip_status,
            q850=leg.q850,
        )


class ScheduledRetryResource(BaseModel):
    """After which outcomes a scheduled call is tried again."""

    max_attempts: int
    after_seconds: float
    on: list[str]


class AttemptResource(BaseModel):
    """One attempt of a scheduled call. It is a call of its own."""

    id: str
    state: str
    outcome: str | None
    accepted_at: datetime


class ScheduleResource(BaseModel):
    """What a scheduled call waits for, and its attempts so far."""

    at: datetime
    when_user_is_free: bool
    window_seconds: float
    retry: ScheduledRetryResource | None
    next_attempt_at: datetime | None = Field(description="Null while an attempt is up, and at the end.")
    attempts: list[AttemptResource]

    @classmethod
    def from_stored(cls, schedule: StoredSchedule) -> "ScheduleResource":
        """The resource of a stored schedule."""
        return cls(
            at=utc(schedule.at),
            when_user_is_free=schedule.when_user_is_free,
            window_seconds=schedule.window_seconds,
            retry=ScheduledRetryResource(
                max_attempts=schedule.max_attempts,
                after_seconds=schedule.after_seconds,
                on=list(schedule.retry_on),
            )
            if schedule.retry_on
            else None,
            next_attempt_at=utc_or_none(schedule.next_attempt_at),
            attempts=[
                AttemptResource(
                    id=attempt.call_id,
                    state=attempt.state,
                    outcome=attempt.outcome,
                    accepted_at=utc(attempt.accepted_at),
                )
                for attempt in schedule.attempts
            ],
        )


class ListedCallResource(BaseModel):
    """A call as lists show it. `outcome`, `cause`, `ended_by`, `ended_at` and `talk_seconds` are null until it is over."""

    id: str = Field(description="The `api_request_id` of version 1.")
    state: str
    outcome: str | None
    cause: str | None
    ended_by: str | None
    accepted_at: datetime
    ended_at: datetime | None
    talk_seconds: float | None = Field(description="How long both sides were joined; null until it is over.")
    metadata: dict[str, str] = Field(description="What the client gave along.")
    attempt_of: str | None = Field(description="The id of the scheduled call that this is an attempt of.")
    schedule: ScheduleResource | None = Field(description="Of a scheduled call; else null.")
    test: bool = Field(description="It is simulated for a test key.")
    user: LegResource
    destination: LegResource

    @classmethod
    def from_stored(cls, call: StoredCall) -> Self:
        """The resource of a stored call."""
        return cls(**cls._fields_of(call))

    @staticmethod
    def _fields_of(call: StoredCall) -> dict[str, Any]:
        return {
            "id": call.id,
            "state": call.state,
            "outcome": call.outcome,
            "cause": call.cause,
            "ended_by": call.ended_by,
            "accepted_at": utc(call.accepted_at),
            "ended_at": utc_or_none(call.ended_at),
            "talk_seconds": None if call.ended_at is None else round(call.talk_seconds, 3),
            "metadata": dict(call.metadata or {}),
            "attempt_of": call.attempt_of,
            "schedule": None if call.schedule is None else ScheduleResource.from_stored(call.schedule),
            "test": call.is_test,
            "user": LegResource.from_stored(call.user),
            "destination": LegResource.from_stored(call.destination),
        }


class ThirdResource(BaseModel):
    """Whom a call was transferred to, or was to be. Times are null where it did not come that far."""

    number: str = Field(description="E.164 with its plus; `erased` when it was erased.")
    trunk: str | None = Field(description="The trunk that was tried last; null for a phone of our own.")
    outcome: str | None = Field(description="In the words for a destination; null until it is over.")
    dialed_at: Moment | None
    ringing_at: Moment | None
    answered_at: Moment | None
    ended_at: Moment | None
    cause: str | None = Field(description="Why the leg ended; null until then.")
    sip_status: int | None
    q850: int | None
    talk_seconds: float | None = Field(description="How long it was up; null until it is over.")
    cost: str | None = Field(
        description="In the currency of the rates; null until it is over, and where no rate is known.",
        examples=["0.025"],
    )

    @classmethod
    def from_stored(cls, third: StoredThird) -> "ThirdResource":
        """The resource of a stored third."""
        return cls(**third_document(third))


class CallResource(ListedCallResource):
    """A call with its history so far. Of a scheduled call neither side is ever dialled: its attempts are calls of their own."""

    thirds: list[ThirdResource] = Field(
        description="Whom it was transferred to, or was to be, in that order."
    )
    cost: str | None = Field(
        description="In the currency of the rates, with its thirds; null until it is over, in test calls, and where no rate is known.",
        examples=["0.025"],
    )
    events: list[EventResource]

    @classmethod
    def from_stored(cls, call: StoredCall) -> Self:
        """The resource of a stored call."""
        thirds = [ThirdResource.from_stored(third) for third in call.thirds]
        events = [EventResource.from_stored(event) for event in call.events]
        cost = cost_text(call.micros)
        return cls(**cls._fields_of(call), thirds=thirds, cost=cost, events=events)


class CancelResource(BaseModel):
    """The call that is being ended."""

    id: str


class ProblemResource(BaseModel):
    """What went wrong (RFC 9457). `code` is for programs, the texts are for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str


def utc(at: float) -> datetime:
    """A point of time to the millisecond, which is as exact as anything about a call is worth telling."""
    return datetime.fromtimestamp(round(at, 3), UTC)


def utc_or_none(at: float | None) -> datetime | None:
    return None if at is None else utc(at)
