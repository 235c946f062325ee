"""What somebody at a page does with one call: placing it once however often they press, and watching what becomes of it."""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from weakref import WeakValueDictionary

from ringbridge.call.errors import NotFound, RequestRefused
from ringbridge.call.history import StoredCall, StoredEvent
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.model import LegName, State
from ringbridge.call.record import ERASED, Record, RecordFilter
from ringbridge.service.actions import CallActions
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService
from ringbridge.service.records import RecordService
from ringbridge.service.repetition import Placed
from ringbridge.service.request import CallRequest, ScheduleRequest
from ringbridge.service.schedules import ScheduleService

# Of so many calls the numbers are listed, each once.
_RECENT_CALLS = 40

_CALL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FORM = re.compile(r"[A-Za-z0-9_\-]{16,64}")


class AccountSuspended(RequestRefused):
    """Nobody of the account calls. Keys are refused at the door for that; people who are signed in still look around."""

    code = "account_suspended"


class Dialler:
    """The use cases of a page with a number, a button, and a call."""

    def __init__(self, calls: CallService, records: RecordService, schedules: ScheduleService) -> None:
        self._calls = calls
        self._schedules = schedules
        self._actions = CallActions(calls)
        self._records = records
        self._clicks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def place(self, caller: Caller, line: str, number: str, form: str) -> Placed:
        """The call that is asked for by the form with the id `form`: once, however often it is sent.

        A second click waits for the first, and gets its call. Raises AccountSuspended and what `CallService.place` does.
        """
        request = CallRequest(user_line=line, destination_line=number)
        return await self._once(caller, form, request, partial(self._calls.place, caller, request))

    async def schedule(
        self, caller: Caller, line: str, number: str, wanted: ScheduleRequest, form: str
    ) -> Placed:
        """The same, placed as `wanted`. Raises AccountSuspended and what `ScheduleService.place` does."""
        request = CallRequest(user_line=line, destination_line=number)
        place = partial(self._schedules.place, caller, request, wanted)
        return await self._once(caller, form, (request, wanted), place)

    async def _once(
        self,
        caller: Caller,
        form: str,
        asked: object,
        place: Callable[[IdempotencyKey | None], Awaitable[Placed]],
    ) -> Placed:
        """What `place` gives, once for each form. `asked` is what it asks for: another one with the same form is refused."""
        _require_active(caller)
        if not _FORM.fullmatch(form):
            # Not one of our forms: repeated clicks are known by their numbers.
            return await place(None)
        # No key that a program sends has a tab, and each line's forms are apart.
        text = "\t".join(("", "form", caller.key.id, *caller.key.lines, form))
        digest = hashlib.sha256(repr(asked).encode("utf-8", "replace")).hexdigest()
        click = self._clicks.setdefault(f"{caller.account.id}{text}", asyncio.Lock())
        async with click:
            return await place(IdempotencyKey(text, digest))

    async def transfer(self, caller: Caller, call_id: str, number: str) -> None:
        """Have the other side talk to this number in place of the user. Raises AccountSuspended and what `CallActions.transfer` does."""
        _require_active(caller)
        await self._actions.transfer(caller, call_id, LegName.DESTINATION, number)

    async def find(self, caller: Caller, call_id: str) -> StoredCall:
        """A call that the caller may see. Raises NotFound, StoreUnavailable."""
        call = await self._calls.reader.find(caller, call_id) if _CALL_ID.fullmatch(call_id) else None
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
        async with aclosing(self._calls.reader.follow(caller, call_id, len(call.events))) as events:
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

    def current(self, caller: Caller, line: str) -> str | None:
        """The id of the call of this line that is up, the newest if there are several."""
        ids = [runner.call.id for runner in self._calls.runners() if runner.call.user.number == line]
        return next((each for each in sorted(ids, reverse=True) if self._calls.runner(caller, each)), None)

    async def recent(self, caller: Caller, line: str, limit: int) -> list[Record]:
        """The last calls of a line that are over, the newest first, one for each number. Raises StoreUnavailable."""
        if not caller.key.may_use(line):
            return []
        found = await self._records.search(caller, RecordFilter(lines=(line,)), None, _RECENT_CALLS)
        newest: dict[str, Record] = {}
        for record in found.records:
            if record.destination_number != ERASED:
                newest.setdefault(record.destination_number, record)
        return list(newest.values())[:limit]


def _require_active(caller: Caller) -> None:
    if caller.account.suspended:
        raise AccountSuspended("The account is suspended.")


def _next(events: AsyncGenerator[StoredEvent]) -> asyncio.Task[StoredEvent | None]:
    """The next event, or None at the end, as something that can be waited for more than once."""

    async def read() -> StoredEvent | None:
        return await anext(events, None)

    return asyncio.create_task(read())
