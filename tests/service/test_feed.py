"""The events of an account in one order: none is left out for a follower that was away, wherever it was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from ringbridge.call.history import StoredEvent
from ringbridge.call.model import Call
from ringbridge.service.clock import Clock
from ringbridge.service.feed import (
    HORIZON_SECONDS,
    KEPT_EVENTS,
    MOST_WAITING,
    EventFeed,
    FeedEvent,
    FeedPosition,
    MaySee,
    PositionTooOld,
)
from ringbridge.service.follower import Follower
from ringbridge.service.replay import PAGE_CALLS
from tests.service.double import CALLER, STRANGER, MemoryStore
from tests.service.test_calls import House
from tests.store.samples import a_call, simulated

ACCOUNT = "1009683"

# What the clock on the wall shows, and a time of this morning.
NOW = 1_795_000_000.0
MORNING = NOW - 10_000.0

ELSEWHERE = "ffffffff"

PATIENCE_SECONDS = 30.0


class StoppedClock(Clock):
    """It is always the same time."""

    def utc_now(self) -> float:
        return NOW


def every(user_number: str, is_test: bool) -> bool:
    return True


def line(sequence: int, at: float = NOW, name: str = "x") -> StoredEvent:
    return StoredEvent(sequence, name, at, "accepted", "none", "none")


def call(call_id: str = "a", account_id: str = ACCOUNT) -> Call:
    return a_call(call_id, account_id=account_id)


def seen_at(at: float) -> FeedPosition:
    """The position of an event that another process has told."""
    return FeedPosition(ELSEWHERE, 7, int(at * 1000))


def keys(events: list[FeedEvent | FeedPosition]) -> list[tuple[str, int]]:
    return [event.key for event in events if isinstance(event, FeedEvent)]


class Following:
    """What somebody who follows reads, one by one."""

    def __init__(self, told: AsyncIterator[FeedEvent | FeedPosition], follower: Follower[FeedEvent]) -> None:
        self.follower = follower
        self._told = told

    async def next(self) -> FeedEvent | FeedPosition:
        """The next thing that is told."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await anext(self._told)

    async def until(self, key: tuple[str, int]) -> list[FeedEvent | FeedPosition]:
        """What is told up to this event."""
        told = [await self.next()]
        while keys(told)[-1:] != [key]:
            told.append(await self.next())
        return told

    async def rest(self) -> list[FeedEvent | FeedPosition]:
        """What is told up to the end."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [event async for event in self._told]


class Feeds:
    """A feed over a store, and those who follow it."""

    def __init__(self, exits: AsyncExitStack) -> None:
        self.store = MemoryStore()
        self.feed = EventFeed(self.store, StoppedClock())
        self._exits = exits

    async def follow(self, after: FeedPosition | None = None, may_see: MaySee = every) -> Following:
        """Somebody follows from here on."""
        follower: Follower[FeedEvent] = Follower(self.store.written)
        told = await self._exits.enter_async_context(self.feed.follow(ACCOUNT, after, may_see, follower))
        return Following(told, follower)

    def publish(self, call_id: str, *events: StoredEvent, account_id: str = ACCOUNT) -> None:
        """This happens to the call, and is not in the database yet."""
        for event in events:
            self.feed.publish(call(call_id, account_id), event)


@pytest.fixture
async def feeds() -> AsyncIterator[Feeds]:
    async with AsyncExitStack() as exits:
        yield Feeds(exits)


async def test_without_a_position_a_follower_hears_what_comes_of_its_account(feeds: Feeds) -> None:
    feeds.publish("a", line(1))
    following = await feeds.follow()
    feeds.publish("b", line(1))
    feeds.publish("c", line(1), account_id="2000000")
    feeds.publish("a", line(2))
    position, *told = await following.until(("a", 2))
    assert keys(told) == [("b", 1), ("a", 2)]
    assert isinstance(position, FeedPosition)
    # Whoever is cut off before the first event goes on from there.
    assert keys(await (await feeds.follow(position)).until(("a", 2))) == [("b", 1), ("a", 2)]


async def test_a_follower_goes_on_exactly_where_it_was(feeds: Feeds) -> None:
    feeds.publish("a", *(line(sequence) for sequence in range(1, 6)))
    first = await (await feeds.follow(seen_at(MORNING))).until(("a", 5))
    assert keys(first) == [("a", sequence) for sequence in range(1, 6)]
    third = first[2]
    assert isinstance(third, FeedEvent)
    again = await feeds.follow(third.position)
    feeds.publish("a", line(6))
    told = await again.until(("a", 6))
    assert keys(told) == [("a", 4), ("a", 5), ("a", 6)]
    last = told[-1]
    assert isinstance(last, FeedEvent)
    at_the_end = await feeds.follow(last.position)
    feeds.publish("a", line(7))
    assert keys([await at_the_end.next()]) == [("a", 7)]


async def test_positions_come_back_from_their_text() -> None:
    position = FeedPosition("0123abcd", 42, 1_795_000_000_123)
    assert FeedPosition.parse(str(position)) == position
    for text in ("", "1", "0123abcd-1", "0123ABCD-1-1", "0123abcd-1-1\n", "0123abcd--1-1", "0123abcd-1-١"):
        assert FeedPosition.parse(text) is None


async def test_after_a_restart_a_follower_is_told_from_the_database_and_nothing_twice(feeds: Feeds) -> None:
    calls = [f"call-{number:04}" for number in range(3 * PAGE_CALLS + 1)]
    for number, call_id in enumerate(calls):
        # Each overlaps with many that are accepted after it.
        start = MORNING + number
        feeds.store.write(call_id, *(line(sequence, start + 20.0 * (sequence - 1)) for sequence in (1, 2, 3)))
    last = calls[-1]
    # Of this process: one that is in the database by now, and one that is on its way there.
    feeds.publish(last, line(3, MORNING + len(calls) - 1 + 40.0), line(4, MORNING + 300.0))
    following = await feeds.follow(seen_at(MORNING + 30.0))
    told = await following.until((last, 4))
    expected = [
        (event.at, call_id, event.sequence)
        for call_id in calls
        for event in feeds.store.histories[call_id].events
        if event.at >= MORNING + 25.0
    ]
    assert keys(told) == [*((call_id, sequence) for _, call_id, sequence in sorted(expected)), (last, 4)]
    feeds.publish(last, line(5))
    assert keys([await following.next()]) == [(last, 5)]
    # And from the middle of what was told from the database, once more.
    middle = told[200]
    assert isinstance(middle, FeedEvent)
    again = await (await feeds.follow(middle.position)).until((last, 5))
    assert {*keys(again)} >= {*keys(told[201:])}


async def test_no_position_of_a_replay_passes_over_what_is_told_after_it(feeds: Feeds) -> None:
    """An accepted call is told once it is stored: its number is higher, and its time earlier, than those of other news."""
    feeds.publish("a", line(2, NOW - 1.0))
    feeds.publish("b", line(1, NOW - 2.0))
    feeds.store.write("a", line(1, NOW - 60.0), line(2, NOW - 1.0))
    feeds.store.write("b", line(1, NOW - 2.0))
    first, second, *_ = await (await feeds.follow(seen_at(MORNING))).until(("a", 2))
    assert keys([first, second]) == [("a", 1), ("b", 1)]
    assert isinstance(second, FeedEvent)
    assert ("a", 2) in keys(await (await feeds.follow(second.position)).until(("a", 2)))


async def test_between_the_calls_of_a_replay_others_have_their_turn(feeds: Feeds) -> None:
    for number in range(PAGE_CALLS):
        feeds.store.write(f"old-{number:04}", line(1, MORNING + number))
    following = await feeds.follow(seen_at(MORNING))
    loop, turns = asyncio.get_running_loop(), 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        loop.call_soon(turn)

    turn()
    assert keys([await following.next()]) == [("old-0000", 1)]
    assert turns >= PAGE_CALLS


async def test_what_happens_while_the_database_is_read_is_told_once(feeds: Feeds) -> None:
    """From the history to the news: a call that changes meanwhile is told without a gap, and nothing of it twice."""
    for number in range(PAGE_CALLS):
        feeds.store.write(f"old-{number:04}", line(1, MORNING + number))
    following = await feeds.follow(seen_at(MORNING))
    assert keys([await following.next()]) == [("old-0000", 1)]
    # Written before the follower reads on, and told as news besides; the last is no news yet when it is read.
    feeds.store.write("new", line(1, NOW), line(2, NOW), line(3, NOW))
    feeds.publish("new", line(1, NOW), line(2, NOW))
    told = keys(await following.until(("new", 3)))
    feeds.publish("new", line(3, NOW), line(4, NOW + 1.0))
    told += keys(await following.until(("new", 4)))
    assert [key for key in told if key[0] == "new"] == [("new", sequence) for sequence in range(1, 5)]
    assert len(told) == PAGE_CALLS - 1 + 4


async def test_a_position_that_is_no_longer_in_memory_is_answered_from_the_database(feeds: Feeds) -> None:
    following = await feeds.follow(seen_at(MORNING))
    feeds.publish("a", line(1))
    first = await following.next()
    assert isinstance(first, FeedEvent)
    feeds.store.write("a", line(1), line(2))
    feeds.publish("z", *(line(sequence) for sequence in range(KEPT_EVENTS + 1)), account_id="2000000")
    assert keys(await (await feeds.follow(first.position)).until(("a", 2))) == [("a", 1), ("a", 2)]


async def test_more_than_a_day_is_not_told_again(feeds: Feeds) -> None:
    horizon = NOW - HORIZON_SECONDS
    feeds.store.write("a", line(1, horizon - 100.0), line(2, horizon - 50.0))
    feeds.store.write("b", line(1, NOW - 100.0))
    for position in (FeedPosition("00000000", 0, 0), seen_at(horizon - 60.0)):
        with pytest.raises(PositionTooOld):
            await feeds.follow(position)
    # However long ago it was: who has missed nothing that is older goes on.
    following = await feeds.follow(seen_at(horizon - 50.0))
    assert keys(await following.until(("b", 1))) == [("a", 2), ("b", 1)]


async def test_a_key_that_is_bound_to_lines_follows_their_calls(feeds: Feeds) -> None:
    own, strange = call("a"), call("b")._replace(user=call().destination)

    def may_see(number: str, is_test: bool) -> bool:
        return number == own.user.number

    feeds.store.write("stored", line(1, MORNING))
    missed, news = await feeds.follow(seen_at(MORNING), may_see), await feeds.follow(None, may_see)
    start = await news.next()
    assert isinstance(start, FeedPosition)
    for of in (strange, own):
        feeds.feed.publish(of, line(1))
    for following in (missed, news, await feeds.follow(start, may_see)):
        assert keys(await following.until(("a", 1))) == [("a", 1)]


async def test_a_follower_that_does_not_read_is_cut_off(feeds: Feeds) -> None:
    following = await feeds.follow()
    feeds.publish("a", *(line(sequence) for sequence in range(MOST_WAITING + 10)))
    assert len(keys(await following.rest())) == MOST_WAITING


@pytest.mark.parametrize("waits_for_news", [False, True])
async def test_a_follower_that_is_stopped_is_not_told_what_waits_for_it(
    feeds: Feeds, waits_for_news: bool
) -> None:
    feeds.store.write("a", line(1, MORNING), line(2, MORNING))
    following = await feeds.follow(None if waits_for_news else seen_at(MORNING))
    await following.next()
    feeds.publish("a", line(3))
    following.follower.stop()
    assert await following.rest() == []


@pytest.mark.parametrize("waits_for_news", [False, True])
async def test_nothing_is_told_before_it_is_stored(feeds: Feeds, waits_for_news: bool) -> None:
    start = await (await feeds.follow()).next()
    assert isinstance(start, FeedPosition)
    feeds.store.is_written.clear()
    if waits_for_news:
        following = await feeds.follow()
        await following.next()
    feeds.publish("a", line(1))
    if not waits_for_news:
        following = await feeds.follow(start)
    told = asyncio.create_task(following.next())
    await asyncio.wait((told,), timeout=0.05)
    assert not told.done()
    feeds.store.is_written.set()
    assert keys([await told]) == [("a", 1)]


async def test_what_the_database_does_not_take_is_told_all_the_same(feeds: Feeds) -> None:
    following = await feeds.follow()
    await following.next()
    feeds.store.fails = True
    feeds.publish("a", line(1))
    assert keys([await following.next()]) == [("a", 1)]


async def test_a_database_that_fails_ends_the_stream(feeds: Feeds) -> None:
    following = await feeds.follow(seen_at(MORNING))
    feeds.store.fails = True
    with capture_logs() as logs:
        assert await following.rest() == []
    assert [entry["event"] for entry in logs] == ["feed.not_read"]


async def test_followers_end_when_the_server_does(feeds: Feeds) -> None:
    early = await feeds.follow()
    feeds.feed.close()
    late = await feeds.follow()
    for following in (early, late):
        assert keys(await following.rest()) == []


async def test_every_event_of_a_call_is_in_its_accounts_feed_and_in_no_others() -> None:
    house = House()
    house.directory.keys["s"] = STRANGER.key
    async with (
        house.calls,
        house.calls.reader.follow_account(CALLER, None) as own,
        house.calls.reader.follow_account(STRANGER, None) as strange,
    ):
        call_id = await house.place()
        await house.end(call_id)
        await house.calls.drain(0.0)
        heard = [event async for event in own if isinstance(event, FeedEvent)]
        assert [event async for event in strange if isinstance(event, FeedEvent)] == []
    assert [event.event.sequence for event in heard] == [1, 2, 3]
    assert {event.call_id for event in heard} == {call_id}


async def test_a_test_key_follows_test_calls(feeds: Feeds) -> None:
    def may_see(number: str, is_test: bool) -> bool:
        return is_test

    news = await feeds.follow(None, may_see)
    assert isinstance(await news.next(), FeedPosition)
    feeds.feed.publish(call("live"), line(1))
    feeds.feed.publish(simulated(call("test")), line(1))
    told = await news.next()
    assert isinstance(told, FeedEvent)
    assert (told.call_id, told.is_test) == ("test", True)
