"""One connection with a peer, whoever opened it: octets in, whole messages on; messages in, octets out."""

import asyncio
from collections.abc import Iterator
from typing import Protocol, cast

import structlog

from ringbridge.sip.errors import MalformedStream
from ringbridge.sip.hop import Hop

log = structlog.get_logger()

MAX_QUEUED_OCTETS = 1024 * 1024
"""More does not wait for a peer that reads slowly or not at all: a thousand messages are more than any call needs."""


class Framing(Protocol):
    """How messages stand in a stream: `sip.framing.Framing` or `WebSocketFraming`."""

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Take the next octets, and yield the messages that they complete. Raises MalformedStream."""
        ...

    def take_reply(self) -> bytes:
        """Return what the stream itself wants sent back, and forget it."""
        ...

    def wrap(self, message: bytes) -> bytes:
        """Return a message of ours as it goes on the stream."""
        ...

    def ping(self) -> bytes:
        """Return what keeps the stream alive on the way."""
        ...


class Keeper(Protocol):
    """Who keeps the connections: `Streams`."""

    def receive(self, connection: "Connection", message: bytes) -> None:
        """Take a message."""
        ...

    def pump(self) -> None:
        """Send and tell what came of the messages."""
        ...

    def lose(self, connection: "Connection", error: Exception | None) -> None:
        """The connection is closed, or was never made."""
        ...

    def now(self) -> float:
        """Monotonic seconds."""
        ...


class Connection(asyncio.Protocol):
    """A connection with `hop`. What is sent before it is made waits for that.

    is_outbound: whether we make it. is_trusted: whether a message has come over it of somebody who is heard.
    """

    def __init__(self, hop: Hop, framing: Framing, keeper: Keeper, *, is_outbound: bool) -> None:
        self.hop = hop
        self.is_outbound = is_outbound
        self.is_trusted = False
        self.made_at = self.used_at = self.written_at = keeper.now()
        self._framing = framing
        self._keeper = keeper
        self._transport: asyncio.Transport | None = None
        self._is_closing = False
        self._waiting = bytearray()

    @property
    def is_open(self) -> bool:
        """Whether what is sent now has a chance to arrive."""
        return not self._is_closing

    def send(self, message: bytes) -> None:
        """Send a message, or keep it until the connection is made."""
        self.used_at = self._keeper.now()
        self._write(self._framing.wrap(message))

    def ping(self) -> None:
        """Send what keeps the connection alive on the way, and shows whether it is."""
        self._write(self._framing.ping())

    def close(self) -> None:
        """Close it behind what was sent."""
        self._is_closing = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close it at once; what was not yet sent is lost."""
        self._is_closing = True
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is made: send what has waited."""
        self._transport = cast(asyncio.Transport, transport)
        if self._is_closing:
            self._transport.abort()
        waiting, self._waiting = bytes(self._waiting), bytearray()
        self._write(waiting)

    def data_received(self, data: bytes) -> None:
        """Take octets in."""
        if self._is_closing:
            return
        try:
            for message in self._framing.receive(data):
                self.used_at = self._keeper.now()
                self._keeper.receive(self, message)
        except MalformedStream as error:
            if error.head is not None:
                self._keeper.receive(self, error.head)
            log.info("sip.stream_malformed", peer=self.hop.host, error=str(error))
            self._keeper.pump()
            self._write(self._framing.take_reply())
            self.close()
        else:
            self._write(self._framing.take_reply())
            self._keeper.pump()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is closed, by whom ever."""
        self._is_closing = True
        self._transport = None
        self._keeper.lose(self, error)

    def _write(self, data: bytes) -> None:
        if not data or (self._is_closing and self._transport is None):
            return
        self.written_at = self._keeper.now()
        if self._transport is None:
            self._waiting += data
            queued = len(self._waiting)
        else:
            self._transport.write(data)
            queued = self._transport.get_write_buffer_size()
        if queued > MAX_QUEUED_OCTETS:
            log.warning("sip.slow_reader", peer=self.hop.host, transport=self.hop.transport, octets=queued)
            self.abort()
