"""What version 2 takes of a call that is wanted: the two lines, and options. What is not known is refused, not passed over."""

import hashlib
import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ringbridge.api.v2.schedule import RetryBody, ScheduleBody
from ringbridge.call.directory import HARD_CALL_SECONDS
from ringbridge.call.schedule import WINDOW_SECONDS
from ringbridge.service.request import CallRequest, ScheduleRequest

MOST_RING_SECONDS = 600.0


def printable(text: str) -> str:
    """Text that every database, log line and header takes."""
    if not text.isprintable():
        raise ValueError("Control characters are not allowed")
    return text


LineText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
METADATA_NAME = r"[A-Za-z0-9_.\-]{1,40}"
MetadataName = Annotated[str, StringConstraints(pattern=f"^{METADATA_NAME}$")]
MetadataValue = Annotated[str, StringConstraints(max_length=500), AfterValidator(printable)]
RingSeconds = Annotated[float, Field(ge=1.0, le=MOST_RING_SECONDS, allow_inf_nan=False)]


class CallBody(BaseModel):
    """A call that is wanted. Options that are left out are as the line and the account have them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user_line: LineText = Field(
        description="A line of the account: its phone rings first.", examples=["+1 (817) 562-9657"]
    )
    destination_line: LineText = Field(
        description="The number to call, as people write it.", examples=["15125292329"]
    )
    user_caller_id: LineText | None = Field(
        None,
        description="The number of the account that the user's phone shows instead of the destination's.",
    )
    destination_caller_id: LineText | None = Field(
        None,
        description="The number of the account that the destination's phone shows instead of the line's.",
    )
    confirm: bool | None = Field(None, description="Whoever answers the user's phone must press 1.")
    auto_answer: bool | None = Field(None, description="The user's phone is asked to pick up by itself.")
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] | None = Field(
        None, description="Of the prompts; English where there are none.", examples=["es"]
    )
    user_ring_seconds: RingSeconds | None = Field(
        None, description="How long the user's phone rings; at most as long as the account may."
    )
    destination_ring_seconds: RingSeconds | None = Field(
        None, description="How long the destination's phone rings; at most as long as the account may."
    )
    call_seconds: Annotated[float, Field(ge=1.0, le=HARD_CALL_SECONDS, allow_inf_nan=False)] | None = Field(
        None, description="How long the two are joined; at most as long as the account may."
    )
    metadata: Annotated[dict[MetadataName, MetadataValue], Field(max_length=20)] | None = Field(
        None,
        description="Texts of your own, told again with everything about the call.",
        examples=[{"order": "4711"}],
    )
    webhook: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=2048)] | None = Field(
        None, description="Where this call's events are sent, besides the account's webhooks."
    )

    schedule: ScheduleBody | None = Field(None, description="Place it later. Makes it a scheduled call.")
    when_user_is_free: bool | None = Field(
        None,
        description="Wait until no other call of the line is up. Makes it a scheduled call.",
    )
    retry: RetryBody | None = Field(None, description="Try again. Makes it a scheduled call.")

    def digest(self) -> str:
        """What two bodies have in common that ask for the same: SHA-256 in hexadecimal, whatever their blanks and order."""
        given = json.dumps(self.model_dump(mode="json", exclude_unset=True), sort_keys=True)
        return hashlib.sha256(given.encode()).hexdigest()

    def request(self) -> CallRequest:
        """The same for the service."""
        return CallRequest(**self.model_dump(exclude={"schedule", "when_user_is_free", "retry"}))

    def schedule_request(self) -> ScheduleRequest | None:
        """When it is wanted; None for a call that is not scheduled."""
        if self.schedule is None and not self.when_user_is_free and self.retry is None:
            return None
        at = None if self.schedule is None else self.schedule.at
        return ScheduleRequest(
            at=None if at is None else at.timestamp(),
            when_user_is_free=bool(self.when_user_is_free),
            window_seconds=WINDOW_SECONDS if self.schedule is None else self.schedule.window_seconds,
            retry=None if self.retry is None else self.retry.retry(),
        )
