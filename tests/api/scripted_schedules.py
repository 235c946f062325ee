"""A double of the service of scheduled calls: remembers what it was asked, and answers with what the test has set."""

from collections.abc import AsyncGenerator

from ringbridge.call.history import StoredCall, StoredEvent
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.schedule import Schedule
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService
from ringbridge.service.preview import Preview
from ringbridge.service.repetition import Placed
from ringbridge.service.request import CallRequest, ScheduleRequest
from ringbridge.service.schedules import ScheduleService

CALL_ID = "019ab2c4-0000-7000-8000-00000000000a"
NOW = 1_790_000_000.0


class ScriptedSchedules(ScheduleService):
    """Its calls are those of the double of the other service."""

    def __init__(self, calls: CallService) -> None:
        self._doubled = calls
        self.reset()

    def reset(self) -> None:
        """As if nobody had asked anything yet."""
        self.asked: list[tuple[CallRequest, ScheduleRequest, IdempotencyKey | None]] = []
        self.cancelled: list[str] = []
        self.waited: list[float] = []
        self.followed_after: list[int] = []
        self.error: Exception | None = None
        self.is_over = False

    async def place(
        self, caller: Caller, request: CallRequest, wanted: ScheduleRequest, key: IdempotencyKey | None = None
    ) -> Placed:
        if self.error is not None:
            raise self.error
        self.asked.append((request, wanted, key))
        return Placed(CALL_ID, replayed=False)

    async def preview(
        self, caller: Caller, request: CallRequest, wanted: ScheduleRequest
    ) -> tuple[Preview, Schedule]:
        return await self._doubled.preview(caller, request), wanted.schedule(NOW)

    async def cancel(self, caller: Caller, call_id: str) -> bool:
        self.cancelled.append(call_id)
        return not self.is_over

    async def follow(self, caller: Caller, call_id: str, after: int) -> AsyncGenerator[StoredEvent]:
        self.followed_after.append(after)
        found = await self._doubled.reader.find(caller, call_id)
        for event in () if found is None else found.events[after:]:
            yield event

    async def find_ended(self, caller: Caller, call_id: str, within_seconds: float) -> StoredCall | None:
        self.waited.append(within_seconds)
        return await self._doubled.reader.find(caller, call_id)
