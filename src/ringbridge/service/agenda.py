"""Which scheduled call is to be looked at next: one timer for all of them."""

import asyncio
import heapq

from ringbridge.service.clock import Clock
from ringbridge.service.ledger import Ledger

# The clock on the wall may be set meanwhile, so nothing is slept through for longer than this.
_LONGEST_NAP_SECONDS = 60.0

Room = tuple[Ledger, str | None]
"""What calls wait for until another is over: of an account's live or test calls, those of a line or, with None, all."""


class Agenda:
    """The ids of calls and when each is to be looked at, in UTC seconds since 1970. Each is in it once at most."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at: dict[str, float] = {}
        # With entries that were taken out or put off since, which are passed over.
        self._heap: list[tuple[float, str]] = []
        self._waiting: dict[Room, dict[str, None]] = {}
        self._is_changed = asyncio.Event()

    def put(self, at: float, call_id: str) -> None:
        """Look at the call then, and not when it was to be looked at before."""
        self._at[call_id] = at
        heapq.heappush(self._heap, (at, call_id))
        self._is_changed.set()

    def drop(self, call_id: str) -> None:
        """Do not look at the call."""
        self._at.pop(call_id, None)

    def put_off_until_room(self, room: Room, until: float, call_id: str) -> None:
        """Look at the call when there is room again, or then."""
        self._waiting.setdefault(room, {})[call_id] = None
        self.put(until, call_id)

    def there_is_room(self, room: Room) -> None:
        """Look at the calls that have waited for it."""
        for call_id in self._waiting.pop(room, ()):
            if call_id in self._at:
                self.put(self._clock.utc_now(), call_id)

    async def next(self) -> str:
        """The call that is due, as soon as one is; it is in the agenda no more."""
        while True:
            self._is_changed.clear()
            while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
                heapq.heappop(self._heap)
            wait_seconds = self._heap[0][0] - self._clock.utc_now() if self._heap else None
            if wait_seconds is not None and wait_seconds <= 0.0:
                _, call_id = heapq.heappop(self._heap)
                del self._at[call_id]
                return call_id
            await self._nap(wait_seconds)

    async def _nap(self, seconds: float | None) -> None:
        """Sleep so long, None for until something changes, or until then."""
        try:
            async with asyncio.timeout(None if seconds is None else min(seconds, _LONGEST_NAP_SECONDS)):
                await self._is_changed.wait()
        except TimeoutError:
            return
