"""Calls that are placed later, or again: keeping them, calling them off, following them, and placing their attempts.

What is stored decides: nothing of a scheduled call is in memory but when it is to be looked at. An attempt is claimed in
the transaction that accepts its call, so a server that was killed knows of it and dials nobody twice. One step is taken
at a time, and durable before the next.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import asdict, replace
from functools import partial
from types import TracebackType
from typing import Any, Self

import structlog

from ringbridge.call.errors import (
    CannotPlaceCalls,
    InvalidCredentials,
    InvalidOption,
    RequestRefused,
    ServerDraining,
    StoreUnavailable,
    TooManyCalls,
)
from ringbridge.call.history import StoredCall, StoredEvent
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.key import Scope
from ringbridge.call.model import Call, Ending, State
from ringbridge.call.ports import Directory
from ringbridge.call.schedule import (
    MOST_SCHEDULED,
    Schedule,
    ScheduledCall,
    ScheduleStep,
    attempt_ended,
    attempt_started,
    cancel_requested,
    canceled,
    expired,
    refused,
    scheduled,
)
from ringbridge.call.schedule_ports import ScheduleStore
from ringbridge.service.agenda import Agenda
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.preview import Decision, Preview
from ringbridge.service.repetition import Placed
from ringbridge.service.request import CallRequest, ScheduleRequest

log = structlog.get_logger()

# When there will be room again nobody knows; limits that do know say less than a minute.
SHORTEST_REST_SECONDS = 1.0
LONGEST_REST_SECONDS = 60.0
# A trunk, the media side or the database that comes back takes about this long.
OUTAGE_SECONDS = 5.0
DECIDING_SECONDS = 5.0

_LIMITS_OF_ACCOUNT = ("rate", "concurrent", "per_minute")


class ScheduleService:
    """The use cases around scheduled calls. An async context manager: while entered, what is due is placed."""

    def __init__(
        self, *, calls: CallService, store: ScheduleStore, directory: Directory, clock: Clock
    ) -> None:
        self._calls = calls
        self._store = store
        self._directory = directory
        self._clock = clock
        self._agenda = Agenda(clock)
        self._accounts: dict[str, str] = {}
        self._open_of_account: Counter[str] = Counter()
        # Until when no call of an account is tried, because a limit of all its calls refused one.
        self._resting: dict[str, float] = {}
        # When an attempt was due whose claim may be stored although it was given up.
        self._unclaimed: dict[str, float] = {}
        self._news: dict[str, asyncio.Event] = {}
        self._deciding = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Go on with what an earlier process left, when its calls have their ends. Raises StoreUnavailable."""
        self._calls.on_end = self._call_ended
        for call_id, account_id, due_at in await self._store.open():
            self._remember(call_id, account_id)
            if due_at is not None:
                self._agenda.put(due_at, call_id)
            else:
                await self._resume(call_id)
        self._spawn(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """Whoever follows a scheduled call is at the end: the server stops."""
        self._closing.set()
        for news in self._news.values():
            news.set()

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
        # Nothing is awaited between the check and this: of many at once as many get through as the limit says.
        self._check(caller, schedule)
        self._remember(call.id, call.account_id)
        try:
            await self._store.add(step, key)
        except BaseException:
            self._forget(call.id)
            raise
        self._tell(step)
        self._agenda.put(schedule.at, call.id)
        return Placed(call.id, replayed=False)

    def _check(self, caller: Caller, schedule: Schedule) -> None:
        """Whether this may be asked for now. Raises InvalidOption, TooManyCalls."""
        code = schedule.refusal(self._clock.utc_now())
        if code is not None:
            raise InvalidOption("schedule.at", code)
        if self._open_of_account[caller.account.id] >= MOST_SCHEDULED:
            raise TooManyCalls("scheduled", most=MOST_SCHEDULED, retry_after_seconds=LONGEST_REST_SECONDS)

    async def cancel(self, caller: Caller, call_id: str) -> bool:
        """Call a scheduled call off, and hang up the attempt that is up; durable on return.

        False when the caller has none with this id that is not over. Raises StoreUnavailable.
        """
        try:
            async with asyncio.timeout(DECIDING_SECONDS):
                await self._deciding.acquire()
        except TimeoutError:
            raise StoreUnavailable("the database does not keep up with scheduled calls") from None
        try:
            found = await self._store.find(call_id)
            if found is None or found.is_over or not _is_of(found, caller):
                return False
            now = self._clock.utc_now()
            if not found.is_up:
                await self._change(canceled(found, now))
                return True
            if not found.is_canceled:
                await self._change(cancel_requested(found, now))
            if found.attempt_id is not None:
                await self._calls.cancel(caller, found.attempt_id)
            return True
        finally:
            self._deciding.release()

    async def follow(self, caller: Caller, call_id: str, after: int) -> AsyncGenerator[StoredEvent]:
        """The lines of a scheduled call's history above sequence `after`, live until its end.

        They end early when the caller may no longer see them. Raises StoreUnavailable.
        """
        is_stopped = asyncio.Event()

        def stop() -> None:
            is_stopped.set()
            self._wake_followers(call_id)

        async with self._calls.audience.listening(caller, stop):
            while not is_stopped.is_set():
                news = self._news.setdefault(call_id, asyncio.Event())
                found = await self._calls.find(caller, call_id)
                for event in () if found is None else found.events[after:]:
                    after = event.sequence
                    yield event
                if found is None or found.state == State.ENDED.value or self._closing.is_set():
                    return
                await news.wait()

    async def find_ended(self, caller: Caller, call_id: str, within_seconds: float) -> StoredCall | None:
        """The scheduled call as it is when it is over, or else after so many seconds, or when the caller may wait no longer.

        Raises StoreUnavailable.
        """
        if within_seconds > 0.0:
            with suppress(TimeoutError):
                async with (
                    asyncio.timeout(within_seconds),
                    aclosing(self.follow(caller, call_id, 0)) as events,
                ):
                    async for _ in events:
                        pass
        return await self._calls.find(caller, call_id)

    async def _resume(self, call_id: str) -> None:
        """Go on with a call whose attempt was up, or about to be, when the server was killed."""
        found = await self._store.find(call_id)
        if found is None:
            return
        if found.attempt_ending is None:
            self._unclaimed[call_id] = found.schedule.at
            self._agenda.put(self._clock.utc_now(), call_id)
        else:
            await self._judge(found, found.attempt_ending)

    async def _run(self) -> None:
        """Place what is due, one after the other, until the server stops."""
        while True:
            call_id = await self._agenda.next()
            rest = self._resting.get(self._accounts.get(call_id, ""), 0.0)
            if rest > self._clock.utc_now():
                self._agenda.put(rest, call_id)
                continue
            async with self._deciding:
                try:
                    await self._look_at(call_id)
                except ServerDraining:
                    return
                except StoreUnavailable as error:
                    log.warning("schedule.not_read", call=call_id, reason=str(error))
                    self._agenda.put(self._clock.utc_now() + OUTAGE_SECONDS, call_id)
                except Exception:
                    log.exception("schedule.failed", call=call_id)
                    self._agenda.put(self._clock.utc_now() + LONGEST_REST_SECONDS, call_id)

    async def _look_at(self, call_id: str) -> None:
        """Place the next attempt of a call if that can be done now, or say when to look at it again, or end it."""
        found = await self._store.find(call_id)
        if found is None or found.is_over:
            self._forget(call_id)
            return
        now = self._clock.utc_now()
        due_at = self._unclaimed.get(call_id, now) if found.due_at is None else found.due_at
        line = (found.call.account_id, found.call.user.number)
        if found.is_canceled:
            await self._change(canceled(found, now))
        elif found.is_late(due_at, now):
            await self._change(expired(found, now))
        elif found.schedule.when_user_is_free and self._calls.admission.calls_of_line(*line):
            self._agenda.put_off_until_free(line, _too_late_at(found, due_at), call_id)
        else:
            await self._attempt(found, due_at)

    async def _attempt(self, found: ScheduledCall, due_at: float) -> None:
        call_id, now = found.call.id, self._clock.utc_now()
        try:
            caller = await self._caller(found.call)
            placed = await self._calls.place_attempt(caller, CallRequest(**found.request), call_id)
        except ServerDraining:
            raise
        except (TooManyCalls, CannotPlaceCalls, StoreUnavailable) as error:
            self._unclaimed[call_id] = due_at
            pause_seconds = OUTAGE_SECONDS
            if isinstance(error, TooManyCalls):
                pause_seconds = min(
                    max(error.retry_after_seconds, SHORTEST_REST_SECONDS), LONGEST_REST_SECONDS
                )
                if error.limit in _LIMITS_OF_ACCOUNT:
                    self._resting[found.call.account_id] = now + pause_seconds
            self._agenda.put(min(now + pause_seconds, _too_late_at(found, due_at)), call_id)
        except RequestRefused as refusal:
            await self._change(refused(found, refusal.code, now))
        else:
            self._unclaimed.pop(call_id, None)
            self._resting.pop(found.call.account_id, None)
            # It is dialled: what could not be told now is told with its end.
            with suppress(StoreUnavailable):
                await self._change(attempt_started(found, placed.call_id, self._clock.utc_now()))

    async def _caller(self, call: Call) -> Caller:
        """Who has asked for the call, if the key still opens; where the request came from was looked at then."""
        account = await self._directory.account(call.account_id)
        key = await self._directory.key(call.key_id)
        if account is None or key is None or account.suspended:
            raise InvalidCredentials("account or key is gone")
        key = replace(key, networks=())
        if key.refusal("", self._clock.utc_now()) is not None or not key.may(Scope.CALLS_CREATE):
            raise InvalidCredentials("the key does not open any more")
        return Caller(account, key)

    def _call_ended(self, call: Call) -> None:
        self._agenda.line_is_free((call.account_id, call.user.number))
        if call.attempt_of is not None and call.ending is not None:
            self._spawn(self._attempt_is_over(call.attempt_of, call.id, call.ending))

    async def _attempt_is_over(self, call_id: str, attempt_id: str, ending: Ending) -> None:
        """Decide what follows; tried until it is stored, or the next server does it."""
        while True:
            try:
                async with self._deciding:
                    found = await self._store.find(call_id)
                    if found is not None and not found.is_over and found.attempt_id == attempt_id:
                        await self._judge(found, ending)
                return
            except StoreUnavailable as error:
                log.warning("schedule.not_stored", call=call_id, reason=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), OUTAGE_SECONDS)

    async def _judge(self, found: ScheduledCall, ending: Ending) -> None:
        """Another attempt, or the end."""
        if found.attempt_id is not None and found.told_attempts < found.attempts:
            found = await self._change(attempt_started(found, found.attempt_id, self._clock.utc_now()))
        after = await self._change(attempt_ended(found, ending, self._clock.utc_now()))
        if after.due_at is not None:
            self._agenda.put(after.due_at, after.call.id)

    async def _change(self, step: ScheduleStep) -> ScheduledCall:
        """Store a step and tell of it. Raises StoreUnavailable."""
        await self._store.change(step)
        self._tell(step)
        call = step.after.call
        if step.after.is_over:
            self._forget(call.id)
            if call.ending is not None:
                log.info(
                    "schedule.ended", call=call.id, account=call.account_id, outcome=call.ending.outcome.value
                )
        return step.after

    def _tell(self, step: ScheduleStep) -> None:
        call, event = step.after.call, step.event
        leg = call.user_leg.state.value
        line = StoredEvent(event.sequence, event.name, event.at, call.state.value, leg, leg)
        self._calls.tell(call, line)
        self._wake_followers(call.id)

    def _wake_followers(self, call_id: str) -> None:
        news = self._news.pop(call_id, None)
        if news is not None:
            news.set()

    def _remember(self, call_id: str, account_id: str) -> None:
        self._accounts[call_id] = account_id
        self._open_of_account[account_id] += 1

    def _forget(self, call_id: str) -> None:
        self._agenda.drop(call_id)
        self._unclaimed.pop(call_id, None)
        account_id = self._accounts.pop(call_id, None)
        if account_id is not None:
            self._open_of_account[account_id] -= 1
            if not self._open_of_account[account_id]:
                del self._open_of_account[account_id]

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("schedules.fault", exc_info=task.exception())


def _too_late_at(found: ScheduledCall, due_at: float) -> float:
    """When to look at it for the last time: then it is late."""
    return due_at + found.schedule.window_seconds + 0.001


def _is_of(found: ScheduledCall, caller: Caller) -> bool:
    """Whether the caller may see the call, and end it."""
    call = found.call
    return call.account_id == caller.account.id and caller.key.may_use(call.user.number)
