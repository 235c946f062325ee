"""The scheduled calls that are not over: which there are, when each is to be looked at, and who follows them.

A step is stored before anybody hears of it. Whoever takes one holds `deciding` from reading a call to the end of the step.
"""

import asyncio
from collections import Counter

import structlog

from ringbridge.call.history import StoredEvent
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.schedule import ScheduledCall, ScheduleStep
from ringbridge.call.schedule_ports import ScheduleStore
from ringbridge.service.agenda import Agenda
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.ledger import Ledger, ledger_of

log = structlog.get_logger()


class ScheduleBook:
    """What is known in memory of scheduled calls; all else is read from the store each time."""

    def __init__(self, calls: CallService, store: ScheduleStore, clock: Clock) -> None:
        self._calls = calls
        self._store = store
        self.agenda = Agenda(clock)
        self.deciding = asyncio.Lock()
        self.closing = asyncio.Event()
        self._ledgers: dict[str, Ledger] = {}
        self._open_of_account: Counter[str] = Counter()
        self._news: dict[str, asyncio.Event] = {}
        calls.repetitions.is_waiting = self.knows

    def knows(self, call_id: str) -> bool:
        """Whether there is such a call, which is not over."""
        return call_id in self._ledgers

    def ledger_of(self, call_id: str) -> Ledger | None:
        """Where its attempts count; None for one that is over."""
        return self._ledgers.get(call_id)

    def open_of(self, account_id: str) -> int:
        """How many of the account's scheduled calls are not over."""
        return self._open_of_account[account_id]

    def ids_of(self, account_id: str) -> tuple[str, ...]:
        """The account's scheduled calls that are not over."""
        return tuple(each for each, ledger in self._ledgers.items() if ledger.account_id == account_id)

    async def add(self, step: ScheduleStep, key: IdempotencyKey | None) -> None:
        """A new call, counted at once and durable on return. Raises StoreUnavailable, and then there is none."""
        call = step.after.call
        self.remember(call.id, ledger_of(call))
        try:
            await self._store.add(step, key)
        except BaseException:
            self.forget(call.id)
            raise
        self._tell(step)

    async def change(self, step: ScheduleStep) -> ScheduledCall:
        """Store a step and tell of it. Raises StoreUnavailable."""
        await self._store.change(step)
        self._tell(step)
        call = step.after.call
        if step.after.is_over:
            self.forget(call.id)
            if call.ending is not None:
                outcome = call.ending.outcome.value
                log.info("schedule.ended", call=call.id, account=call.account_id, outcome=outcome)
        return step.after

    def remember(self, call_id: str, ledger: Ledger) -> None:
        """There is a call that is not over."""
        self._ledgers[call_id] = ledger
        self._open_of_account[ledger.account_id] += 1

    def forget(self, call_id: str) -> None:
        """The call is over, or never was."""
        self.agenda.drop(call_id)
        ledger = self._ledgers.pop(call_id, None)
        if ledger is not None:
            account_id = ledger.account_id
            self._open_of_account[account_id] -= 1
            if not self._open_of_account[account_id]:
                del self._open_of_account[account_id]

    def news(self, call_id: str) -> asyncio.Event:
        """What is set when something happens to the call, or the server stops. Take it before reading the call."""
        news = self._news.setdefault(call_id, asyncio.Event())
        if self.closing.is_set():
            news.set()
        return news

    def wake_followers(self, call_id: str) -> None:
        """Have everybody who follows the call look again."""
        news = self._news.pop(call_id, None)
        if news is not None:
            news.set()

    def close(self) -> None:
        """The server stops: nobody who follows hears more."""
        self.closing.set()
        for call_id in tuple(self._news):
            self.wake_followers(call_id)

    def _tell(self, step: ScheduleStep) -> None:
        call, event = step.after.call, step.event
        leg = call.user_leg.state.value
        line = StoredEvent(event.sequence, event.name, event.at, call.state.value, leg, leg)
        self._calls.reader.tell(call, line)
        self.wake_followers(call.id)
