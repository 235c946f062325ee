"""Calls that are placed later, or again: what the front door may ask for."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict
from functools import partial
from types import TracebackType
from typing import Self

from ringbridge.call.errors import InvalidOption, RequestRefused, StoreUnavailable, TooManyCalls
from ringbridge.call.history import CallFilter, StoredCall, StoredEvent
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.model import State
from ringbridge.call.ports import Directory
from ringbridge.call.schedule import (
    MOST_SCHEDULED,
    Schedule,
    ScheduledCall,
    cancel_requested,
    canceled,
    scheduled,
)
from ringbridge.call.schedule_ports import ScheduleStore
from ringbridge.call.simulation import is_simulated
from ringbridge.service.attempts import LONGEST_REST_SECONDS, Attempts
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.preview import Decision, Preview
from ringbridge.service.reading import until_end
from ringbridge.service.repetition import Placed
from ringbridge.service.request import CallRequest, ScheduleRequest
from ringbridge.service.schedule_book import ScheduleBook
from ringbridge.service.window import Window

# So long a cancellation waits for the step that is being taken.
DECIDING_SECONDS = 5.0

# Of each account: what is called off at once must not fill the disk either.
MOST_PER_MINUTE = 1000


class ScheduleService:
    """The use cases around scheduled calls. An async context manager: while entered, what is due is placed."""

    def __init__(
        self, *, calls: CallService, store: ScheduleStore, directory: Directory, clock: Clock
    ) -> None:
        self._calls = calls
        self._store = store
        self._clock = clock
        self._recent: Window[str] = Window(60.0)
        self._book = ScheduleBook(calls, store, clock)
        self._attempts = Attempts(self._book, calls=calls, store=store, directory=directory, clock=clock)

    async def __aenter__(self) -> Self:
        """Go on with what an earlier process left, when its calls have their ends. Raises StoreUnavailable."""
        await self._attempts.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        await self._attempts.stop()

    def close(self) -> None:
        """Whoever follows a scheduled call is at the end: the server stops."""
        self._book.close()

    async def place(
        self, caller: Caller, request: CallRequest, wanted: ScheduleRequest, key: IdempotencyKey | None = None
    ) -> Placed:
        """Keep a call that is to be placed as it is wanted; durable on return.

        Raises InvalidOption, TooManyCalls, and what `CallService.place` raises.
        """
        return await self._calls.repetitions.once(
            caller.account.id, key, partial(self._place, caller, request, wanted, key)
        )

    async def preview(
        self, caller: Caller, request: CallRequest, wanted: ScheduleRequest
    ) -> tuple[Preview, Schedule]:
        """What would become of the request, and what would be waited for. Raises StoreUnavailable."""
        schedule = wanted.schedule(self._clock.utc_now())
        preview = await self._calls.preview(caller, request, schedule.at)
        try:
            self._check(caller, schedule)
            decision = Decision("schedule", None)
        except RequestRefused as refusal:
            decision = Decision("schedule", refusal.code)
        return preview._replace(decisions=[*preview.decisions, decision]), schedule

    async def _place(
        self, caller: Caller, request: CallRequest, wanted: ScheduleRequest, key: IdempotencyKey | None
    ) -> Placed:
        schedule = wanted.schedule(self._clock.utc_now())
        self._check(caller, schedule)
        call = await self._calls.plan_later(caller, request)
        step = scheduled(call, schedule, asdict(request))
        # Nothing is awaited between the check and the count: of many at once as many get through as the limit says.
        self._check(caller, schedule)
        self._recent.add(call.account_id, self._clock.now())
        await self._book.add(step, key)
        self._book.agenda.put(schedule.at, call.id)
        return Placed(call.id, replayed=False)

    def _check(self, caller: Caller, schedule: Schedule) -> None:
        """Whether this may be asked for now. Raises InvalidOption, TooManyCalls."""
        code = schedule.refusal(self._clock.utc_now())
        if code is not None:
            raise InvalidOption("schedule.at", code)
        if self._book.open_of(caller.account.id) >= MOST_SCHEDULED:
            raise TooManyCalls("scheduled", most=MOST_SCHEDULED, retry_after_seconds=LONGEST_REST_SECONDS)
        wait_seconds = self._recent.wait_seconds(caller.account.id, MOST_PER_MINUTE, self._clock.now())
        if wait_seconds > 0.0:
            raise TooManyCalls("scheduled_per_minute", most=MOST_PER_MINUTE, retry_after_seconds=wait_seconds)

    async def waiting(self, caller: Caller) -> list[StoredCall]:
        """The caller's scheduled calls that are not over, those with an attempt that is up first, then the next that is due.

        Raises StoreUnavailable.
        """
        ids = self._book.ids_of(caller.account.id)
        if not ids:
            return []
        found = await self._calls.reader.page(caller, CallFilter(ids=ids), None, MOST_SCHEDULED)
        return sorted((call for call in found if call.state == State.SCHEDULED.value), key=_due_at)

    async def cancel(self, caller: Caller, call_id: str) -> bool:
        """Call a scheduled call off, and hang up the attempt that is up; durable on return.

        False when the caller has none with this id that is not over. Raises StoreUnavailable.
        """
        try:
            async with asyncio.timeout(DECIDING_SECONDS):
                await self._book.deciding.acquire()
        except TimeoutError:
            raise StoreUnavailable("the database does not keep up with scheduled calls") from None
        try:
            found = await self._store.find(call_id)
            if found is None or found.is_over or not _is_of(found, caller):
                return False
            now = self._clock.utc_now()
            if not found.is_up:
                await self._book.change(canceled(found, now))
                return True
            if not found.is_canceled:
                await self._book.change(cancel_requested(found, now))
            if found.attempt_id is not None:
                await self._calls.cancel(caller, found.attempt_id)
            return True
        finally:
            self._book.deciding.release()

    async def follow(self, caller: Caller, call_id: str, after: int) -> AsyncGenerator[StoredEvent]:
        """The lines of a scheduled call's history above sequence `after`, live until its end.

        They end early when the caller may no longer see them. Raises StoreUnavailable.
        """
        is_stopped = asyncio.Event()

        def stop() -> None:
            is_stopped.set()
            self._book.wake_followers(call_id)

        async with self._calls.reader.audience.listening(caller, stop):
            while not is_stopped.is_set():
                news = self._book.news(call_id)
                found = await self._calls.reader.find(caller, call_id)
                for event in () if found is None else found.events[after:]:
                    after = event.sequence
                    yield event
                if found is None or found.state == State.ENDED.value or self._book.closing.is_set():
                    return
                await news.wait()

    async def find_ended(self, caller: Caller, call_id: str, within_seconds: float) -> StoredCall | None:
        """The scheduled call as it is when it is over, or else after so many seconds, or when the caller may wait no longer.

        Raises StoreUnavailable.
        """
        await until_end(self.follow(caller, call_id, 0), within_seconds)
        return await self._calls.reader.find(caller, call_id)


def _due_at(call: StoredCall) -> float:
    at = None if call.schedule is None else call.schedule.next_attempt_at
    return 0.0 if at is None else at


def _is_of(found: ScheduledCall, caller: Caller) -> bool:
    """Whether the caller may see the call, and end it."""
    call = found.call
    return call.account_id == caller.account.id and caller.key.may_see(call.user.number, is_simulated(call))
