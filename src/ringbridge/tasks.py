"""Work that goes on beside whoever began it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


class Tasks:
    """What was begun, kept until it is over: a loop alone may forget it. What goes wrong in it is logged as `fault`."""

    def __init__(self, fault: str) -> None:
        self._fault = fault
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let this go on."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._over)

    async def finish(self) -> None:
        """Wait until all are over. Raises nothing of theirs."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def cancel(self) -> None:
        """Give up all of them."""
        for task in self._running:
            task.cancel()
        await self.finish()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error(self._fault, exc_info=task.exception())
