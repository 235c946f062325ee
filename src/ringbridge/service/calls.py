"""Placing and ending calls: what the front doors may ask for. What they may see of them is in `reading`.

Order is the promise: the call is admitted, stored durably, answered to the client, and only then is anything dialled.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import NamedTuple, Self

import structlog

from ringbridge.call.cause import Cause
from ringbridge.call.errors import (
    CannotPlaceCalls,
    DestinationRefused,
    InvalidDestination,
    ServerDraining,
    TooManyCalls,
)
from ringbridge.call.event import CancelRequested, Event, TransferRequested
from ringbridge.call.history import StoredEvent, first_event
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.model import Call, LegName
from ringbridge.call.ports import CallObserver, CallStore, Directory, Engine
from ringbridge.call.simulation import is_simulated
from ringbridge.service.admission import Admission
from ringbridge.service.authentication import Caller
from ringbridge.service.blocked import BlockedCalls
from ringbridge.service.clock import Clock
from ringbridge.service.live import LiveCalls
from ringbridge.service.planner import Plan, Planner
from ringbridge.service.preview import Preview, Previewer
from ringbridge.service.reading import CallReader, is_of
from ringbridge.service.repetition import Placed, Repetitions
from ringbridge.service.request import CallRequest
from ringbridge.service.runner import Runner

log = structlog.get_logger()


class AttemptOf(NamedTuple):
    """That a call is an attempt of the scheduled call `call_id`, and the id that it is to have."""

    call_id: str
    attempt_id: str


class CallService:
    """The use cases around one call. An async context manager: leaving it waits for the tasks of all calls.

    reader: what clients may see of calls. repetitions: the requests that were made. on_end: told of each call that is over; it
    must neither block nor raise. on_other_event: told of what happens to legs that belong to none of these calls.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        store: CallStore,
        directory: Directory,
        clock: Clock,
        observer: CallObserver,
    ) -> None:
        self._engine = engine
        self._store = store
        self._planner = Planner(directory, clock)
        self._clock = clock
        self._observer = observer
        self._admission = Admission()
        self._blocked = BlockedCalls(store, clock)
        self._live = LiveCalls()
        self._previewer = Previewer(self._planner, self._admission, engine)
        self.reader = CallReader(store, self._live, directory, clock)
        self.repetitions = Repetitions(store, self._live, clock)
        self._tasks = asyncio.TaskGroup()
        self._is_draining = False
        self.on_end: Callable[[Call], None] = lambda call: None
        self.on_other_event: Callable[[str, Event], None] = lambda call_id, event: None
        engine.listen(self._on_event)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What ended the block is not the tasks' affair: they are waited for, and what they raise is raised.
        await self._tasks.__aexit__(None, None, None)

    @property
    def running(self) -> int:
        """How many calls are not over."""
        return len(self._live)

    @property
    def admission(self) -> Admission:
        """What the calls of each account count."""
        return self._admission

    @property
    def is_draining(self) -> bool:
        """Whether new calls are refused because the server stops."""
        return self._is_draining

    async def place(self, caller: Caller, request: CallRequest, key: IdempotencyKey | None = None) -> Placed:
        """Accept a call of the caller's account between its line and a destination.

        With a `key` that was used before, it is the call of then. Raises IdempotencyKeyReused, RequestInProgress, and
        what `_place` raises.
        """
        if key is None:
            return await self._place(caller, request, None)
        account_id = caller.account.id
        return await self.repetitions.once(account_id, key, lambda: self._place(caller, request, key))

    async def place_attempt(
        self, caller: Caller, request: CallRequest, attempt_of: str, attempt_id: str
    ) -> Placed:
        """Accept a call with this new id that is an attempt of a scheduled one; it repeats no click. Raises what `_place` raises."""
        return await self._place(caller, request, None, AttemptOf(attempt_of, attempt_id))

    async def plan_later(self, caller: Caller, request: CallRequest) -> Call:
        """The call that is asked for, if it may be placed at another time.

        Raises InvalidUserLine, InvalidDestination, InvalidOption, CannotPlaceCalls, ServerDraining or StoreUnavailable.
        """
        if self._is_draining:
            raise ServerDraining("the server is shutting down")
        return (await self._plan(caller, request, is_for_later=True)).call

    async def preview(self, caller: Caller, request: CallRequest, at: float | None = None) -> Preview:
        """What would become of the request if it were placed now, or `at` a time (UTC). Raises StoreUnavailable."""
        return await self._previewer.preview(caller, request, at)

    async def _place(
        self,
        caller: Caller,
        request: CallRequest,
        key: IdempotencyKey | None,
        attempt: AttemptOf | None = None,
    ) -> Placed:
        """Accept a new call, or find the one of a first click.

        On return the call is stored and about to be dialled. Raises InvalidUserLine, InvalidDestination, InvalidOption,
        TooManyCalls, CannotPlaceCalls, ServerDraining or StoreUnavailable, and then nothing was dialled.
        """
        if self._is_draining:
            raise ServerDraining("the server is shutting down")
        call, limits = await self._plan(caller, request)
        if not self._engine.healthy():
            raise CannotPlaceCalls("engine_down")
        if attempt is not None:
            call = call._replace(id=attempt.attempt_id, attempt_of=attempt.call_id)
        if key is not None or attempt is not None:
            # With keys a client says itself what is the same call.
            limits = replace(limits, duplicates_s=0.0)
        try:
            duplicate = self._admission.admit(call, limits)
        except TooManyCalls as refusal:
            # An attempt only waits for its turn.
            if attempt is None:
                self._blocked.refused_call(call, refusal)
            raise
        if duplicate is not None:
            if not await duplicate.stored():
                raise CannotPlaceCalls("first_click_failed")
            return Placed(duplicate.call_id, replayed=True)
        if not self._engine.reserve(call):
            self._admission.release(call)
            raise CannotPlaceCalls("trunk_full")
        with self._live.awaiting_one():
            try:
                await self._store.accept(call, first_event(call), key)
            except BaseException:
                self._admission.release(call)
                self._engine.release(call.id)
                raise
            self._admission.confirm(call.id)
            self._start(call)
        return Placed(call.id, replayed=False)

    async def admit_third(
        self, caller: Caller, call: Call, leg: LegName, destination_line: str
    ) -> TransferRequested:
        """The transfer of the talking call's leg to whom the client wrote, with money set aside for that third.

        The third is looked at as the destination of a call of the same user would be. Nothing is dialled. Raises what `place` does.
        """
        if self._is_draining:
            raise ServerDraining("the server is shutting down")
        try:
            planned, limits = await self._planner.plan_third(caller, call, call.other(leg), destination_line)
        except DestinationRefused as refusal:
            self._blocked.refused_destination(caller, refusal, is_test=is_simulated(call))
            raise
        if planned.destination.number in [call.party(talker).number for talker in call.talkers]:
            raise InvalidDestination("already_in_call")
        try:
            price = self._admission.admit_third(call, planned, limits)
        except TooManyCalls as refusal:
            self._blocked.refused_call(planned, refusal)
            raise
        return TransferRequested(leg, planned.destination, planned.digits, price)

    async def _plan(self, caller: Caller, request: CallRequest, *, is_for_later: bool = False) -> Plan:
        """The call that is asked for; a destination that is refused is recorded."""
        try:
            return await self._planner.plan(caller, request, is_for_later=is_for_later)
        except DestinationRefused as refusal:
            self._blocked.refused_destination(caller, refusal, is_test=caller.key.is_test)
            raise

    async def cancel(self, caller: Caller, call_id: str) -> bool:
        """End a running call of the caller's account; False when there is none with this id."""
        runner = self.runner(caller, call_id)
        if runner is None:
            return False
        runner.deliver(CancelRequested())
        return True

    def runner(self, caller: Caller, call_id: str) -> Runner | None:
        """What carries a running call of the caller's account; None when there is none with this id."""
        runner = self._live.find(call_id)
        return runner if runner is not None and is_of(runner, caller) else None

    def runners(self) -> list[Runner]:
        """What carries the calls that are not over."""
        return self._live.all()

    async def recover(self) -> int:
        """Give the calls that an earlier process left open their end; nothing is dialled again.

        Returns how many calls were found open. Call it once, before the first `place`.
        """
        found = await self._store.open_calls()
        for call_id in found:
            await self._store.close_interrupted(call_id, ended_at=self._clock.utc_now())
            self._engine.release(call_id)
            self._observer.interrupted()
            log.warning("call.interrupted", call=call_id)
        return len(found)

    def refuse_new_calls(self) -> None:
        """The first word of a shutdown: from now on `place` raises ServerDraining."""
        self._is_draining = True

    async def drain(self, limit_seconds: float) -> None:
        """Wait for the running calls, end those that are left after `limit_seconds`, and wait until all are over."""
        self.refuse_new_calls()
        try:
            async with asyncio.timeout(limit_seconds):
                await self._live.empty()
        except TimeoutError:
            log.warning("calls.drained", count=len(self._live))
            for runner in self._live.all():
                runner.deliver(CancelRequested(Cause.DRAINED))
            await self._live.empty()
        self.reader.close()

    def _start(self, call: Call) -> None:
        runner = Runner(
            call, engine=self._engine, store=self._store, clock=self._clock, on_step=self._on_step
        )
        self._live.add(runner)
        self._observer.accepted(call)
        if self._is_draining:
            runner.deliver(CancelRequested(Cause.DRAINED))
        self._tasks.create_task(self._run(runner))

    async def _run(self, runner: Runner) -> None:
        try:
            await runner.run()
        finally:
            call = runner.call
            self._admission.release(call)
            self._live.remove(call.id)
            self._observer.ended(call)
            self.on_end(call)
            if call.ending is not None:
                ending = call.ending
                log.info(
                    "call.ended",
                    call=call.id,
                    account=call.account_id,
                    outcome=ending.outcome.value,
                    cause=ending.cause.value,
                    by=ending.by.value,
                    talk_seconds=round(call.talk_seconds, 3),
                )

    def _on_event(self, call_id: str, event: Event) -> None:
        runner = self._live.find(call_id)
        if runner is not None:
            runner.deliver(event)
        else:
            self.on_other_event(call_id, event)

    def _on_step(self, call: Call, event: StoredEvent) -> None:
        if event.name == "user_answered":
            self._admission.user_answered(call.id)
        elif event.name == "transferring":
            # Another one may have been asked for in the same moment.
            self._admission.keep_third(call.id, None if call.transfer is None else call.transfer.price)
        elif event.name == "transfer_failed":
            self._admission.keep_third(call.id, None)
        self._live.publish(call.id, event)
        self.reader.tell(call, event)
