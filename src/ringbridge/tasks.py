"""Work that goes on beside whoever began it, and waits that end by themselves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
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


@asynccontextmanager
async def beside(run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """While entered, `run` goes on. At the end the event that it was given is set, and it is waited for."""
    stopped = asyncio.Event()
    task = asyncio.create_task(run(stopped))
    try:
        yield
    finally:
        stopped.set()
        await task


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, for so long at most; whether it came."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
