"""What waits for one reader, in the order in which it came."""

import asyncio
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """Filled from callbacks on the event loop, emptied by one task.

    Each call has one for as long as people talk, and an `asyncio.Queue` takes 3 KiB even when it is empty.
    """

    __slots__ = ("_items", "_reader")

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._reader: asyncio.Future[None] | None = None

    def put(self, item: Item) -> None:
        """Add something behind what waits already, and wake the reader."""
        self._items.append(item)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def take(self) -> Item | None:
        """What has waited longest; None if there is nothing."""
        return self._items.pop(0) if self._items else None

    async def get(self) -> Item:
        """What has waited longest, once there is something. Nothing is lost when the reader is cancelled."""
        while not self._items:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._items.pop(0)
