"""What is to be sent next: which webhooks were woken or are due, and with what each of them is busy."""

import asyncio
import heapq
from collections.abc import Callable

from ringbridge.notify.lanes import Lanes, Place

# A webhook that hangs takes so many connections, one that failed last time only one.
CALLS_AT_ONCE = 4

# As many are looked at in one turn of the loop: calls' own events come between two turns.
_WEBHOOKS_AT_ONCE = 32


class Queue:
    """What is going on with one webhook. calls: of which events are being sent or their outcomes being written, how many."""

    __slots__ = ("calls", "failed_last", "sending")

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self.sending = 0
        self.failed_last = False

    @property
    def room(self) -> int:
        """How many more calls' events may be sent at once."""
        return (1 if self.failed_last else CALLS_AT_ONCE) - self.sending


class Queues:
    """Those of all webhooks. Times are UTC, in seconds since 1970."""

    def __init__(self) -> None:
        self._queues: dict[str, Queue] = {}
        self._lanes = Lanes()
        # In the order in which they were woken.
        self._woken: dict[str, None] = {}
        self._later: list[tuple[float, str]] = []
        # Calls' events at webhooks that were let go since `take`: what is being read of them may be older than that.
        self._let_go: set[tuple[str, str]] = set()
        self._has_work = asyncio.Event()

    def wake(self, webhook_id: str) -> None:
        """Look for what waits for this webhook."""
        self._woken[webhook_id] = None
        self._has_work.set()

    def wake_at(self, utc: float, webhook_id: str) -> None:
        """Look for it then."""
        heapq.heappush(self._later, (utc, webhook_id))
        self._has_work.set()

    async def until_work(self, utc_now: float) -> None:
        """Wait until a webhook was woken or is due."""
        self._has_work.clear()
        self._woken.update(dict.fromkeys(self._lanes.called()))
        if self._woken:
            return
        wait = self._later[0][0] - utc_now if self._later else None
        if wait is not None and wait <= 0.0:
            return
        # Looked at again now and then, because the clock on the wall may be set meanwhile.
        try:
            async with asyncio.timeout(None if wait is None else min(wait, 60.0)):
                await self._has_work.wait()
        except TimeoutError:
            return

    def take(self, utc_now: float, is_enabled: Callable[[str], bool]) -> list[str]:
        """The webhooks to look at now: woken or due, enabled, and with room for more. Read what waits for them after that."""
        self._let_go.clear()
        while self._later and self._later[0][0] <= utc_now:
            self._woken[heapq.heappop(self._later)[1]] = None
        taken: list[str] = []
        while self._woken and len(taken) < _WEBHOOKS_AT_ONCE:
            webhook_id = next(iter(self._woken))
            del self._woken[webhook_id]
            queue = self._queues.get(webhook_id)
            # One without room is woken again when something of it ends.
            if not is_enabled(webhook_id) or (queue is not None and queue.room <= 0):
                continue
            is_slow = queue is not None and queue.failed_last
            if self._lanes.is_full(slow=is_slow):
                self._lanes.wait(webhook_id, slow=is_slow)
            else:
                taken.append(webhook_id)
        return taken

    def begin(self, webhook_id: str, call_id: str) -> tuple[Queue, Place] | None:
        """Room to send events of a call: given back by `end`. None while there is none; the webhook is woken when there is."""
        if (webhook_id, call_id) in self._let_go:
            return None
        queue = self._queues.setdefault(webhook_id, Queue())
        if call_id in queue.calls or queue.room <= 0:
            return None
        if self._lanes.is_full(slow=queue.failed_last):
            self._lanes.wait(webhook_id, slow=queue.failed_last)
            return None
        queue.calls[call_id] = 1
        queue.sending += 1
        return queue, self._lanes.take(slow=queue.failed_last)

    def slow_down(self, place: Place) -> None:
        """What is sent takes long: it leaves its place in the quick lane."""
        self._lanes.slow_down(place)
        self._has_work.set()

    def end(self, webhook_id: str, call_id: str, queue: Queue, place: Place) -> None:
        """No more of the call's events is sent now."""
        self._lanes.leave(place)
        queue.sending -= 1
        self.let_go(webhook_id, call_id)
        self.wake(webhook_id)

    def let_go(self, webhook_id: str, call_id: str) -> None:
        """One thing less that keeps a call's next events from being sent."""
        queue = self._queues.get(webhook_id)
        if queue is None or call_id not in queue.calls:
            return
        queue.calls[call_id] -= 1
        if queue.calls[call_id] == 0:
            del queue.calls[call_id]
            self._let_go.add((webhook_id, call_id))
            if not queue.calls and not queue.failed_last:
                del self._queues[webhook_id]
            self.wake(webhook_id)
