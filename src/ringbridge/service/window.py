"""How often something happened to each of many keys within the last so many seconds."""

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Window(Generic[Key]):
    """Counts exactly, and forgets a key as soon as nothing of it is left in the window of `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: dict[Key, deque[float]] = {}
        self._order: deque[tuple[float, Key]] = deque()

    def add(self, key: Key, at: float) -> None:
        """Count one more; `at` never goes back."""
        self._forget(at)
        self._order.append((at, key))
        times = self._times.get(key)
        if times is None:
            times = self._times[key] = deque()
        times.append(at)

    def count(self, key: Key, now: float) -> int:
        """How many of `key` there are in the window that ends now."""
        self._forget(now)
        return len(self._times.get(key, ()))

    def wait_seconds(self, key: Key, most: int, now: float) -> float:
        """How long until one more of `key` makes no more than `most`; 0.0 if it does not now. The whole window if `most` is 0."""
        count = self.count(key, now)
        if count < most:
            return 0.0
        if most == 0:
            return self._seconds
        return self._times[key][count - most] + self._seconds - now

    def clear(self, key: Key) -> None:
        """As if nothing of `key` had happened."""
        self._times.pop(key, None)
        self._order = deque(entry for entry in self._order if entry[1] != key)

    def _forget(self, now: float) -> None:
        while self._order and self._order[0][0] <= now - self._seconds:
            _, oldest = self._order.popleft()
            times = self._times[oldest]
            times.popleft()
            if not times:
                del self._times[oldest]
