"""SIP over WebSocket (RFC 7118): each message of the WebSocket is one of SIP."""

from collections.abc import Iterator, Sequence
from typing import cast

from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from ringbridge.sip.errors import MalformedStream
from ringbridge.sip.parse import MAX_MESSAGE_OCTETS

SUBPROTOCOL = cast(Subprotocol, "sip")


class WebSocketFraming:
    """The server's side of one connection, as `sip.framing.Framing` is that of a plain stream.

    origins: the pages that may connect, as browsers name them (`https://example.com`); none means all.
    """

    def __init__(self, origins: Sequence[str] = ()) -> None:
        self._protocol = ServerProtocol(
            origins=[cast(Origin, origin) for origin in origins] or None,
            subprotocols=[SUBPROTOCOL],
            max_size=MAX_MESSAGE_OCTETS,
        )
        # A message may come in several frames (RFC 6455 section 5.4).
        self._fragments: list[bytes] = []

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Take the next octets, and yield the messages that they complete. Raises MalformedStream at the stream's end."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                # RFC 7118 section 4.1: a client that does not offer `sip` gets no connection.
                self._protocol.send_response(self._protocol.accept(event))
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._fragments.append(bytes(event.data))
                if event.fin:
                    message, self._fragments = b"".join(self._fragments), []
                    yield message
        if self._protocol.state in (State.CLOSING, State.CLOSED) or self._protocol.handshake_exc is not None:
            raise MalformedStream("the WebSocket is closed")

    def take_reply(self) -> bytes:
        """Return what the WebSocket itself wants sent back, and forget it."""
        return b"".join(self._protocol.data_to_send())

    def wrap(self, message: bytes) -> bytes:
        """Return a message of ours as it goes on the stream; nothing if the WebSocket is not open (any more)."""
        try:
            # RFC 7118 section 5.1: text, unless the body is none.
            try:
                message.decode()
            except UnicodeDecodeError:
                self._protocol.send_binary(message)
            else:
                self._protocol.send_text(message)
        except InvalidState:
            return b""
        return self.take_reply()

    def ping(self) -> bytes:
        """Return what keeps the stream alive on the way."""
        try:
            self._protocol.send_ping(b"")
        except InvalidState:
            return b""
        return self.take_reply()
