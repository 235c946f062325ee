"""What somebody at a page does with one call: placing it once however often they press, and watching what becomes of it."""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from weakref import WeakValueDictionary

from ringbridge.call.errors import NotFound
from ringbridge.call.history import CallFilter, StoredCall, StoredEvent
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.model import State
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.repetition import Placed
from ringbridge.service.request import CallRequest

# What is called again is rarely older, and a line that is seldom used is not looked for in years of others' calls.
RECENT_SECONDS = 30 * 86_400.0
# Of so many calls the numbers are listed, each once.
_RECENT_CALLS = 40

_CALL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FORM = re.compile(r"[A-Za-z0-9_\-]{16,64}")


class Dialler:
    """The use cases of a page with a number, a button, and a call."""

    def __init__(self, calls: CallService, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._clicks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def place(self, caller: Caller, line: str, number: str, form: str) -> Placed:
        """The call that is asked for by the form with the id `form`: once, however often it is sent.

        A second click waits for the first, and gets its call. Raises what `CallService.place` does.
        """
        request = CallRequest(user_line=line, destination_line=number)
        if not _FORM.fullmatch(form):
            # Not one of our forms: repeated clicks are known by their numbers.
            return await self._calls.place(caller, request)
        # No key that a program sends has a tab, and each line's forms are apart.
        text = "\t".join(("", "form", caller.key.id, *caller.key.lines, form))
        digest = hashlib.sha256(f"{line}\n{number}".encode("utf-8", "replace")).hexdigest()
        click = self._clicks.setdefault(f"{caller.account.id}{text}", asyncio.Lock())
        async with click:
            return await self._calls.place(caller, request, IdempotencyKey(text, digest))

    async def find(self, caller: Caller, call_id: str) -> StoredCall:
        """A call that the caller may see. Raises NotFound, StoreUnavailable."""
        call = await self._calls.find(caller, call_id) if _CALL_ID.fullmatch(call_id) else None
        if call is None:
            raise NotFound("There is no call with this id.")
        return call

    async def watch(
        self, caller: Caller, call_id: str, *, look_seconds: float
    ) -> AsyncGenerator[StoredCall | None]:
        """The call as it is now and after each thing that happens to it, until its end; None when nothing has happened for so long.

        Raises NotFound, StoreUnavailable.
        """
        call = await self.find(caller, call_id)
        yield call
        if call.state == State.ENDED.value:
            return
        async with aclosing(self._calls.follow(caller, call_id, len(call.events))) as events:
            coming = _next(events)
            try:
                while True:
                    await asyncio.wait([coming], timeout=look_seconds)
                    if not coming.done():
                        yield None
                        continue
                    if coming.result() is None:
                        return
                    coming = _next(events)
                    call = await self.find(caller, call_id)
                    yield call
                    if call.state == State.ENDED.value:
                        return
            finally:
                coming.cancel()
                with suppress(asyncio.CancelledError):
                    await coming

    async def recent(self, caller: Caller, line: str | None, limit: int) -> list[StoredCall]:
        """The caller's last calls of a line, or of all that they see, the newest first, one for each number.

        Raises InvalidUserLine, StoreUnavailable.
        """
        wanted = CallFilter(accepted_from=self._clock.utc_now() - RECENT_SECONDS)
        calls = await self._calls.page(caller, wanted, None, _RECENT_CALLS, user_line=line)
        newest: dict[str, StoredCall] = {}
        for call in calls:
            newest.setdefault(call.destination.number, call)
        return list(newest.values())[:limit]


def _next(events: AsyncGenerator[StoredEvent]) -> asyncio.Task[StoredEvent | None]:
    """The next event, or None at the end, as something that can be waited for more than once."""

    async def read() -> StoredEvent | None:
        return await anext(events, None)

    return asyncio.create_task(read())
