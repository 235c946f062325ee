"""The calls that run now, as somebody watches all of them at once: whole at first, then which of them have changed.

Many events within a moment are one change, so that whoever watches two hundred calls is not told of every step by itself.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import NamedTuple

from ringbridge.call.history import StoredCall, as_stored
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.feed import FeedEvent, FeedPosition
from ringbridge.service.runner import Runner

# Faster than people see, slower than calls of a busy account change.
PAUSE_SECONDS = 0.25


class RunningCall(NamedTuple):
    """A call that is not over.

    key_id: who asked for it, as in its record. user_name, destination_name: whose numbers they are, where that is known.
    in_state_seconds, seconds: how long it has been in its state, and in all.
    """

    call: StoredCall
    key_id: str
    user_name: str | None
    destination_name: str | None
    in_state_seconds: float
    seconds: float


class Changes(NamedTuple):
    """What has happened since the last look: calls that are new or otherwise than before, and the ids of those that are over."""

    calls: tuple[RunningCall, ...]
    gone: tuple[str, ...]


class Board:
    """The running calls of an account; of its lines only where the caller's key is bound to some."""

    def __init__(self, calls: CallService, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    def all(self, caller: Caller) -> list[RunningCall]:
        """Every call, the newest first."""
        runners = [self._calls.runner(caller, each.call.id) for each in self._calls.runners()]
        found = [self._shown(runner) for runner in runners if runner is not None]
        return sorted(found, key=lambda each: each.call.place, reverse=True)

    def find(self, caller: Caller, call_id: str) -> RunningCall | None:
        """One of them."""
        runner = self._calls.runner(caller, call_id)
        return None if runner is None else self._shown(runner)

    async def watch(self, caller: Caller, *, look_seconds: float) -> AsyncGenerator[Changes]:
        """What changes from now on, at first what there is; an empty one whenever nothing has changed for `look_seconds`.

        It ends with the server. Raises StoreUnavailable.
        """
        changed: set[str] = set()
        has_changed = asyncio.Event()

        async def read(events: AsyncIterator[FeedEvent | FeedPosition]) -> None:
            async for event in events:
                if isinstance(event, FeedEvent):
                    changed.add(event.call_id)
                    has_changed.set()

        async with self._calls.reader.follow_account(caller, None) as events:
            reading = asyncio.create_task(read(events))
            reading.add_done_callback(lambda _: has_changed.set())
            try:
                yield Changes(tuple(self.all(caller)), ())
                while not reading.done():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(look_seconds):
                            await has_changed.wait()
                    has_changed.clear()
                    ids = sorted(changed)
                    changed.clear()
                    found = {call_id: self.find(caller, call_id) for call_id in ids}
                    yield Changes(
                        tuple(call for call in found.values() if call is not None),
                        tuple(call_id for call_id, call in found.items() if call is None),
                    )
                    await asyncio.wait([reading], timeout=PAUSE_SECONDS)
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading

    def _shown(self, runner: Runner) -> RunningCall:
        call, history = runner.call, runner.history
        entered_at, state = call.accepted_utc, ""
        for line in history:
            if line.state != state:
                entered_at, state = line.at, line.state
        # By the call's own clock, which nobody sets.
        utc_now = call.utc(self._clock.now())
        return RunningCall(
            call=as_stored(call, history),
            key_id=call.key_id,
            user_name=call.user.name,
            destination_name=call.destination.name,
            in_state_seconds=max(0.0, utc_now - entered_at),
            seconds=max(0.0, utc_now - call.accepted_utc),
        )
