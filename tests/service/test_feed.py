"""The events of an account in one order: none is left out for a follower that was away, wherever it was."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

import pytest

from ringbridge.call.history import StoredEvent, ToldEvent
from ringbridge.call.model import Call
from ringbridge.service.feed import KEPT_EVENTS, MOST_WAITING, EventFeed, FeedEvent, FeedPosition
from tests.service.double import CALLER, STRANGER, MemoryStore
from tests.service.test_calls import House
from tests.store.samples import UTC_OFFSET, a_call

ACCOUNT = "1009683"


def every(user_number: str) -> bool:
    return True


def line(sequence: int, at: float = UTC_OFFSET, name: str = "x") -> StoredEvent:
    return StoredEvent(sequence, name, at, "accepted", "none", "none")


def call(call_id: str = "a", account_id: str = ACCOUNT) -> Call:
    return a_call(call_id, account_id=account_id)


class Follower:
    """Reads a feed in a task of its own."""

    def __init__(
        self,
        feed: EventFeed,
        after: FeedPosition | None = None,
        account_id: str = ACCOUNT,
        may_see: Callable[[str], bool] = every,
    ) -> None:
        self.events: list[FeedEvent] = []
        self._arrived = asyncio.Event()
        self.task = asyncio.create_task(self._read(feed.follow(account_id, after, may_see)))

    async def has(self, *keys: tuple[str, int]) -> None:
        """Wait for the last of these, and compare them all."""
        await self.until(keys[-1])
        assert tuple(event.key for event in self.events) == keys

    async def until(self, key: tuple[str, int]) -> None:
        """Wait for this event."""
        async with asyncio.timeout(10.0):
            while not self.events or self.events[-1].key != key:
                self._arrived.clear()
                await self._arrived.wait()

    async def _read(self, events: AsyncGenerator[FeedEvent]) -> None:
        async with aclosing(events):
            async for event in events:
                self.events.append(event)
                self._arrived.set()


async def started(follower: Follower) -> Follower:
    """The follower once it waits for something."""
    await next_turn()
    return follower


async def next_turn() -> None:
    """Return when every task that can go on has gone on once."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_soon(passed.set)
    await passed.wait()


@pytest.fixture
async def feed() -> AsyncIterator[EventFeed]:
    feed = EventFeed(MemoryStore())
    yield feed
    feed.close()


async def test_without_a_position_a_follower_hears_what_comes_of_its_account(feed: EventFeed) -> None:
    feed.publish(call(), line(1))
    follower = await started(Follower(feed))
    feed.publish(call("b"), line(1))
    feed.publish(call("c", "2000000"), line(1))
    feed.publish(call(), line(2))
    await follower.has(("b", 1), ("a", 2))
    assert [event.metadata for event in follower.events] == [None, None]


async def test_a_follower_goes_on_exactly_where_it_was(feed: EventFeed) -> None:
    for sequence in range(1, 6):
        feed.publish(call(), line(sequence))
    everything = Follower(feed, FeedPosition("ffffffff", 0, 0))
    await everything.has(*(("a", sequence) for sequence in range(1, 6)))
    again = await started(Follower(feed, everything.events[2].position))
    feed.publish(call(), line(6))
    await again.has(("a", 4), ("a", 5), ("a", 6))
    at_the_end = await started(Follower(feed, again.events[-1].position))
    feed.publish(call(), line(7))
    await at_the_end.has(("a", 7))


async def test_positions_come_back_from_their_text() -> None:
    position = FeedPosition("0123abcd", 42, 1_795_000_000_123)
    assert FeedPosition.parse(str(position)) == position
    for text in ("", "1", "0123abcd-1", "0123ABCD-1-1", "0123abcd-1-1\n", "0123abcd--1-1", "0123abcd-1-١"):
        assert FeedPosition.parse(text) is None


