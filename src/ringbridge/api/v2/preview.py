"""A dry run of a call: what version 2 tells of one that is not placed."""

from typing import Self

from pydantic import BaseModel, Field

from ringbridge.api.resource import ScheduleResource
from ringbridge.api.v2.schedule import previewed
from ringbridge.call.model import Party
from ringbridge.call.schedule import Schedule
from ringbridge.service.preview import Preview


class RouteResource(BaseModel):
    """One way to reach a phone. Of a trunk only its name is told: its address is the administrator's."""

    trunk: str | None = Field(description="Null for a phone of our own.")
    caller_number: str = Field(description="The number that the phone shows.")
    caller_name: str | None


class PhoneResource(BaseModel):
    """A phone that is registered for the user's line."""

    transport: str
    host: str
    port: int
    user_agent: str | None = Field(description="What the phone calls itself.")


class PreviewUserResource(BaseModel):
    """The user's side."""

    number: str = Field(description="E.164 with its plus, or an internal extension.")
    name: str | None
    kind: str = Field(description="How the phone is reached: `uri`, `device` or `trunk`.")
    phones: list[PhoneResource] = Field(description="Of a line of kind device: those that would ring.")
    routes: list[RouteResource] = Field(description="In the order in which they are tried.")


class PreviewDestinationResource(BaseModel):
    """The destination's side."""

    number: str = Field(description="E.164 with its plus.")
    region: str = Field(description="The country of the number in two letters, or 001 where none owns it.")
    kind: str = Field(description="What sort of number it is.")
    digits: str = Field(description="What is pressed once it has answered; `,` is a pause of a second.")
    routes: list[RouteResource] = Field(description="In the order in which they are tried.")


class DecisionResource(BaseModel):
    """One check."""

    check: str
    allowed: bool
    code: str | None = Field(description="Why not, as the error of a placed call would say it.")


class PreviewResource(BaseModel):
    """What would become of the call. A side is null when its line could not be read."""

    allowed: bool = Field(description="Whether the call would be placed now.")
    user: PreviewUserResource | None
    destination: PreviewDestinationResource | None
    confirm: bool | None = Field(description="Whether whoever answers the user's phone must press 1.")
    auto_answer: bool | None
    language: str | None
    user_ring_seconds: float | None
    destination_ring_seconds: float | None
    call_seconds: float | None
    schedule: ScheduleResource | None = Field(
        description="What would be waited for; null for a call at once."
    )
    decisions: list[DecisionResource]

    @classmethod
    def from_preview(cls, preview: Preview, schedule: Schedule | None = None) -> Self:
        """The resource of a preview."""
        line, destination, call = preview.line, preview.destination, preview.call
        return cls(
            allowed=preview.would_be_placed,
            user=None
            if line is None
            else PreviewUserResource(
                number=line.number,
                name=line.name,
                kind=line.kind.value,
                phones=[PhoneResource(**phone._asdict()) for phone in preview.phones],
                routes=[] if call is None else _routes(call.user),
            ),
            destination=None
            if destination is None
            else PreviewDestinationResource(
                number=destination.e164,
                region=destination.region,
                kind=destination.type.name.lower(),
                digits=destination.digits_after_answer,
                routes=[] if call is None else _routes(call.destination),
            ),
            confirm=None if call is None else call.confirm,
            auto_answer=None if call is None else call.user.auto_answer,
            language=None if call is None else call.language,
            user_ring_seconds=None if call is None else call.limits.user_ring_seconds,
            destination_ring_seconds=None if call is None else call.limits.destination_ring_seconds,
            call_seconds=None if call is None else call.limits.call_seconds,
            schedule=None if schedule is None else previewed(schedule),
            decisions=[
                DecisionResource(check=check, allowed=code is None, code=code)
                for check, code in preview.decisions
            ],
        )


def _routes(party: Party) -> list[RouteResource]:
    return [
        RouteResource(trunk=route.trunk, caller_number=route.caller_number, caller_name=route.caller_name)
        for route in party.routes
    ]
