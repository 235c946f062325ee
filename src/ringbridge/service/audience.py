"""Who follows events, or waits for the end of a call, and whether they still may.

A request is judged when it comes; one that goes on for hours is judged again whenever the directory changes. People in the
portal have sessions in place of keys, and their pages see to it that they listen no longer than those last.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from ringbridge.call.errors import TooManyCalls
from ringbridge.call.key import ApiKey, Scope
from ringbridge.call.ports import Directory
from ringbridge.call.user import acts_in_portal
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock

# Keys expire by the clock on the wall, which somebody may set: no timer is trusted for longer.
_LONGEST_TIMER_SECONDS = 60.0

# A program that has lost count of its streams finds one that has ended by then.
_RETRY_SECONDS = 5.0


class TooManyStreams(TooManyCalls):
    """The account follows as much at once as it may."""

    code = "too_many_streams"


class Seats:
    """So many streams of one account at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, account_id: str) -> Iterator[None]:
        """While entered, one is the account's. Raises TooManyStreams."""
        if self._taken[account_id] >= self._most:
            raise TooManyStreams("streams", most=self._most, retry_after_seconds=_RETRY_SECONDS)
        self._taken[account_id] += 1
        try:
            yield
        finally:
            self._taken[account_id] -= 1
            if not self._taken[account_id]:
                del self._taken[account_id]


class _Listener:
    """One who listens, until `stop` is called."""

    def __init__(self, caller: Caller, stop: Callable[[], None]) -> None:
        self.caller = caller
        self.stop = stop
        self.timer: asyncio.TimerHandle | None = None

    def forget_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Audience:
    """Those who listen now. `look` is to be awaited after each change of the directory."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._listeners: set[_Listener] = set()

    @asynccontextmanager
    async def listening(self, caller: Caller, stop: Callable[[], None]) -> AsyncIterator[None]:
        """While entered, `stop` is called once the caller's account is suspended or their key ends or may less than before.

        Raises StoreUnavailable.
        """
        listener = _Listener(caller, stop)
        self._listeners.add(listener)
        try:
            # What has changed since the request was let in was perhaps looked at before there was this listener.
            await self._judge(listener)
            yield
        finally:
            self._listeners.discard(listener)
            listener.forget_timer()

    async def look(self) -> None:
        """Stop those who may not listen any more. Raises StoreUnavailable."""
        for listener in tuple(self._listeners):
            if listener in self._listeners:
                await self._judge(listener)
            # A look-up may read a row here on the loop: others wait for one, not for all.
            await asyncio.sleep(0)  # noqa: TID251

    async def _judge(self, listener: _Listener) -> None:
        was = listener.caller
        if acts_in_portal(was.key):
            return
        account = await self._directory.account(was.account.id)
        key = await self._directory.key(was.key.id)
        if account is None or account.suspended or key is None or not _may_as_before(key, was.key):
            listener.stop()
        elif listener in self._listeners:
            self._await_end(listener, min(key.expires_at, was.key.expires_at))

    def _await_end(self, listener: _Listener, expires_at: float) -> None:
        """Stop the listener when the key expires, UTC seconds since 1970."""
        listener.forget_timer()
        left_seconds = expires_at - self._clock.utc_now()
        if left_seconds <= 0.0:
            listener.stop()
            return
        delay_seconds = min(left_seconds, _LONGEST_TIMER_SECONDS)
        listener.timer = asyncio.get_running_loop().call_later(
            delay_seconds, self._await_end, listener, expires_at
        )


def _may_as_before(key: ApiKey, before: ApiKey) -> bool:
    """Whether a key that is not revoked may all that it could before: the same things, of the same lines."""
    if key.revoked_at is not None or any(before.may(scope) and not key.may(scope) for scope in Scope):
        return False
    return not key.lines or (bool(before.lines) and all(map(key.may_use, before.lines)))
