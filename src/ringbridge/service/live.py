"""The calls that run in this process or did a moment ago, and who follows them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from ringbridge.call.history import StoredEvent
from ringbridge.service.follower import Follower
from ringbridge.service.runner import Runner

# Longer than the store takes to write what it was given: until then a call that is over is known here.
RECENT_SECONDS = 2.0


class LiveCalls:
    """Finds the runner of a call and hands its history, line by line, to every follower."""

    def __init__(self) -> None:
        self._recent: dict[str, Runner] = {}
        self._runners: dict[str, Runner] = {}
        self._followers: dict[str, list[Follower[StoredEvent]]] = {}
        self._awaited = 0
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def __len__(self) -> int:
        return len(self._runners)

    def add(self, runner: Runner) -> None:
        """The call runs from now on."""
        self._runners[runner.call.id] = runner
        self._is_empty.clear()

    def remove(self, call_id: str) -> None:
        """The call is over: its followers hear no more. For RECENT_SECONDS it can still be looked up."""
        self._recent[call_id] = self._runners.pop(call_id)
        asyncio.get_running_loop().call_later(RECENT_SECONDS, self._recent.pop, call_id)
        for follower in self._followers.pop(call_id, []):
            follower.end()
        self._look_whether_empty()

    def find(self, call_id: str) -> Runner | None:
        """The runner of a call that is not over."""
        return self._runners.get(call_id)

    def look_up(self, call_id: str) -> Runner | None:
        """The runner of a call that is not over, or was not a moment ago."""
        return self._runners.get(call_id) or self._recent.get(call_id)

    def all(self) -> list[Runner]:
        """Every runner."""
        return list(self._runners.values())

    def publish(self, call_id: str, event: StoredEvent) -> None:
        """Hand a new line of the history to the call's followers."""
        for follower in self._followers.get(call_id, ()):
            follower.tell(event)

    async def follow(
        self, runner: Runner, after: int, follower: Follower[StoredEvent]
    ) -> AsyncIterator[StoredEvent]:
        """The lines of a call with a sequence above `after`, the past ones first, until its end or the follower's stop."""
        call_id = runner.call.id
        for event in runner.history:
            follower.tell(event)
        if call_id in self._recent:
            follower.end()
        else:
            self._followers.setdefault(call_id, []).append(follower)
        try:
            async for event in follower.lines():
                if event.sequence > after:
                    yield event
        finally:
            followers = self._followers.get(call_id, [])
            if follower in followers:
                followers.remove(follower)

    @contextmanager
    def awaiting_one(self) -> Iterator[None]:
        """While entered, a call is about to be added or refused, and it is not empty here."""
        self._awaited += 1
        self._is_empty.clear()
        try:
            yield
        finally:
            self._awaited -= 1
            self._look_whether_empty()

    async def empty(self) -> None:
        """Wait until no call runs and none is about to."""
        await self._is_empty.wait()

    def _look_whether_empty(self) -> None:
        if not self._runners and not self._awaited:
            self._is_empty.set()
