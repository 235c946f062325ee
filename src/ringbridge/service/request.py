"""What a client asks for when it asks for a call."""

from collections.abc import Mapping
from dataclasses import dataclass

from ringbridge.call.schedule import WINDOW_SECONDS, Retry, Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """A call that is wanted. Lines and caller ids are as the client wrote them; what is None is as the line or the account has it.

    user_caller_id, destination_caller_id: the number of the account that the phone of that leg is to show.
    confirm: whoever answers the user's phone must press 1. auto_answer: that phone is asked to pick up by itself.
    Seconds are those that each stage may take, within what the account may.
    metadata, webhook: what the client's own programs are told of the call, and where.
    """

    user_line: str
    destination_line: str
    user_caller_id: str | None = None
    destination_caller_id: str | None = None
    confirm: bool | None = None
    auto_answer: bool | None = None
    language: str | None = None
    user_ring_seconds: float | None = None
    destination_ring_seconds: float | None = None
    call_seconds: float | None = None
    metadata: Mapping[str, str] | None = None
    webhook: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRequest:
    """When a call is wanted. `at`, UTC seconds since 1970, is None for now; the rest is as in Schedule."""

    at: float | None = None
    when_user_is_free: bool = False
    window_seconds: float = WINDOW_SECONDS
    retry: Retry | None = None

    def schedule(self, utc_now: float) -> Schedule:
        """The schedule that is meant at `utc_now`."""
        return Schedule(
            at=utc_now if self.at is None else self.at,
            when_user_is_free=self.when_user_is_free,
            window_seconds=self.window_seconds,
            retry=self.retry,
        )
