"""One who follows something as it happens: what they are still to be told.

Nobody is told what is not stored: after a crash the database would say something else by the same number. What the
database does not take in time is told all the same: a call that goes on is worth more than that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

from ringbridge.call.errors import StoreUnavailable

Line = TypeVar("Line")

# What is read at once, and stored by one wait.
_BATCH = 100


class Follower(Generic[Line]):
    """Keeps what one follower was told and has not read yet, in its order. written: waits until all that happened is stored."""

    def __init__(self, written: Callable[[], Awaitable[None]]) -> None:
        self._written = written
        self._lines: asyncio.Queue[Line | None] = asyncio.Queue()
        self._is_stopped = False

    def __len__(self) -> int:
        """How much there is to read."""
        return self._lines.qsize()

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more may be told, not even what was to be read."""
        return self._is_stopped

    def tell(self, line: Line) -> None:
        """There is one line more to read."""
        self._lines.put_nowait(line)

    def end(self) -> None:
        """Nothing follows what is there to read."""
        self._lines.put_nowait(None)

    def stop(self) -> None:
        """This is the end, whatever there was to read."""
        self._is_stopped = True
        while not self._lines.empty():
            self._lines.get_nowait()
        self.end()

    async def lines(self) -> AsyncIterator[Line]:
        """What there is to read, and what comes, until the end."""
        while True:
            ready = [await self._lines.get()]
            while not self._lines.empty() and len(ready) < _BATCH:
                ready.append(self._lines.get_nowait())
            await self.written()
            for line in ready:
                if line is None or self._is_stopped:
                    return
                yield line

    async def written(self) -> None:
        """Return when what happened up to now is stored, or cannot be."""
        with suppress(StoreUnavailable):
            await self._written()
