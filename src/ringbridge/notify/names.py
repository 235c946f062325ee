"""Looks up the names of receivers. Whose name servers are silent waits, and keeps no other account waiting.

The system's look-up cannot be called off: each has a daemon thread of its own, which neither the database nor the end
of the process waits for, and an account has so many at a time.
"""

import asyncio
import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from aiohttp.abc import AbstractResolver, ResolveResult

LOOKUP_SECONDS = 5.0
"""How long is waited for one, the turn included."""

MOST_OF_AN_ACCOUNT = 8
"""As many look-ups of one account may hang; further ones wait for their turn."""

MOST_AT_ONCE = 256
"""Of all accounts. More are not begun."""

_TOO_LONG = "the name cannot be looked up in time"

_account: ContextVar[str] = ContextVar("account", default="")


@contextmanager
def looking_up_for(account_id: str) -> Iterator[None]:
    """In this block, also in tasks that it starts, names are looked up for this account."""
    before = _account.set(account_id)
    try:
        yield
    finally:
        _account.reset(before)


class Names(AbstractResolver):
    """The system's resolver, fairly shared."""

    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._begun = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host, for the account of `looking_up_for`. Raises OSError, also when it takes too long."""
        turns = self._turns.setdefault(_account.get(), asyncio.Semaphore(MOST_OF_AN_ACCOUNT))
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                await turns.acquire()
                return await self._begin(host, port, family, turns)
        except TimeoutError:
            raise OSError(errno.ETIMEDOUT, _TOO_LONG) from None

    def _begin(
        self, host: str, port: int, family: socket.AddressFamily, turns: asyncio.Semaphore
    ) -> asyncio.Future[list[ResolveResult]]:
        """Start a look-up, whose turn ends when its thread does, however early whoever asked gave up."""
        if self._begun >= MOST_AT_ONCE:
            turns.release()
            raise OSError(errno.EAGAIN, "too many names are being looked up")
        self._begun += 1
        loop = asyncio.get_running_loop()
        told: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def tell(found: list[ResolveResult], problem: Exception | None) -> None:
            self._begun -= 1
            turns.release()
            if told.done():
                return
            if problem is None:
                told.set_result(found)
            else:
                told.set_exception(problem)

        def look_up() -> None:
            found: list[ResolveResult] = []
            problem: Exception | None = None
            try:
                found = _addresses(host, port, family)
            except (OSError, UnicodeError) as error:
                problem = error
            # The loop is closed where the process is about to end.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, found, problem)

        threading.Thread(target=look_up, name=f"look-up of {host}", daemon=True).start()
        return told

    async def close(self) -> None:
        """Nothing is waited for."""


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=port,
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, protocol, _, address in socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    ]
