"""Two engines as one: test calls are simulated, all others are carried."""

from collections.abc import Sequence

from ringbridge.call.directory import Phone
from ringbridge.call.event import Effect
from ringbridge.call.model import Call
from ringbridge.call.ports import Engine, EventHandler
from ringbridge.call.simulation import is_simulated


class EngineSwitch:
    """Implements `call.ports.Engine` by asking `simulated` for calls over the simulated trunk, and `real` for the others."""

    def __init__(self, real: Engine, simulated: Engine) -> None:
        self._real = real
        self._simulated = simulated

    def listen(self, on_event: EventHandler) -> None:
        """See `call.ports.Engine`."""
        self._real.listen(on_event)
        self._simulated.listen(on_event)

    def perform(self, call: Call, effect: Effect) -> None:
        """See `call.ports.Engine`."""
        self._of(call).perform(call, effect)

    def release(self, call_id: str) -> None:
        """See `call.ports.Engine`. The one that has never heard of the call does nothing."""
        self._real.release(call_id)
        self._simulated.release(call_id)

    def healthy(self) -> bool:
        """See `call.ports.Engine`. A test is to fail where a call would."""
        return self._real.healthy()

    def phones(self, line_id: str) -> Sequence[Phone]:
        """See `call.ports.Engine`."""
        return self._real.phones(line_id)

    def reserve(self, call: Call) -> bool:
        """See `call.ports.Engine`."""
        return self._of(call).reserve(call)

    def _of(self, call: Call) -> Engine:
        return self._simulated if is_simulated(call) else self._real
