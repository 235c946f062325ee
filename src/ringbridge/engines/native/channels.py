"""How much each trunk carries, and what it may: calls at once, and new calls in a second. Pure.

A call holds a channel for each of its legs from its beginning on, also for the one that is dialled later: nobody is to
pick up only to hear that no line is free.
"""

from collections import Counter, deque
from collections.abc import Mapping
from itertools import product

from ringbridge.call.directory import Trunk
from ringbridge.call.model import Call

RATE_SECONDS = 1.0


class Channels:
    """The channels of all trunks. A trunk that is not known (any more) has no caps."""

    def __init__(self) -> None:
        self._trunks: Mapping[str, Trunk] = {}
        self._taken: Counter[str] = Counter()
        # When calls began or are to begin; those of the last second, in order.
        self._begun_at: dict[str, deque[float]] = {}

    def set(self, trunks: Mapping[str, Trunk]) -> None:
        """From now on these are all trunks, by name. Calls above a cap that was lowered go on."""
        self._trunks = trunks
        self._begun_at = {name: begun_at for name, begun_at in self._begun_at.items() if name in trunks}

    def taken(self, name: str) -> int:
        """How many of the trunk's channels are taken."""
        return self._taken[name]

    def have_room(self, call: Call) -> bool:
        """Whether both legs of a new call could have a channel now; they may have to share a trunk."""
        ways = [[route.trunk for route in call.party(leg).routes] for leg in call.talkers]
        return any(self._are_free(Counter(way for way in both if way is not None)) for both in product(*ways))

    def take(self, name: str) -> bool:
        """Take one of the trunk's channels, for `release`; False if none is free."""
        is_free = self._are_free({name: 1})
        if is_free:
            self._taken[name] += 1
        return is_free

    def release(self, name: str) -> None:
        """Give a channel back."""
        self._taken[name] -= 1
        if not self._taken[name]:
            del self._taken[name]

    def next_begin_at(self, name: str, now: float) -> float:
        """When the next call over the trunk may begin: `now`, or later if too many began just now."""
        trunk, begun_at = self._trunks.get(name), self._begun_at.get(name)
        if trunk is None or trunk.calls_per_second is None or begun_at is None:
            return now
        while begun_at and begun_at[0] <= now - RATE_SECONDS:
            begun_at.popleft()
        if len(begun_at) < trunk.calls_per_second:
            return now
        return begun_at[-trunk.calls_per_second] + RATE_SECONDS

    def begin(self, name: str, at: float) -> None:
        """A call over the trunk begins at that time, which `next_begin_at` gave."""
        trunk = self._trunks.get(name)
        if trunk is not None and trunk.calls_per_second is not None:
            self._begun_at.setdefault(name, deque()).append(at)

    def _are_free(self, wanted: Mapping[str, int]) -> bool:
        for name, count in wanted.items():
            trunk = self._trunks.get(name)
            most = None if trunk is None else trunk.channels
            if most is not None and self._taken[name] + count > most:
                return False
        return True
