"""A call that is placed later or again, as version 2 takes and shows it."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from ringbridge.api.resource import ScheduledRetryResource, ScheduleResource, utc
from ringbridge.call.cause import Outcome
from ringbridge.call.schedule import (
    DEFAULT_RETRY_ON,
    LONGEST_RETRY_SECONDS,
    LONGEST_WINDOW_SECONDS,
    MOST_ATTEMPTS,
    RETRIABLE,
    RETRY_SECONDS,
    WINDOW_SECONDS,
    Retry,
    Schedule,
)

_FARTHEST_UTC = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


def _text(given: object) -> object:
    """A number would be taken for seconds since 1970."""
    if not isinstance(given, str):
        raise ValueError("Write a time as RFC 3339 has it")
    return given


def _in_reach(at: datetime) -> datetime:
    """Near the ends of the calendar a time with an offset has no name in UTC."""
    if not 0.0 <= at.timestamp() < _FARTHEST_UTC:
        raise ValueError("Write a time within 30 days from now")
    return at


def _retriable(outcome: Outcome) -> Outcome:
    if outcome not in RETRIABLE:
        raise ValueError("After this outcome nothing is tried again")
    return outcome


class ScheduleBody(BaseModel):
    """When the first attempt is due, and how late any may begin."""

    model_config = ConfigDict(extra="forbid", strict=True)

    at: (
        Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_text), AfterValidator(_in_reach)]
        | None
    ) = Field(
        None,
        description="With its offset from UTC; up to 30 days from now. Left out: now.",
        examples=["2026-03-01T09:00:00+01:00"],
    )
    window_seconds: Annotated[float, Field(ge=1.0, le=LONGEST_WINDOW_SECONDS, allow_inf_nan=False)] = Field(
        WINDOW_SECONDS, description="An attempt that cannot begin within this time is not made any more."
    )


class RetryBody(BaseModel):
    """After which outcomes it is tried again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    max_attempts: Annotated[int, Field(ge=1, le=MOST_ATTEMPTS)] = Field(description="The first one included.")
    after_seconds: Annotated[float, Field(ge=1.0, le=LONGEST_RETRY_SECONDS, allow_inf_nan=False)] = Field(
        RETRY_SECONDS, description="From the end of one attempt to the next."
    )
    on: Annotated[
        list[Annotated[Outcome, Field(strict=False), AfterValidator(_retriable)]],
        Field(min_length=1, max_length=len(RETRIABLE)),
    ] = Field(
        list(DEFAULT_RETRY_ON),
        description="Any but `completed`, `destination_invalid`, `canceled`, `blocked` and `expired`.",
    )

    def retry(self) -> Retry:
        """The same for the service."""
        outcomes = tuple(dict.fromkeys(self.on))
        return Retry(max_attempts=self.max_attempts, after_seconds=self.after_seconds, on=outcomes)


def previewed(schedule: Schedule) -> ScheduleResource:
    """What would be kept of a schedule."""
    retry = schedule.retry
    return ScheduleResource(
        at=utc(schedule.at),
        when_user_is_free=schedule.when_user_is_free,
        window_seconds=schedule.window_seconds,
        retry=None
        if retry is None
        else ScheduledRetryResource(
            max_attempts=retry.max_attempts,
            after_seconds=retry.after_seconds,
            on=[outcome.value for outcome in retry.on],
        ),
        next_attempt_at=utc(schedule.at),
        attempts=[],
    )
