"""An engine without telephony: what its script has in store happens after so many seconds."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from ringbridge.call.directory import Phone
from ringbridge.call.event import Effect, Event
from ringbridge.call.model import Call
from ringbridge.call.ports import EventHandler
from ringbridge.engines.simulated.script import acts_after, is_overtaken


class _Pending(NamedTuple):
    """Something that is going to happen."""

    event: Event
    timer: asyncio.TimerHandle


class SimulatedEngine:
    """Implements `call.ports.Engine`. It opens nothing and takes nothing of any trunk."""

    def __init__(self) -> None:
        self._pending: dict[str, list[_Pending]] = {}
        self._on_event: EventHandler

    def listen(self, on_event: EventHandler) -> None:
        """See `call.ports.Engine`."""
        self._on_event = on_event

    def perform(self, call: Call, effect: Effect) -> None:
        """See `call.ports.Engine`."""
        left = []
        for pending in self._pending.get(call.id, ()):
            if is_overtaken(pending.event, effect):
                pending.timer.cancel()
            else:
                left.append(pending)
        loop = asyncio.get_running_loop()
        for after_seconds, event in acts_after(call, effect):
            left.append(_Pending(event, loop.call_later(after_seconds, self._on_event, call.id, event)))
        self._pending[call.id] = left

    def release(self, call_id: str) -> None:
        """See `call.ports.Engine`."""
        for pending in self._pending.pop(call_id, ()):
            pending.timer.cancel()

    def healthy(self) -> bool:
        """See `call.ports.Engine`."""
        return True

    def phones(self, line_id: str) -> Sequence[Phone]:
        """See `call.ports.Engine`. Nobody registers here."""
        return ()

    def reserve(self, call: Call) -> bool:
        """See `call.ports.Engine`."""
        return True
