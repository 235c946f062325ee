"""SIP over WebSocket against the other side of the same library, and against a browser's handshake written by hand."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus, NegotiationError
from websockets.frames import Frame
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from ringbridge.engines.native.driver import StreamSettings
from ringbridge.engines.native.tls import TlsContexts
from ringbridge.engines.native.websocket import WebSocketFraming
from ringbridge.sip.errors import MalformedStream
from tests.engines.native.opened import WAIT_SECONDS, OpenedDriver, opened_driver
from tests.engines.native.test_streams import options
from tests.peers.certificates import Authority
from tests.peers.tool import LOOPBACK, free_port

SIP = Subprotocol("sip")
MESSAGE = b"OPTIONS sip:x SIP/2.0\r\n\r\n"


class Browser:
    """A client without a socket, whose handshake with a framing is done."""

    def __init__(self, framing: WebSocketFraming, *, origin: str | None = None) -> None:
        self.framing = framing
        self.protocol = ClientProtocol(
            parse_uri("wss://sip.example.com/"),
            subprotocols=[SIP],
            origin=None if origin is None else Origin(origin),
        )
        self.protocol.send_request(self.protocol.connect())
        self.messages = self.exchange()

    def exchange(self) -> list[bytes]:
        """Let everything that the client has said arrive, and the answer: the messages that came of it."""
        messages = list(self.framing.receive(b"".join(self.protocol.data_to_send())))
        self.protocol.receive_data(self.framing.take_reply())
        return messages

    def frames(self) -> list[Frame]:
        return [event for event in self.protocol.events_received() if isinstance(event, Frame)]


def test_a_message_in_one_frame_or_many_is_one_message() -> None:
    browser = Browser(WebSocketFraming())

    browser.protocol.send_text(MESSAGE)
    browser.protocol.send_text(MESSAGE[:5], fin=False)
    browser.protocol.send_ping(b"between")
    browser.protocol.send_continuation(MESSAGE[5:], fin=True)
    browser.protocol.send_binary(MESSAGE)

    assert browser.exchange() == [MESSAGE] * 3


def test_what_we_say_is_text_unless_it_is_none() -> None:
    framing = WebSocketFraming()
    browser = Browser(framing)
    browser.frames()

    for message in (MESSAGE, b"\xff"):
        browser.protocol.receive_data(framing.wrap(message))

    assert [(frame.opcode.name, bytes(frame.data)) for frame in browser.frames()] == [
        ("TEXT", MESSAGE),
        ("BINARY", b"\xff"),
    ]


def test_a_ping_is_one_of_the_websocket() -> None:
    framing = WebSocketFraming()
    browser = Browser(framing)
    browser.frames()
    browser.protocol.receive_data(framing.ping())

    assert [frame.opcode.name for frame in browser.frames()] == ["PING"]


def test_before_the_handshake_there_is_nothing_to_say() -> None:
    framing = WebSocketFraming()

    assert (framing.wrap(MESSAGE), framing.ping()) == (b"", b"")


def test_only_pages_that_are_named_may_connect() -> None:
    Browser(WebSocketFraming(["https://crm.example.com"]), origin="https://crm.example.com")

    framing = WebSocketFraming(["https://crm.example.com"])
    with pytest.raises(MalformedStream):
        Browser(framing, origin="https://evil.example.com")
    assert framing.take_reply().startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 426 "),
        (MESSAGE, b""),
        (b"\x00" * 9000, b""),
    ],
)
def test_what_is_no_handshake_ends_the_stream(octets: bytes, reply: bytes) -> None:
    framing = WebSocketFraming()

    with pytest.raises(MalformedStream):
        list(framing.receive(octets))
    assert framing.take_reply().startswith(reply)


def test_the_end_of_the_websocket_is_the_end_of_the_stream() -> None:
    browser = Browser(WebSocketFraming())
    browser.protocol.send_text(MESSAGE)
    browser.protocol.send_close()

    with pytest.raises(MalformedStream):
        browser.exchange()


def test_a_message_that_is_too_long_ends_the_stream() -> None:
    browser = Browser(WebSocketFraming())
    browser.protocol.send_text(b"x" * 70_000)

    with pytest.raises(MalformedStream):
        browser.exchange()


# Over the wire


@asynccontextmanager
async def listening(
    authority: Authority, port: int, *, origins: tuple[str, ...] = ()
) -> AsyncIterator[OpenedDriver]:
    files = authority.issue("sip.example.com")
    tls = TlsContexts(certificate=str(files.certificate), key=str(files.key))
    async with opened_driver(StreamSettings(tls=tls, wss_port=port, origins=origins)) as opened:
        yield opened


def connection(
    port: int, context: ssl.SSLContext, *, origin: str | None = None, subprotocol: str = "sip"
) -> connect:
    return connect(
        f"wss://{LOOPBACK}:{port}/",
        ssl=context,
        server_hostname="sip.example.com",
        subprotocols=[Subprotocol(subprotocol)],
        origin=None if origin is None else Origin(origin),
        proxy=None,
    )


async def asked(browser: ClientConnection, data: bytes) -> str:
    await browser.send(data.decode())
    answer = await asyncio.wait_for(browser.recv(), WAIT_SECONDS)
    assert isinstance(answer, str)
    return answer


async def test_a_browser_that_is_known_gets_its_answer(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path), free_port(socket.SOCK_STREAM)
    async with (
        listening(authority, port) as opened,
        connection(port, authority.client_context()) as browser,
    ):
        answer = await asked(browser, options(opened))

    assert browser.subprotocol == "sip"
    assert answer.startswith("SIP/2.0 200 OK\r\n")


async def test_a_page_that_is_not_named_is_refused(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path), free_port(socket.SOCK_STREAM)
    async with listening(authority, port, origins=("https://crm.example.com",)):
        with pytest.raises(InvalidStatus, match="403"):
            await connection(port, authority.client_context(), origin="https://evil.example.com")
        async with connection(port, authority.client_context(), origin="https://crm.example.com"):
            pass


async def test_who_does_not_speak_sip_is_refused(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path), free_port(socket.SOCK_STREAM)
    async with listening(authority, port):
        with pytest.raises((InvalidStatus, NegotiationError)):
            await connection(port, authority.client_context(), subprotocol="chat")


async def test_a_browser_that_says_goodbye_is_let_go(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path), free_port(socket.SOCK_STREAM)
    async with (
        listening(authority, port) as opened,
        connection(port, authority.client_context()) as browser,
    ):
        await asked(browser, options(opened))
        await browser.close()

        with pytest.raises(ConnectionClosed):
            await browser.recv()
