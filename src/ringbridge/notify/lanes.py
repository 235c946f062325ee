"""How many requests to receivers are under way at a time, so that those that hang leave room for all others."""

SLOW_SECONDS = 1.0
"""What has held a place for so long, one request or one after the other, goes on in the slow lane."""

QUICK_PLACES = 256
SLOW_PLACES = 256


class _Lane:
    """How many places are taken, and who waits for one, the longest first."""

    def __init__(self, places: int) -> None:
        self.free = places
        self.waiting: dict[str, None] = {}


class Place:
    """One of the places, from `Lanes.take` until `Lanes.leave`."""

    __slots__ = ("is_slow",)

    def __init__(self, is_slow: bool) -> None:
        self.is_slow = is_slow


class Lanes:
    """A quick lane, for receivers that took what they were sent last, and a slow one for those that did not.

    What takes long in the quick lane goes on in the slow one, full or not: so nobody holds a quick place for longer than
    SLOW_SECONDS.
    """

    def __init__(self, quick: int = QUICK_PLACES, slow: int = SLOW_PLACES) -> None:
        self._lanes = {False: _Lane(quick), True: _Lane(slow)}

    def is_full(self, *, slow: bool) -> bool:
        """Whether there is no place left."""
        return self._lanes[slow].free <= 0

    def wait(self, name: str, *, slow: bool) -> None:
        """Be among `called` when there is a place."""
        self._lanes[slow].waiting[name] = None

    def called(self) -> list[str]:
        """Who waited longest for the places that are free now; they wait no more."""
        found: list[str] = []
        for lane in self._lanes.values():
            names = list(lane.waiting)[: max(lane.free, 0)] if lane.waiting else []
            for name in names:
                del lane.waiting[name]
            found += names
        return found

    def take(self, *, slow: bool) -> Place:
        """A place, even if none is left."""
        self._lanes[slow].free -= 1
        return Place(slow)

    def slow_down(self, place: Place) -> None:
        """Go on in the slow lane, even if it is full."""
        self.leave(place)
        self._lanes[True].free -= 1
        place.is_slow = True

    def leave(self, place: Place) -> None:
        """Leave the place to whoever waits."""
        self._lanes[place.is_slow].free += 1
