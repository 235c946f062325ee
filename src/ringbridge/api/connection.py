"""One HTTP connection: uvicorn's, with the bounds that it leaves to a proxy.

A request has REQUEST_SECONDS from its first octet to its last, and a connection as long for its first request, so
that nobody holds connections open by sending slowly. A head has at most MAX_HEAD_OCTETS, so that nobody fills the
memory with header fields. What is no HTTP, or too slow, is answered in JSON, as everything is. The head and the body of an answer,
which uvicorn writes apart, leave in one packet.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

REQUEST_SECONDS = 10.0

# Apache and nginx take 8 KiB a line; browsers behind several proxies come near 16 KiB with everything.
MAX_HEAD_OCTETS = 32 * 1024


def _last_answer(status: int, phrase: str, code: str) -> bytes:
    """An answer after which the connection is closed; `code` goes into X-Error-Code."""
    body = f'{{"error": "{phrase}"}}'
    fields = (
        "content-type: application/json; charset=utf-8",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        f"x-error-code: {code}",
        "connection: close",
    )
    return "\r\n".join((f"HTTP/1.1 {status} {phrase}", *fields, "", body)).encode()


_BAD_REQUEST = _last_answer(400, "Bad Request", "malformed_request")
_REQUEST_TIMEOUT = _last_answer(408, "Request Timeout", "request_timeout")


class HeadTooLong(Exception):
    """The request's head exceeds MAX_HEAD_OCTETS. The parser turns it into a malformed request."""


class GatheringTransport(asyncio.Transport):
    """Writes to `transport` what one turn of the event loop brings, in one system call; for the rest it is `transport`."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes | bytearray | memoryview] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered and not self._transport.is_closing():
            self._transport.write(b"".join(gathered))


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol for httptools, bounded in time and size."""

    _deadline: asyncio.TimerHandle | None = None
    _is_in_head = False
    _head_octets = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(GatheringTransport(transport, self.loop))
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_in_head:
            self._head_octets += len(data)
            if self._head_octets > MAX_HEAD_OCTETS:
                self.send_400_response("The head is too long.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._head_octets = 0
        if self._deadline is None:
            self._arm()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_OCTETS:
            raise HeadTooLong
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._disarm()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """`msg` is for uvicorn's log only."""
        self._is_in_head = False
        self.transport.write(_BAD_REQUEST)
        self.transport.close()

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close(self) -> None:
        self._deadline = None
        if self._is_answer_due():
            self.transport.write(_REQUEST_TIMEOUT)
        self.transport.close()

    def _is_answer_due(self) -> bool:
        """Whether part of a request is there and nothing is being said to it, or to the one before it."""
        # uvicorn has none before the first request, whatever it declares.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if self._is_in_head:
            return cycle is None or cycle.response_complete
        return cycle is not None and not cycle.response_started
