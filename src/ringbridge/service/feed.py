"""What happens to all calls of an account, in one order, for followers that come and go.

The last events are kept in memory, so that a follower who was cut off goes on exactly where it was. One who was away
for longer, or while the server was started again, is told from the database what it may have missed: there the order
is that of the clock, and what was told in the last seconds before may be told again. Whoever follows tells events
apart by the call's id and the event's sequence.
"""

import asyncio
import re
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import NamedTuple, Self

from ringbridge.call.history import StoredEvent
from ringbridge.call.model import Call
from ringbridge.call.ports import CallStore

KEPT_EVENTS = 10_000
# A follower that is further behind than this reads too slowly: it is cut off, and may come back.
MOST_WAITING = 10_000
# An event reaches the database, and its followers, this much after its time at most.
LATEST_SECONDS = 5.0
_BATCH = 500

_NO_EPOCH = "0" * 8
_POSITION = re.compile(r"([0-9a-f]{8})-([0-9]{1,15})-([0-9]{1,14})")


class FeedPosition(NamedTuple):
    """Where a follower is: after event `number` of the process `epoch`, which happened at `at_ms`, UTC in milliseconds."""

    epoch: str
    number: int
    at_ms: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The position that `str` wrote; None for anything else."""
        match = _POSITION.fullmatch(text)
        return None if match is None else cls(match[1], int(match[2]), int(match[3]))

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}-{self.at_ms}"


class FeedEvent(NamedTuple):
    """An event of some call, by its number in the process `epoch`."""

    epoch: str
    number: int
    account_id: str
    user_number: str
    call_id: str
    metadata: Mapping[str, str] | None
    event: StoredEvent

    @property
    def position(self) -> FeedPosition:
        """Where a follower is who has seen it."""
        return FeedPosition(self.epoch, self.number, int(self.event.at * 1000))

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from all other events."""
        return self.call_id, self.event.sequence


_Follower = asyncio.Queue[FeedEvent | None]


class EventFeed:
    """Hands every event to the followers of its account."""

    def __init__(self, store: CallStore) -> None:
        self._store = store
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._recent: deque[FeedEvent] = deque(maxlen=KEPT_EVENTS)
        self._followers: dict[str, list[_Follower]] = {}
        self._is_closed = False

    def publish(self, call: Call, event: StoredEvent) -> None:
        """The next event of a running call."""
        self._number += 1
        told = FeedEvent(
            self._epoch, self._number, call.account_id, call.user.number, call.id, call.metadata, event
        )
        self._recent.append(told)
        if call.account_id not in self._followers:
            return
        for follower in tuple(self._followers[call.account_id]):
            if follower.qsize() >= MOST_WAITING:
                self._cut_off(call.account_id, follower)
            else:
                follower.put_nowait(told)

    def close(self) -> None:
        """Nothing will happen any more: every follower is at the end."""
        self._is_closed = True
        for account_id, followers in tuple(self._followers.items()):
            for follower in tuple(followers):
                self._cut_off(account_id, follower)

    async def follow(
        self, account_id: str, after: FeedPosition | None, may_see: Callable[[str], bool]
    ) -> AsyncGenerator[FeedEvent]:
        """The account's events behind the position `after` (None: from now on), then those that come, until `close`.

        may_see: whether calls of the user's line with this number are told. Raises StoreUnavailable.
        """
        if self._is_closed:
            return
        follower: _Follower = asyncio.Queue()
        self._followers.setdefault(account_id, []).append(follower)
        try:
            told: set[tuple[str, int]] = set()
            async for event in self._missed(account_id, after):
                told.add(event.key)
                if may_see(event.user_number):
                    yield event
            newest = self._number
            while (line := await follower.get()) is not None:
                # What came while the database was read may have been read there.
                if line.number > newest:
                    told.clear()
                if line.key not in told and may_see(line.user_number):
                    yield line
        finally:
            self._cut_off(account_id, follower)

    async def _missed(self, account_id: str, after: FeedPosition | None) -> AsyncGenerator[FeedEvent]:
        """What happened behind `after` until now."""
        if after is None:
            return
        recent = [event for event in self._recent if event.account_id == account_id]
        oldest = self._recent[0].number if self._recent else self._number + 1
        if after.epoch == self._epoch and after.number >= oldest - 1:
            for event in recent:
                if event.number > after.number:
                    yield event
            return
        known = {event.key: event for event in recent}
        place: FeedEvent | None = None
        since = after.at_ms / 1000 - LATEST_SECONDS
        while stored := await self._store.events_since(
            account_id, since, None if place is None else (place.event.at, *place.key), _BATCH
        ):
            for call_id, user_number, metadata, line in stored:
                # They have no number in this process: who was cut off behind one is told from the database again.
                place = FeedEvent(_NO_EPOCH, 0, account_id, user_number, call_id, metadata, line)
                yield known.pop(place.key, place)
        for event in known.values():
            yield event

    def _cut_off(self, account_id: str, follower: _Follower) -> None:
        followers = self._followers.get(account_id, [])
        if follower in followers:
            followers.remove(follower)
            follower.put_nowait(None)
        if not followers:
            self._followers.pop(account_id, None)
