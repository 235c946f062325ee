"""Rows that were looked up, kept in memory until told that something changed. One for each kind of row.

Not a general cache: it forgets everything at once, and the oldest entry when it is full.
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
        self._generation = 0
        self._keeps = False

    def keep(self, keeps: bool) -> None:
        """Keep what is loaded from now on, or nothing; forget all that is kept."""
        self._keeps = keeps
        self.clear()

    def clear(self) -> None:
        """Forget everything, also what is being loaded now: it may have been read before the change."""
        self._generation += 1
        self._found.clear()
        self._missing.clear()

    async def get(self, key: Key) -> Value | None:
        """The row with this key. Raises what `load` raises."""
        found = self._found.get(key)
        if found is not None or key in self._missing:
            return found
        generation = self._generation
        value = await asyncio.to_thread(self._load, key) if self._in_thread else self._load(key)
        if self._keeps and generation == self._generation:
            if value is not None:
                _put(self._found, key, value, _FOUND_LIMIT)
            else:
                _put(self._missing, key, None, _MISSING_LIMIT)
        return value


def _put(entries: dict[Key, Value], key: Key, value: Value, limit: int) -> None:
    if len(entries) >= limit:
        del entries[next(iter(entries))]
    entries[key] = value
