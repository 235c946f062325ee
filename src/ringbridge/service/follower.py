"""One who follows something as it happens: what they are still to be told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

Line = TypeVar("Line")


class Follower(Generic[Line]):
    """Keeps what one follower was told and has not read yet, in its order."""

    def __init__(self) -> None:
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
        while (line := await self._lines.get()) is not None and not self._is_stopped:
            yield line
