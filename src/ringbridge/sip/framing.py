"""From the octets of a stream to whole messages (RFC 3261 sections 7.5 and 18.3), and the keep-alives between them.

What follows a message whose length cannot be read cannot be read either: the connection is lost then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ringbridge.sip.errors import MalformedStream
from ringbridge.sip.grammar import read_number
from ringbridge.sip.parse import MAX_HEADER_FIELDS, MAX_MESSAGE_OCTETS

PING = b"\r\n\r\n"
"""The peer asks whether we are still there (RFC 5626 section 3.5.1)."""
PONG = b"\r\n"

_END_OF_HEADER = b"\r\n\r\n"
# A folded value goes on behind a line break with a blank after it (RFC 3261 section 7.3.1).
_LENGTH = re.compile(
    rb"\r\n(?:content-length|l)[ \t]*+:((?>(?:[^\r\n]++|\r\n(?=[ \t]))*))(?=\r\n)", re.IGNORECASE
)


class Framing:
    """One direction of one stream."""

    __slots__ = ("_buffer", "_length", "_reply", "_scanned")

    def __init__(self) -> None:
        self._buffer = bytearray()
        # How many octets at the front are known to hold no end of a header.
        self._scanned = 0
        # Of the message at the front, once its header is whole.
        self._length: int | None = None
        self._reply = b""

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Take the next octets, and yield the messages that they complete, in order.

        Raises MalformedStream behind the last of them: the connection is to be closed.
        """
        self._buffer += data
        while (message := self._next()) is not None:
            yield message

    def take_reply(self) -> bytes:
        """Return what the stream itself wants sent back, and forget it."""
        reply, self._reply = self._reply, b""
        return reply

    def wrap(self, message: bytes) -> bytes:
        """Return a message of ours as it goes on the stream: as it is."""
        return message

    def ping(self) -> bytes:
        """Return what keeps the stream alive on the way."""
        return PING

    def _next(self) -> bytes | None:
        if self._length is None:
            self._pass_line_breaks()
            self._length = self._find_length()
        if self._length is None or len(self._buffer) < self._length:
            return None
        message = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        self._length = None
        return message

    def _pass_line_breaks(self) -> None:
        """Answer each PING; RFC 3261 section 7.5: another line break in front of a message says nothing."""
        while self._buffer[:2] == b"\r\n":
            if self._buffer[:4] == PING:
                self._reply += PONG
                del self._buffer[:4]
            elif PING.startswith(self._buffer):
                break
            else:
                del self._buffer[:2]

    def _find_length(self) -> int | None:
        """Return how many octets the message at the front has, or None until its header is whole."""
        end = self._buffer.find(_END_OF_HEADER, self._scanned)
        if end < 0:
            self._scanned = max(0, len(self._buffer) - len(_END_OF_HEADER) + 1)
            lines = self._buffer.count(b"\r\n")
            if lines > MAX_HEADER_FIELDS + 1 or len(self._buffer) > MAX_MESSAGE_OCTETS:
                raise MalformedStream("a header does not end")
            return None
        self._scanned = 0
        end += len(_END_OF_HEADER)
        head = bytes(self._buffer[:end])
        values = _LENGTH.findall(head)
        if not values:
            # RFC 3261 section 20.14: on a stream nothing else says where the message ends.
            raise MalformedStream("a message has no Content-Length")
        octets = read_number(values[0].strip().decode("ascii", "replace")) if len(values) == 1 else None
        if octets is None or end + octets > MAX_MESSAGE_OCTETS:
            raise MalformedStream("no usable Content-Length", head=head)
        return end + octets