async def test_after_a_restart_a_follower_is_told_from_the_database_and_nothing_twice() -> None:
    store = MemoryStore()
    told = [
        ToldEvent("a", "1", {"order": "4711"}, line(sequence, 100.0 + sequence))
        for sequence in range(1, 1203)
    ]
    store.told_events = told
    feed = EventFeed(store)
    # Of this process: one that is in the database by now, and one that is on its way there.
    feed.publish(call(), line(1202, 1302.0))
    feed.publish(call(), line(1203, 1303.0))
    follower = Follower(feed, FeedPosition("ffffffff", 7, 150_000))
    await follower.has(*(("a", sequence) for sequence in range(45, 1204)))
    assert len(store.asked_since) == 4
    assert follower.events[0].metadata == {"order": "4711"}
    feed.publish(call(), line(1204))
    await follower.has(*(("a", sequence) for sequence in range(45, 1205)))
    # And from the middle of what was told from the database, once more.
    again = Follower(feed, follower.events[500].position)
    await again.until(("a", 1204))
    assert {event.key for event in again.events} >= {("a", sequence) for sequence in range(546, 1205)}
    feed.close()


async def test_what_happens_while_the_database_is_read_is_told_once() -> None:
    store = MemoryStore()
    store.told_events = [ToldEvent("a", "1", None, line(1, 100.0))]
    feed = EventFeed(store)
    events = feed.follow(ACCOUNT, FeedPosition("ffffffff", 7, 100_000), every)
    assert (await anext(events)).key == ("a", 1)
    # It is written before the follower reads on, and told live besides.
    store.told_events.append(ToldEvent("a", "1", None, line(2, 101.0)))
    feed.publish(call(), line(2, 101.0))
    feed.publish(call(), line(3, 102.0))
    assert [(await anext(events)).key for _ in range(2)] == [("a", 2), ("a", 3)]
    await events.aclose()


async def test_a_position_that_is_no_longer_in_memory_is_answered_from_the_database() -> None:
    store = MemoryStore()
    feed = EventFeed(store)
    follower = await started(Follower(feed))
    feed.publish(call(), line(1, 100.0))
    await follower.has(("a", 1))
    store.told_events = [ToldEvent("a", "1", None, line(number, 100.0)) for number in (1, 2)]
    for _ in range(KEPT_EVENTS + 1):
        feed.publish(call("z", "2000000"), line(1))
    again = Follower(feed, follower.events[0].position)
    await again.has(("a", 1), ("a", 2))
    feed.close()


async def test_a_key_that_is_bound_to_lines_follows_their_calls(feed: EventFeed) -> None:
    follower = await started(Follower(feed, may_see=lambda number: number == "+18175629656"))
    feed.publish(call(), line(1))
    feed.publish(call("b")._replace(user=call().destination), line(1))
    feed.publish(call(), line(2))
    await follower.has(("a", 1), ("a", 2))


async def test_a_follower_that_does_not_read_is_cut_off(feed: EventFeed) -> None:
    events = feed.follow(ACCOUNT, None, every)
    first = asyncio.create_task(anext(events))
    await next_turn()
    for sequence in range(MOST_WAITING + 10):
        feed.publish(call(), line(sequence))
    assert (await first).key == ("a", 0)
    heard = [event async for event in events]
    assert len(heard) == MOST_WAITING - 1


async def test_followers_end_when_the_server_does(feed: EventFeed) -> None:
    follower = await started(Follower(feed))
    feed.close()
    async with asyncio.timeout(10.0):
        await follower.task
    assert [event async for event in feed.follow(ACCOUNT, None, every)] == []


async def test_every_event_of_a_call_is_in_its_accounts_feed_and_in_no_others() -> None:
    house = House()
    async with house.calls:
        own, strange = (house.calls.follow_account(caller, None) for caller in (CALLER, STRANGER))
        first = asyncio.create_task(anext(own))
        nothing = asyncio.create_task(anext(strange, None))
        await next_turn()
        call_id = await house.place()
        await house.end(call_id)
        heard = [await first]
        async for event in own:
            heard.append(event)
            if event.event.name == "ended":
                break
        await house.calls.drain(0.0)
        assert await nothing is None
    assert [event.event.sequence for event in heard] == [1, 2, 3]
    assert {event.call_id for event in heard} == {call_id}
