"""Counting calls that are over, while the server runs: what statistics are made of (docs/decisions/0022-statistics.md)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from ringbridge.call.errors import CallError
from ringbridge.call.statistics_ports import StatisticsStore
from ringbridge.call.tally import DAY, HOUR
from ringbridge.service.clock import Clock
from ringbridge.tasks import beside, is_set_within

log = structlog.get_logger()

ROUND_SECONDS = 10.0
"""Between two rounds, when nothing is left to count."""

# The writer writes the ends of calls a moment later, and not always in their order.
SETTLING_SECONDS = 5.0

# Calls that are being placed wait for a batch at most, and have the database to themselves most of the time.
_BATCH = 500
_PAUSE_SECONDS = 0.1

_LOOK_BACK_SECONDS = float(DAY)


@asynccontextmanager
async def counting(store: StatisticsStore, clock: Clock) -> AsyncIterator[None]:
    """While entered, count: what an earlier process left at once, and then what ends. What fails is tried again with the next round."""
    async with beside(_Counter(store, clock).run):
        yield


class _Counter:
    def __init__(self, store: StatisticsStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tidied_at: float | None = None
        self._backlog = 0

    async def run(self, stopped: asyncio.Event) -> None:
        """Count until `stopped`."""
        while True:
            is_done = await self._round()
            if await is_set_within(stopped, ROUND_SECONDS if is_done else _PAUSE_SECONDS):
                return

    async def _round(self) -> bool:
        """A batch of each account; whether all is counted, or cannot be now."""
        counted = await self._try(lambda: self._store.count(self._clock.utc_now() - SETTLING_SECONDS, _BATCH))
        if counted:
            self._backlog += counted
            return False
        if self._backlog >= _BATCH:
            log.info("statistics.counted", calls=self._backlog)
        self._backlog = 0
        now = self._clock.now()
        if counted == 0 and (self._tidied_at is None or now - self._tidied_at >= HOUR):
            self._tidied_at = now
            await self._try(self._tidy)
        return True

    def _tidy(self) -> int:
        """Forget what is too fine by now, and look for what came too late. In a thread."""
        utc_now = self._clock.utc_now()
        self._store.prune(utc_now)
        mended = self._store.recount(utc_now - _LOOK_BACK_SECONDS, utc_now)
        if mended:
            log.info("statistics.recounted", hours=mended)
        return mended

    async def _try(self, work: Callable[[], int]) -> int | None:
        """What `work` returns, or None if it failed."""
        try:
            return await asyncio.to_thread(work)
        except CallError as error:
            log.warning("statistics.not_counted", error=str(error))
        except Exception:
            log.exception("statistics.not_counted")
        return None
