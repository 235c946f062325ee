"""Placing the attempts of scheduled calls when they are due, and deciding what follows them.

What is stored decides. An attempt is claimed in the transaction that accepts its call, so a server that was killed knows
of it and dials nobody twice. One step is taken at a time.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import structlog

from ringbridge.call.errors import (
    CallError,
    CannotPlaceCalls,
    InvalidCredentials,
    RequestRefused,
    ServerDraining,
    StoreUnavailable,
    TooManyCalls,
)
from ringbridge.call.key import Scope
from ringbridge.call.model import Call, Ending
from ringbridge.call.ports import Directory
from ringbridge.call.schedule import (
    ScheduledCall,
    attempt_ended,
    attempt_started,
    canceled,
    expired,
    refused,
)
from ringbridge.call.schedule_ports import ScheduleStore
from ringbridge.call.user import acting_user_id
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.identifier import new_call_id
from ringbridge.service.ledger import Ledger, ledger_of
from ringbridge.service.request import CallRequest
from ringbridge.service.schedule_book import ScheduleBook
from ringbridge.tasks import Tasks

log = structlog.get_logger()

# When there will be room again nobody knows; limits that do know say less than a minute.
SHORTEST_REST_SECONDS = 1.0
LONGEST_REST_SECONDS = 60.0
# A trunk, the media side or the database that comes back takes about this long.
OUTAGE_SECONDS = 5.0

_LIMITS_OF_ACCOUNT = ("rate", "concurrent", "per_minute")


class _Rest(NamedTuple):
    """until: monotonic, for the clock on the wall may be set. is_for_room: it is over as soon as one of the calls is."""

    until: float
    is_for_room: bool


class Attempts:
    """From `start` to `stop`, places what is due."""

    def __init__(
        self,
        book: ScheduleBook,
        *,
        calls: CallService,
        store: ScheduleStore,
        directory: Directory,
        clock: Clock,
    ) -> None:
        self._book = book
        self._calls = calls
        self._store = store
        self._directory = directory
        self._clock = clock
        # Of which accounts no live or no test call is tried, because a limit of all of them refused one.
        self._resting: dict[Ledger, _Rest] = {}
        # When an attempt was due that was given up before it was dialled, though its claim may be stored.
        self._unclaimed: dict[str, float] = {}
        self._tasks = Tasks("schedules.fault")

    async def start(self) -> None:
        """Go on with what an earlier process left, when its calls have their ends. Raises StoreUnavailable."""
        self._calls.on_end = self._call_ended
        for call_id, account_id, due_at, is_test in await self._store.open():
            self._book.remember(call_id, Ledger(account_id, is_test))
            if due_at is not None:
                self._book.agenda.put(due_at, call_id)
            else:
                await self._resume(call_id)
        self._tasks.begin(self._run())

    async def stop(self) -> None:
        """Leave everything to the next server."""
        await self._tasks.cancel()

    async def _resume(self, call_id: str) -> None:
        """Go on with a call whose attempt was up, or about to be, when the server was killed."""
        found = await self._store.find(call_id)
        if found is None:
            return
        if found.attempt_ending is None:
            self._unclaimed[call_id] = found.schedule.at
            self._book.agenda.put(self._clock.utc_now(), call_id)
        else:
            await self._judge(found, found.attempt_ending)

    async def _run(self) -> None:
        """Place what is due, one after the other, until the server stops."""
        while True:
            call_id = await self._book.agenda.next()
            if self._rests(call_id):
                continue
            async with self._book.deciding:
                try:
                    await self._look_at(call_id)
                except ServerDraining:
                    return
                except StoreUnavailable as error:
                    log.warning("schedule.not_read", call=call_id, reason=str(error))
                    self._book.agenda.put(self._clock.utc_now() + OUTAGE_SECONDS, call_id)
                except Exception:
                    log.exception("schedule.failed", call=call_id)
                    self._book.agenda.put(self._clock.utc_now() + LONGEST_REST_SECONDS, call_id)

    def _rests(self, call_id: str) -> bool:
        """Whether the call's account rests; then it is looked at afterwards."""
        ledger = self._book.ledger_of(call_id)
        rest = None if ledger is None else self._resting.get(ledger)
        left_seconds = 0.0 if rest is None else rest.until - self._clock.now()
        if ledger is None or left_seconds <= 0.0:
            return False
        until = self._clock.utc_now() + left_seconds
        self._book.agenda.put_off_until_room((ledger, None), until, call_id)
        return True

    async def _look_at(self, call_id: str) -> None:
        """Place the next attempt of a call if that can be done now, or say when to look at it again, or end it."""
        found = await self._store.find(call_id)
        if found is None or found.is_over:
            self._book.forget(call_id)
            return
        due_at = self._unclaimed.get(call_id) if found.due_at is None else found.due_at
        if due_at is None:
            # An attempt is up: what follows is decided at its end.
            return
        now = self._clock.utc_now()
        line = (ledger_of(found.call), found.call.user.number)
        if found.is_canceled:
            await self._book.change(canceled(found, now))
        elif found.is_late(due_at, now):
            await self._book.change(expired(found, now))
        elif found.schedule.when_user_is_free and self._calls.admission.calls_of_line(*line):
            self._book.agenda.put_off_until_room(line, _too_late_at(found, due_at), call_id)
            return
        else:
            await self._attempt(found, due_at)
            return
        self._unclaimed.pop(call_id, None)

    async def _attempt(self, found: ScheduledCall, due_at: float) -> None:
        call_id, now = found.call.id, self._clock.utc_now()
        try:
            caller = await self._caller(found.call)
            request, attempt_id = CallRequest(**found.request), new_call_id(found.next_id_utc(now))
            placed = await self._calls.place_attempt(caller, request, call_id, attempt_id)
        except ServerDraining:
            raise
        except (TooManyCalls, CannotPlaceCalls, StoreUnavailable) as error:
            self._unclaimed[call_id] = due_at
            self._put_off(found, due_at, error)
        except RequestRefused as refusal:
            await self._book.change(refused(found, refusal.code, now))
            self._unclaimed.pop(call_id, None)
        else:
            self._unclaimed.pop(call_id, None)
            self._resting.pop(ledger_of(found.call), None)
            # It is dialled: what could not be told now is told with its end.
            with suppress(StoreUnavailable):
                await self._book.change(attempt_started(found, placed.call_id, self._clock.utc_now()))

    def _put_off(self, found: ScheduledCall, due_at: float, reason: CallError) -> None:
        """Try again when what refused the attempt may do so no more."""
        ledger, number = ledger_of(found.call), found.call.user.number
        limit = reason.limit if isinstance(reason, TooManyCalls) else None
        pause_seconds = OUTAGE_SECONDS
        if isinstance(reason, TooManyCalls):
            pause_seconds = min(max(reason.retry_after_seconds, SHORTEST_REST_SECONDS), LONGEST_REST_SECONDS)
        if limit in _LIMITS_OF_ACCOUNT:
            self._resting[ledger] = _Rest(self._clock.now() + pause_seconds, limit == "concurrent")
        until = min(self._clock.utc_now() + pause_seconds, _too_late_at(found, due_at))
        if limit in ("concurrent", "per_user"):
            room = (ledger, number if limit == "per_user" else None)
            self._book.agenda.put_off_until_room(room, until, found.call.id)
        else:
            self._book.agenda.put(until, found.call.id)

    async def _caller(self, call: Call) -> Caller:
        """Who has asked for the call, if the key still opens; where the request came from was looked at then.

        For a key that was exchanged and has expired since, the one that took its place answers; not for one that was revoked.
        Of somebody in the portal it counts what they may do there now.
        """
        account = await self._directory.account(call.account_id)
        user_id = acting_user_id(call.key_id)
        key = await (
            self._directory.key(call.key_id) if user_id is None else self._directory.acting_key(user_id)
        )
        while key is not None and key.successor_id is not None and key.is_expired(self._clock.utc_now()):
            key = await self._directory.key(key.successor_id)
        if account is None or key is None or account.suspended:
            raise InvalidCredentials("account or key is gone")
        key = replace(key, networks=())
        if key.refusal("", self._clock.utc_now()) is not None or not key.may(Scope.CALLS_CREATE):
            raise InvalidCredentials("the key does not open any more")
        return Caller(account, key)

    def _call_ended(self, call: Call) -> None:
        ledger = ledger_of(call)
        rest = self._resting.get(ledger)
        if rest is not None and rest.is_for_room:
            del self._resting[ledger]
        for room in ((ledger, call.user.number), (ledger, None)):
            self._book.agenda.there_is_room(room)
        if call.attempt_of is not None and call.ending is not None:
            self._tasks.begin(self._attempt_is_over(call.attempt_of, call.id, call.ending))

    async def _attempt_is_over(self, call_id: str, attempt_id: str, ending: Ending) -> None:
        """Decide what follows; tried until it is stored, or the next server does it."""
        while not self._book.closing.is_set():
            try:
                async with self._book.deciding:
                    found = await self._store.find(call_id)
                    if found is not None and not found.is_over and found.attempt_id == attempt_id:
                        await self._judge(found, ending)
                return
            except StoreUnavailable as error:
                log.warning("schedule.not_stored", call=call_id, reason=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._book.closing.wait(), OUTAGE_SECONDS)

    async def _judge(self, found: ScheduledCall, ending: Ending) -> None:
        """Another attempt, or the end."""
        if found.attempt_id is not None and found.told_attempts < found.attempts:
            found = await self._book.change(attempt_started(found, found.attempt_id, self._clock.utc_now()))
        after = await self._book.change(attempt_ended(found, ending, self._clock.utc_now()))
        if after.due_at is not None:
            self._book.agenda.put(after.due_at, after.call.id)


def _too_late_at(found: ScheduledCall, due_at: float) -> float:
    """When to look at it for the last time: then it is late."""
    return due_at + found.schedule.window_seconds + 0.001
