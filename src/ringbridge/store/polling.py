"""Looking again and again at what tells nobody when it changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

log = structlog.get_logger()


@asynccontextmanager
async def polling(period_seconds: float, look: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """While entered, `look` is awaited again and again, so many seconds after it returned.

    What it raises is logged and ends nothing: a watch that ends unseen is worse than none.
    """
    stopped = asyncio.Event()
    task = asyncio.create_task(_poll(period_seconds, look, stopped))
    try:
        yield
    finally:
        stopped.set()
        await task


async def _poll(period_seconds: float, look: Callable[[], Awaitable[None]], stopped: asyncio.Event) -> None:
    while not await _set_within(stopped, period_seconds):
        try:
            await look()
        except Exception:
            log.exception("poll_failed")


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
