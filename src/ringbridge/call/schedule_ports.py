"""What the service asks of whoever keeps scheduled calls."""

from typing import NamedTuple, Protocol

from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.schedule import ScheduledCall, ScheduleStep


class OpenSchedule(NamedTuple):
    """A scheduled call that is not over. due_at: UTC seconds since 1970; None while an attempt is up. is_test: of a test key."""

    call_id: str
    account_id: str
    due_at: float | None
    is_test: bool


class ScheduleStore(Protocol):
    """Keeps scheduled calls. What it is given is durable on return. All methods raise StoreUnavailable."""

    async def add(self, step: ScheduleStep, key: IdempotencyKey | None) -> None:
        """A new scheduled call, its first event and the key of its request."""
        ...

    async def change(self, step: ScheduleStep) -> None:
        """How it stands now, and the event of that, in one transaction. Where this fails it may be stored all the same."""
        ...

    async def find(self, call_id: str) -> ScheduledCall | None:
        """A scheduled call with what is known of its attempts."""
        ...

    async def open(self) -> list[OpenSchedule]:
        """All that are not over."""
        ...
