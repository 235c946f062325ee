"""Looking again and again at what tells nobody when it changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from ringbridge.tasks import beside, is_set_within

log = structlog.get_logger()


@asynccontextmanager
async def polling(period_seconds: float, look: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """While entered, `look` is awaited again and again, so many seconds after it returned.

    What it raises is logged and ends nothing: a watch that ends unseen is worse than none.
    """
    async with beside(lambda stopped: _poll(period_seconds, look, stopped)):
        yield


async def _poll(period_seconds: float, look: Callable[[], Awaitable[None]], stopped: asyncio.Event) -> None:
    while not await is_set_within(stopped, period_seconds):
        try:
            await look()
        except Exception:
            log.exception("poll_failed")
