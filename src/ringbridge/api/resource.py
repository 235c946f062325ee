"""Calls as version 2 shows them: the words of docs/glossary.md, times in UTC (RFC 3339)."""

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from ringbridge.call.history import StoredCall, StoredEvent, StoredLeg


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


class ListedCallResource(BaseModel):
    """A call as lists show it. `outcome`, `cause`, `ended_by` and `ended_at` are null until it is over."""

    id: str = Field(description="The `api_request_id` of version 1.")
    state: str
    outcome: str | None
    cause: str | None
    ended_by: str | None
    accepted_at: datetime
    ended_at: datetime | None
    talk_seconds: float = Field(description="How long both sides were joined.")
    metadata: dict[str, str] = Field(description="What the client gave along.")
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
            "talk_seconds": round(call.talk_seconds, 3),
            "metadata": dict(call.metadata or {}),
            "user": LegResource.from_stored(call.user),
            "destination": LegResource.from_stored(call.destination),
        }


class CallResource(ListedCallResource):
    """A call with its history so far."""

    events: list[EventResource]

    @classmethod
    def from_stored(cls, call: StoredCall) -> Self:
        """The resource of a stored call."""
        events = [EventResource.from_stored(event) for event in call.events]
        return cls(**cls._fields_of(call), events=events)


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
