"""What happens to all calls of an account, in one order, for followers that come and go.

The last events are kept in memory, so that a follower who was cut off goes on exactly where it was. One who was away
for longer, or while the server was started again, is told from the database what it may have missed: there the order
is that of the clock, and what was told in the last seconds before may be told again. Whoever follows tells events
apart by the call's id and the event's sequence. What happened more than a day ago is nothing to catch up with here.
"""

import re
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

import structlog

from ringbridge.call.errors import CallError, StoreUnavailable
from ringbridge.call.history import StoredEvent
from ringbridge.call.model import Call
from ringbridge.call.ports import CallStore
from ringbridge.call.simulation import is_simulated
from ringbridge.service.clock import Clock
from ringbridge.service.follower import Follower
from ringbridge.service.replay import replay

log = structlog.get_logger()

KEPT_EVENTS = 10_000
# A follower that is further behind than this reads too slowly: it is cut off, and may come back.
MOST_WAITING = 10_000
# An event reaches the database, and its followers, this much after its time at most.
LATEST_SECONDS = 5.0
# A follower that has missed something before that reads lists instead.
HORIZON_SECONDS = 86_400.0

_NO_EPOCH = "0" * 8
_POSITION = re.compile(r"([0-9a-f]{8})-([0-9]{1,15})-([0-9]{1,14})")


MaySee = Callable[[str, bool], bool]
"""Whether somebody may see a call, by the number of its user's line and whether it is a test call."""


class PositionTooOld(CallError):
    """The follower has missed more than is told again."""

    code = "position_too_old"


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
    is_test: bool
    call_id: str
    attempt_of: str | None
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


class EventFeed:
    """Hands every event to the followers of its account."""

    def __init__(self, store: CallStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._recent: deque[FeedEvent] = deque(maxlen=KEPT_EVENTS)
        self._followers: dict[str, list[Follower[FeedEvent]]] = {}
        self._is_closed = False

    def publish(self, call: Call, event: StoredEvent) -> None:
        """The next event of a running call."""
        self._number += 1
        told = FeedEvent(
            self._epoch,
            self._number,
            call.account_id,
            call.user.number,
            is_simulated(call),
            call.id,
            call.attempt_of,
            call.metadata,
            event,
        )
        self._recent.append(told)
        if call.account_id not in self._followers:
            return
        for follower in tuple(self._followers[call.account_id]):
            follower.tell(told)
            if len(follower) >= MOST_WAITING:
                self._cut_off(call.account_id, follower)

    def close(self) -> None:
        """Nothing will happen any more: every follower is at the end."""
        self._is_closed = True
        for account_id, followers in tuple(self._followers.items()):
            for follower in tuple(followers):
                self._cut_off(account_id, follower)

    @asynccontextmanager
    async def follow(
        self,
        account_id: str,
        after: FeedPosition | None,
        may_see: MaySee,
        follower: Follower[FeedEvent],
    ) -> AsyncIterator[AsyncIterator[FeedEvent | FeedPosition]]:
        """While entered, the account's events behind the position `after`, then those that come, until `close`.

        Without a position they begin with one, which is now. may_see: which calls are told. follower: whom to stop when it is enough. Raises PositionTooOld, StoreUnavailable.
        """
        if after is not None:
            await self._require_recent(account_id, after)
        if self._is_closed:
            follower.end()
        else:
            self._followers.setdefault(account_id, []).append(follower)
        # From here on the follower is told what happens. What happened before is known by this moment, too.
        now = FeedPosition(self._epoch, self._number, int(self._clock.utc_now() * 1000))
        recent = [event for event in self._recent if after is not None and event.account_id == account_id]
        try:
            if after is None:
                yield _from_now_on(now, follower, may_see)
            elif self._is_in_memory(after):
                missed = _each(event for event in recent if event.number > after.number)
                yield _caught_up(missed, now, follower, may_see)
            else:
                yield _caught_up(self._stored(account_id, after, recent), now, follower, may_see)
        finally:
            self._cut_off(account_id, follower)

    async def _require_recent(self, account_id: str, after: FeedPosition) -> None:
        """Raises PositionTooOld when something happened behind the position and before what is told again."""
        start, horizon = (after.at_ms + 1) / 1000, self._clock.utc_now() - HORIZON_SECONDS
        if self._is_in_memory(after) or start >= horizon:
            return
        if await self._store.has_calls_between(account_id, start, horizon):
            raise PositionTooOld(
                "Events of more than a day ago are not told again. Read the calls that were missed, and follow from now on."
            )

    def _is_in_memory(self, after: FeedPosition) -> bool:
        """Whether all that happened behind the position is."""
        oldest = self._recent[0].number if self._recent else self._number + 1
        return after.epoch == self._epoch and after.number >= oldest - 1

    async def _stored(
        self, account_id: str, after: FeedPosition, recent: list[FeedEvent]
    ) -> AsyncIterator[FeedEvent]:
        """What the database has behind `after`, and what of `recent` is still on its way there."""
        since = after.at_ms / 1000 - LATEST_SECONDS
        on_the_way = {event.key: event for event in recent if event.event.at >= since}
        async for told in replay(self._store, account_id, since):
            # Here the order is not that of the numbers: whoever is cut off behind one is told from the database again.
            event = FeedEvent(
                _NO_EPOCH,
                0,
                account_id,
                told.user_number,
                told.is_test,
                told.call_id,
                told.attempt_of,
                told.metadata,
                told.event,
            )
            on_the_way.pop(event.key, None)
            yield event
        for event in on_the_way.values():
            yield event

    def _cut_off(self, account_id: str, follower: Follower[FeedEvent]) -> None:
        followers = self._followers.get(account_id, [])
        if follower in followers:
            followers.remove(follower)
            follower.end()
        if not followers:
            self._followers.pop(account_id, None)


async def _from_now_on(
    now: FeedPosition, follower: Follower[FeedEvent], may_see: MaySee
) -> AsyncIterator[FeedEvent | FeedPosition]:
    yield now
    async for event in follower.lines():
        if may_see(event.user_number, event.is_test):
            yield event


async def _caught_up(
    missed: AsyncIterator[FeedEvent],
    began: FeedPosition,
    follower: Follower[FeedEvent],
    may_see: MaySee,
) -> AsyncIterator[FeedEvent | FeedPosition]:
    """What was missed until the follower began to be told, then what it was told since, nothing twice."""
    # What came while the database was read may have been read there; it cannot be older than this.
    newest = oldest = began.at_ms / 1000 - LATEST_SECONDS
    told: set[tuple[str, int]] = set()
    await follower.written()
    try:
        async for event in missed:
            if follower.is_stopped:
                return
            if event.event.at >= oldest:
                told.add(event.key)
                newest = event.event.at
            if may_see(event.user_number, event.is_test):
                yield event
    except StoreUnavailable as error:
        # The end of the stream: whoever comes back goes on from the last event that they have.
        log.warning("feed.not_read", reason=str(error))
        return
    async for event in follower.lines():
        if told and event.event.at > newest + LATEST_SECONDS:
            told.clear()
        if event.key not in told and may_see(event.user_number, event.is_test):
            yield event


async def _each(events: Iterable[FeedEvent]) -> AsyncIterator[FeedEvent]:
    for event in events:
        yield event
