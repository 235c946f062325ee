"""Rows that were looked up, kept in memory until told that something changed. One for each kind of row.

Not a general cache: it forgets everything at once, and the oldest entry when it is full. Those who ask for a row that is
being loaded wait for that one load.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

# An entry takes about half a kilobyte. Rows that exist are as many as were made; keys that do not exist are as many as
# a guesser likes, so they have less room, and none of that of the others.
_FOUND_LIMIT = 65_536
_MISSING_LIMIT = 4_096


class LookUpCache(Generic[Key, Value]):
    """Answers from memory where it can, and by `load` where it cannot; that gives None for a row that is not there.

    in_thread: whether `load` may take so long that it must not run on the event loop.
    """

    def __init__(self, load: Callable[[Key], Value | None], *, in_thread: bool) -> None:
        self._load = load
        self._in_thread = in_thread
        self._found: dict[Key, Value] = {}
        self._missing: dict[Key, None] = {}
        self._loading: dict[Key, asyncio.Task[Value | None]] = {}
        self._generation = 0
        self._keeps = False

    def keep(self, keeps: bool) -> None:
        """Keep what is loaded from now on, or nothing; forget all that is kept."""
        self._keeps = keeps
        self.clear()

    def clear(self) -> None:
        """Forget everything, also what is being loaded now: it may have been read before the change."""
        self._generation += 1
        self._loading.clear()
        self._found.clear()
        self._missing.clear()

    async def get(self, key: Key) -> Value | None:
        """The row with this key. Raises what `load` raises."""
        found = self._found.get(key)
        if found is not None or key in self._missing:
            return found
        if not self._in_thread:
            value = self._load(key)
            self._put(key, value, self._generation)
            return value
        if not self._keeps:
            return await asyncio.to_thread(self._load, key)
        loading = self._loading.get(key)
        if loading is None:
            loading = self._loading[key] = asyncio.create_task(self._load_in_thread(key, self._generation))
        # Whoever gives up waiting takes the row from nobody else.
        return await asyncio.shield(loading)

    async def _load_in_thread(self, key: Key, generation: int) -> Value | None:
        try:
            value = await asyncio.to_thread(self._load, key)
        finally:
            if generation == self._generation:
                del self._loading[key]
        self._put(key, value, generation)
        return value

    def _put(self, key: Key, value: Value | None, generation: int) -> None:
        if not self._keeps or generation != self._generation:
            return
        if value is not None:
            _put(self._found, key, value, _FOUND_LIMIT)
        else:
            _put(self._missing, key, None, _MISSING_LIMIT)


def _put(entries: dict[Key, Value], key: Key, value: Value, limit: int) -> None:
    if len(entries) >= limit:
        del entries[next(iter(entries))]
    entries[key] = value
