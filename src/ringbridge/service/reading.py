"""What the front doors may see of calls: finding, listing and following them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace

from ringbridge.call.history import CallFilter, CallPlace, StoredCall, StoredEvent, as_stored
from ringbridge.call.model import Call
from ringbridge.call.ports import CallStore, Directory
from ringbridge.call.simulation import is_simulated
from ringbridge.service.audience import Audience
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.feed import EventFeed, FeedEvent, FeedPosition
from ringbridge.service.follower import Follower
from ringbridge.service.live import LiveCalls
from ringbridge.service.planner import read_destination, read_user_line
from ringbridge.service.runner import Runner


class CallReader:
    """The calls as their accounts may see them, those that run now and those that are stored.

    audience: who follows events, or waits for the end of a call.
    """

    def __init__(self, store: CallStore, live: LiveCalls, directory: Directory, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._feed = EventFeed(store, clock)
        self.audience = Audience(directory, clock)

    async def find(self, caller: Caller, call_id: str) -> StoredCall | None:
        """The call of the caller's account with this id, as it is now. Raises StoreUnavailable."""
        runner = self._live.look_up(call_id)
        if runner is not None and is_of(runner, caller):
            return as_stored(runner.call, runner.history)
        # A running call of somebody else is looked for as well, so that the time it takes tells nothing either.
        found = await self._store.find(caller.account.id, call_id)
        if found is None or not caller.key.may_see(found.user.number, found.is_test):
            return None
        return found

    async def page(
        self,
        caller: Caller,
        wanted: CallFilter,
        after: CallPlace | None,
        limit: int,
        *,
        user_line: str | None = None,
        destination_line: str | None = None,
    ) -> list[StoredCall]:
        """The calls of the caller's account behind the place `after`, the newest first, without their histories.

        The lines are as the client wrote them. Raises InvalidUserLine, InvalidDestination, StoreUnavailable.
        """
        country = caller.account.country
        wanted = replace(
            wanted,
            user_number=None if user_line is None else read_user_line(user_line, country),
            destination_number=None
            if destination_line is None
            else read_destination(destination_line, country).e164,
            lines=caller.key.lines,
        )
        if caller.key.is_test:
            if wanted.is_test is False:
                return []
            wanted = replace(wanted, is_test=True)
        return await self._store.page(caller.account.id, wanted, after, limit)

    async def follow(self, caller: Caller, call_id: str, after: int) -> AsyncGenerator[StoredEvent]:
        """The lines of a call's history above sequence `after`, live until its end; none for an unknown call.

        They end early when the caller may no longer see them. Raises StoreUnavailable.
        """
        runner = self._live.look_up(call_id)
        if runner is not None and is_of(runner, caller):
            follower: Follower[StoredEvent] = Follower(self._store.written)
            async with self.audience.listening(caller, follower.stop):
                async for event in self._live.follow(runner, after, follower):
                    yield event
            return
        stored = await self.find(caller, call_id)
        for event in stored.events[after:] if stored is not None else ():
            yield event

    @asynccontextmanager
    async def follow_account(
        self, caller: Caller, after: FeedPosition | None
    ) -> AsyncIterator[AsyncIterator[FeedEvent | FeedPosition]]:
        """While entered, the events of all calls of the caller's account behind a position, until the server stops.

        Without a position they begin with one, which is now. They end early when the caller may no longer see them.
        Raises PositionTooOld, StoreUnavailable.
        """
        follower: Follower[FeedEvent] = Follower(self._store.written)
        async with (
            self.audience.listening(caller, follower.stop),
            self._feed.follow(caller.account.id, after, caller.key.may_see, follower) as events,
        ):
            yield events

    async def find_ended(self, caller: Caller, call_id: str, within_seconds: float) -> StoredCall | None:
        """The call as it is when it is over, or else after so many seconds, or when the caller may wait no longer.

        Raises StoreUnavailable.
        """
        await until_end(self.follow(caller, call_id, 0), within_seconds)
        return await self.find(caller, call_id)

    def tell(self, call: Call, event: StoredEvent) -> None:
        """Tell those who follow the account of something that happened to a call."""
        self._feed.publish(call, event)

    def close(self) -> None:
        """Nothing will happen any more: whoever follows an account is at the end."""
        self._feed.close()


def is_of(runner: Runner, caller: Caller) -> bool:
    """Whether the caller may see the call, and end it."""
    call = runner.call
    return call.account_id == caller.account.id and caller.key.may_see(call.user.number, is_simulated(call))


async def until_end(events: AsyncGenerator[StoredEvent], within_seconds: float) -> None:
    """Return when the events are at their end, or after so many seconds; none are read where that is none."""
    async with aclosing(events):
        if within_seconds > 0.0:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_seconds):
                    async for _ in events:
                        pass
