"""Runs one call: takes an event from its mailbox, asks the machine, stores, acts, arms the one deadline.

The same shape as the SIP pump one level down. The call's state changes here and nowhere else.
"""

import asyncio
from collections.abc import Callable

import structlog

from ringbridge.call import machine
from ringbridge.call.event import DeadlinePassed, Effect, Event, Started
from ringbridge.call.history import CallEvent, StoredEvent, event_name, first_event
from ringbridge.call.model import Call, State
from ringbridge.call.ports import CallStore, Engine
from ringbridge.service.clock import Clock
from ringbridge.service.mailbox import Mailbox
from ringbridge.service.quota import ActionQuota

log = structlog.get_logger()


class Runner:
    """One accepted call from its first INVITE to its end.

    Give `run()` a task of its own; `deliver` is how news reaches it, from any callback on the event loop.
    on_step is told of each line of the history as it happens, the accepted call's first line included.
    """

    __slots__ = (
        "_clock",
        "_deadline",
        "_engine",
        "_mailbox",
        "_on_step",
        "_quota",
        "_store",
        "call",
        "history",
    )

    def __init__(
        self,
        call: Call,
        *,
        engine: Engine,
        store: CallStore,
        clock: Clock,
        on_step: Callable[[Call, StoredEvent], None],
    ) -> None:
        self.call = call
        self.history: list[StoredEvent] = []
        self._engine = engine
        self._store = store
        self._clock = clock
        self._on_step = on_step
        self._mailbox: Mailbox[Event] = Mailbox()
        self._deadline: asyncio.TimerHandle | None = None
        self._quota = ActionQuota()

    def deliver(self, event: Event) -> None:
        """Put news about this call into its mailbox."""
        self._mailbox.put(event)

    def count_action(self) -> None:
        """A client wants one more live action. Raises TooManyActions, TooManyCalls."""
        self._quota.take(self._clock.now())

    async def run(self) -> None:
        """Carry the call to its end. The accepted call is stored already; nothing was dialled yet."""
        self._tell(first_event(self.call))
        # A server that began to drain while the call was stored has left word in the mailbox: then nothing is dialled.
        event: Event = self._mailbox.take() or Started()
        try:
            while True:
                self._step(event)
                if self.call.state is State.ENDED:
                    return
                event = await self._mailbox.get()
        except Exception:
            log.exception("call.failed", call=self.call.id, state=self.call.state.value)
            self._abort(event)
        finally:
            if self._deadline is not None:
                self._deadline.cancel()
            self._engine.release(self.call.id)

    def _step(self, event: Event) -> None:
        self._apply(event, machine.step(self.call, event, self._clock.now()))

    def _abort(self, event: Event) -> None:
        """This server cannot go on with the call. One that is over keeps the end it has."""
        if self.call.state is not State.ENDED:
            self._apply(event, machine.abort(self.call, self._clock.now()))

    def _apply(self, event: Event, outcome: tuple[Call, list[Effect]]) -> None:
        before, (after, effects) = self.call, outcome
        self.call = after
        name = event_name(before, event, after)
        if name is not None:
            line = CallEvent(
                call_id=after.id, sequence=len(self.history) + 1, name=name, at=self._clock.now()
            )
            # Stored before it is acted on: the writer keeps the order, so the history never lags behind the wire.
            self._store.save(after, line)
            self._tell(line)
        if after.deadline_at != before.deadline_at:
            self._arm(after.deadline_at)
        is_carried_out = True
        for effect in effects:
            try:
                self._engine.perform(after, effect)
            except Exception:
                # The effects behind it are carried out all the same: they may be what frees a phone.
                log.exception("effect.failed", call=after.id, effect=repr(effect))
                is_carried_out = False
        if not is_carried_out:
            self._abort(event)

    def _tell(self, event: CallEvent) -> None:
        call = self.call
        line = StoredEvent(
            sequence=event.sequence,
            name=event.name,
            at=call.utc(event.at),
            state=call.state.value,
            user_leg=call.user_leg.state.value,
            destination_leg=call.destination_leg.state.value,
        )
        self.history.append(line)
        log.debug("call.step", call=call.id, event_name=event.name, state=line.state)
        self._on_step(call, line)

    def _arm(self, deadline_at: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if deadline_at is not None:
            delay_seconds = max(0.0, deadline_at - self._clock.now())
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(delay_seconds, self.deliver, DeadlinePassed(deadline_at))
