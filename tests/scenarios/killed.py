"""A server that is killed in the middle of what a test does."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import TypeVar

import pytest

from tests.peers.client import Client
from tests.peers.server import Deployment, Server
from tests.peers.tool import WAIT_SECONDS

T = TypeVar("T")


async def before_the_kill(
    own: Deployment, settings: dict[str, str], act: Callable[[Client], Awaitable[T]]
) -> T:
    """What `act` made of a server that was killed right after it."""
    made: list[T] = []

    async def serve_until_killed() -> None:
        with Server.running(own, settings=settings) as server:
            async with Client.of(server) as client:
                made.append(await act(client))
            server.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(server.process.wait, WAIT_SECONDS)

    with pytest.raises(AssertionError, match="serve ended with status -9"):
        await serve_until_killed()
    return made[0]


@asynccontextmanager
async def back_again(own: Deployment, settings: dict[str, str]) -> AsyncIterator[Server]:
    """The next server. The test's phones go on while it starts: it gives connections of legs that were left little time."""
    with ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, Server.running(own, settings=settings))
