"""The client for programs with an event loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from typing_extensions import Unpack

from ringbridge.client import operation
from ringbridge.client.blocking import ANSWER_SECONDS, STREAM_SECONDS
from ringbridge.client.errors import ServerBusy, ServerUnreachable
from ringbridge.client.model import Call, CallEvent, Document, Record
from ringbridge.client.operation import CallOptions, Operation, Page
from ringbridge.client.patience import AGAIN_SECONDS, AWAY_SECONDS, Patience

Result = TypeVar("Result")
Item = TypeVar("Item")


class AsyncClient:
    """Asks the server at `url` for an account; an async context manager. It offers what `Client` offers, and raises the same."""

    def __init__(
        self, url: str, account_id: str, key: str, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._url = operation.server_url(url)
        self._headers = {"Authorization": operation.authorization(account_id, key)}
        self._timeout = aiohttp.ClientTimeout(total=answer_seconds)
        self._opened: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._opened = aiohttp.ClientSession(headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            raise RuntimeError("an AsyncClient is opened first: async with AsyncClient(...) as client")
        return self._opened

    async def place(
        self,
        user_line: str,
        destination_line: str,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Call:
        """Ask for a call, which is stored when this returns. With the same idempotency key it is asked for once."""
        return await self._do(operation.place(user_line, destination_line, options, idempotency_key))

    async def find(self, call_id: str) -> Call:
        """The call as it is now. Raises NotThere."""
        return await self._do(operation.find(call_id))

    def calls(self, **filters: Any) -> AsyncIterator[Call]:
        """The account's calls, the last first; `filters` are those of docs/api.md. Asks for pages as they are needed."""
        return self._all(lambda cursor: operation.page_of_calls(filters, cursor))

    def records(self, **filters: Any) -> AsyncIterator[Record]:
        """The records of calls that are over, the last first; `filters` are those of docs/api.md."""
        return self._all(lambda cursor: operation.page_of_records(filters, cursor))

    async def follow(self, call_id: str, *, after: int = 0) -> AsyncIterator[CallEvent]:
        """The call's history behind a sequence, as it happens, to its end.

        A stream that breaks is taken up again, also from a server that is away for a minute at most.
        """
        patience = Patience()
        while True:
            pause_seconds = AGAIN_SECONDS
            try:
                async for event in self._stream(operation.events_path(call_id, after), patience):
                    if event is None:
                        return
                    after = event.sequence
                    yield event
                    if event.state == "ended":
                        return
            except (ServerUnreachable, ServerBusy):
                if patience.is_over(time.monotonic()):
                    raise
                pause_seconds = AWAY_SECONDS
            await _pause(pause_seconds)

    async def wait(self, call_id: str) -> Call:
        """The call when it is over; a server that is away meanwhile is waited for as in `follow`."""
        patience = Patience()
        async for _ in self.follow(call_id):
            pass
        patience.heard()
        while True:
            try:
                return await self.find(call_id)
            except (ServerUnreachable, ServerBusy):
                if patience.is_over(time.monotonic()):
                    raise
            await _pause(AWAY_SECONDS)

    async def hang_up(self, call_id: str) -> None:
        """End the call. Raises Refused with `call_already_ended` when it is over."""
        await self._do(operation.hang_up(call_id))

    async def hold(self, call_id: str, leg: str = "destination") -> None:
        """Put one leg, `user` or `destination`, on hold."""
        await self._do(operation.act(call_id, "hold", {"leg": leg}))

    async def resume(self, call_id: str) -> None:
        """Join both legs again."""
        await self._do(operation.act(call_id, "resume", None))

    async def press(self, call_id: str, digits: str, leg: str = "destination") -> None:
        """Press keys into one leg; a comma is a pause of a second."""
        await self._do(operation.act(call_id, "digits", {"digits": digits, "leg": leg}))

    async def transfer(self, call_id: str, destination_line: str, leg: str = "destination") -> None:
        """Let one leg talk to a third in place of the other leg, which is released when the third answers."""
        body = {"destination_line": destination_line, "leg": leg}
        await self._do(operation.act(call_id, "transfer", body))

    async def release(self, call_id: str, leg: str) -> None:
        """Hang up one leg; the other one is told why."""
        await self._do(operation.act(call_id, "hangup", {"leg": leg}))

    async def export_records(self, **filters: Any) -> str:
        """All records that the filters let through as a table (CSV, RFC 4180), in memory."""
        return await self._do(operation.export_of_records(filters))

    async def ask(self, method: str, path: str, body: Document | None = None) -> Document:
        """Whatever else docs/api.md offers: the document that is answered."""
        return await self._do(operation.ask(method, path, body))

    async def _all(self, page_at: Callable[[str | None], Operation[Page[Item]]]) -> AsyncIterator[Item]:
        cursor = None
        while True:
            page = await self._do(page_at(cursor))
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _do(self, wanted: Operation[Result]) -> Result:
        headers = dict(wanted.headers or {})
        if wanted.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                wanted.method,
                self._url + wanted.path,
                data=wanted.content(),
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._unreachable() from error
        return wanted.result(answer.status, _lower(answer.headers), content)

    async def _stream(self, path: str, patience: Patience) -> AsyncIterator[CallEvent | None]:
        """The events until the connection ends; None when nothing will follow."""
        endless = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_SECONDS, sock_read=STREAM_SECONDS)
        try:
            async with self._session.get(self._url + path, timeout=endless) as answer:
                if answer.status == 204:
                    yield None
                    return
                if answer.status != 200:
                    raise operation.refused(answer.status, _lower(answer.headers), await answer.read())
                patience.heard()
                async for line in answer.content:
                    event = operation.event_in(line)
                    if event is not None:
                        yield event
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable() from error

    def _unreachable(self) -> ServerUnreachable:
        return ServerUnreachable(f"no ringbridge answers at {self._url}")


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def _pause(seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
