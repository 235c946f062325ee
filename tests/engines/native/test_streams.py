"""Connections over real sockets on loopback: made, shared, kept, limited and lost."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from ringbridge.engines.native import connection, streams
from ringbridge.sip.endpoint import Packet
from ringbridge.sip.event import RefusalSource, Refused
from ringbridge.sip.hop import Hop
from tests.engines.native.opened import WAIT_SECONDS, OpenedDriver, opened_driver
from tests.peers.phone import Phone
from tests.peers.stream_phone import StreamPhone
from tests.peers.tool import LOOPBACK, free_port, poll

OPTIONS = (
    "OPTIONS sip:{place} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK{number}\r\n"
    "From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:b@127.0.0.1>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\n"
    "Max-Forwards: 70\r\n{length}\r\n\r\n"
)


def options(opened: OpenedDriver, number: int = 1, *, length: str = "Content-Length: 0") -> bytes:
    return OPTIONS.format(place=opened.driver.local.sent_by, number=number, length=length).encode()


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle connections are looked for all the time."""
    monkeypatch.setattr(streams, "SWEEP_SECONDS", 0.01)


@asynccontextmanager
async def connected(opened: OpenedDriver) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A peer that has connected to the driver."""
    reader, writer = await asyncio.open_connection(*opened.address)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Return once the driver has closed the connection, with True if it said nothing more."""
    with suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), WAIT_SECONDS) == b""
    return True


@pytest.fixture
def port() -> int:
    return free_port(socket.SOCK_STREAM)


async def test_two_calls_to_a_peer_share_one_connection(port: int) -> None:
    async with StreamPhone.listening_for_connections(port) as phone, opened_driver() as opened:
        for number in ("1", "2"):
            opened.invite(Hop("TCP", LOOPBACK, port), number=number)
        for number in ("1", "2"):
            (await phone.leg_to(number)).refuse(486)
            assert isinstance(await opened.event(), Refused)
        assert (phone.accepted, len(opened.driver.streams)) == (1, 1)


async def test_what_is_said_names_the_transport(port: int) -> None:
    async with StreamPhone.listening_for_connections(port) as phone, opened_driver() as opened:
        opened.invite(Hop("TCP", LOOPBACK, port))
        invite = (await phone.leg_to("x")).invite
        own_port = opened.driver.local.port

    assert invite.first("Via").startswith(f"SIP/2.0/TCP 127.0.0.1:{own_port};rport;alias;branch=")
    assert invite.first("Contact") == f"<sip:127.0.0.1:{own_port};transport=tcp>"


async def test_a_call_to_where_nobody_listens_fails_at_once(port: int) -> None:
    async with opened_driver() as opened:
        opened.invite(Hop("TCP", LOOPBACK, port))
        event = await opened.event()

        assert isinstance(event, Refused)
        assert event.source is RefusalSource.TRANSPORT
        assert len(opened.driver.streams) == 0


async def test_an_invite_whose_connection_breaks_is_sent_over_a_new_one_and_fails_with_that(
    port: int,
) -> None:
    async with StreamPhone.listening_for_connections(port) as phone, opened_driver() as opened:
        opened.invite(Hop("TCP", LOOPBACK, port))
        leg = await phone.leg_to("x")
        await phone.reset()
        await leg.heard("INVITE", count=2)
        await phone.reset()
        event = await opened.event()

    assert isinstance(event, Refused)
    assert event.source is RefusalSource.TRANSPORT
    assert phone.accepted == 2


async def test_a_connection_that_died_unnoticed_costs_no_request(port: int) -> None:
    async with StreamPhone.listening_for_connections(port) as phone, opened_driver() as opened:
        opened.invite(Hop("TCP", LOOPBACK, port), number="1")
        (await phone.leg_to("1")).refuse(486)
        await opened.event()
        await phone.vanish()
        started_at = time.monotonic()
        opened.invite(Hop("TCP", LOOPBACK, port), number="2")
        await phone.leg_to("2")

    assert time.monotonic() - started_at < 20.0


async def test_a_long_request_goes_over_tcp(port: int) -> None:
    async with StreamPhone.listening_for_connections(port) as phone, opened_driver() as opened:
        opened.invite(Hop("UDP", LOOPBACK, port), body=b"x" * 1300)
        leg = await phone.leg_to("x")

    assert "SIP/2.0/TCP" in leg.invite.first("Via")


async def test_a_long_request_is_a_datagram_for_a_peer_without_tcp() -> None:
    async with Phone.listening(0) as phone, opened_driver() as opened:
        opened.invite(Hop("UDP", LOOPBACK, phone.port), body=b"x" * 1300)
        leg = await phone.leg_to("x")

    assert "SIP/2.0/UDP" in leg.invite.first("Via")


async def test_an_answer_whose_connection_is_gone_goes_over_a_new_one(port: int) -> None:
    gone, listening = Hop("TCP", LOOPBACK, 9), Hop("TCP", LOOPBACK, port)
    received = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.set_result(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, port)
    async with server, opened_driver() as opened:
        opened.driver.streams.send(Packet(b"an answer", gone, listening))

        assert await asyncio.wait_for(received, WAIT_SECONDS) == b"an answer"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_request_that_comes_in_octets_is_answered_on_its_connection(host: str) -> None:
    async with opened_driver(host=host) as opened, connected(opened) as (reader, writer):
        for octet in options(opened):
            writer.write(bytes([octet]))
            await writer.drain()
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_SECONDS)

    assert answer.startswith(b"SIP/2.0 200 OK\r\n")


async def test_a_hundred_requests_in_one_segment_are_all_answered() -> None:
    async with opened_driver() as opened, connected(opened) as (reader, writer):
        writer.write(b"".join([options(opened, number) for number in range(100)]))
        answers = [await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_SECONDS) for _ in range(100)]

    assert [f"Call-ID: {number}\r\n".encode() in answer for number, answer in enumerate(answers)] == [
        True
    ] * 100


async def test_a_ping_gets_its_pong() -> None:
    async with opened_driver() as opened, connected(opened) as (reader, writer):
        writer.write(b"\r\n\r\n")

        assert await asyncio.wait_for(reader.readexactly(2), WAIT_SECONDS) == b"\r\n"


@pytest.mark.parametrize("length", ["-1", "2147483648", "1000000000"])
async def test_a_length_that_cannot_be_is_refused_and_the_connection_closed(length: str) -> None:
    async with opened_driver() as opened, connected(opened) as (reader, writer):
        writer.write(options(opened, length=f"Content-Length: {length}") + options(opened, 2))
        everything = await asyncio.wait_for(reader.read(), 20.0)

    assert everything.startswith(b"SIP/2.0 400 ")
    assert everything.count(b"SIP/2.0 ") == 1


@pytest.mark.parametrize("bad", [OPTIONS.format(place="a", number=1, length="X: y"), "X: y\r\n" * 300])
async def test_what_cannot_be_framed_closes_the_connection(bad: str) -> None:
    async with opened_driver() as opened, connected(opened) as (reader, writer):
        writer.write(bad.encode())

        assert await is_closed(reader)


@pytest.mark.usefixtures("often")
async def test_who_has_said_nothing_of_use_after_30_seconds_is_disconnected() -> None:
    clock = Clock()
    async with (
        opened_driver(now=clock) as opened,
        connected(opened) as (mute, _),
        connected(opened) as (reader, writer),
    ):
        writer.write(options(opened))
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_SECONDS)
        await poll(lambda: _value(len(opened.driver.streams)), lambda count: count == 2, "both connections")
        clock.seconds = 30.1

        assert await is_closed(mute)
        assert len(opened.driver.streams) == 1


@pytest.mark.usefixtures("often")
async def test_a_connection_of_ours_is_kept_alive_and_closed_when_nobody_needs_it(port: int) -> None:
    clock, octets = Clock(), asyncio.StreamReader()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            octets.feed_data(data)
        octets.feed_eof()
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, port)
    async with server, opened_driver(now=clock) as opened:
        opened.driver.streams.send(Packet(b"words", Hop("TCP", LOOPBACK, port)))
        assert await asyncio.wait_for(octets.readexactly(5), WAIT_SECONDS) == b"words"
        clock.seconds = 31.0
        assert await asyncio.wait_for(octets.readexactly(4), WAIT_SECONDS) == b"\r\n\r\n"
        clock.seconds = 601.0

        assert (await asyncio.wait_for(octets.read(), WAIT_SECONDS)).strip() == b""


@pytest.mark.usefixtures("often")
async def test_a_connection_that_a_call_needs_is_not_closed_for_idleness(port: int) -> None:
    clock = Clock()
    async with StreamPhone.listening_for_connections(port) as phone, opened_driver(now=clock) as opened:
        opened.invite(Hop("TCP", LOOPBACK, port))
        leg = await phone.leg_to("x")
        leg.ring()
        await opened.event()
        clock.seconds = 700.0
        leg.refuse(486)

        assert isinstance(await opened.event(), Refused)
        assert phone.accepted == 1


async def test_one_host_has_only_so_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_CONNECTIONS_PER_HOST", 2)
    async with opened_driver() as opened:
        async with connected(opened), connected(opened), connected(opened) as (third, _):
            assert await is_closed(third)
        await poll(lambda: _value(len(opened.driver.streams)), lambda count: count == 0, "no connections")
        async with connected(opened) as (reader, writer):
            writer.write(b"\r\n\r\n")
            assert await asyncio.wait_for(reader.readexactly(2), WAIT_SECONDS) == b"\r\n"


async def test_who_does_not_read_is_disconnected_before_much_waits_for_it(port: int) -> None:
    stuck = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stuck.wait()
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, port, limit=1024)
    hop = Hop("TCP", LOOPBACK, port)
    async with server, opened_driver() as opened:
        driver = opened.driver
        driver.streams.send(Packet(b"x", hop))
        await poll(lambda: _value(len(driver.streams)), lambda count: count == 1, "a connection")
        first = driver.streams._connections[hop]
        for _ in range(200):
            if not first.is_open:
                break
            driver.streams.send(Packet(b"x" * 60_000, hop))
            await poll(lambda: _value(True), bool, "a turn of the loop")
        stuck.set()

        assert not first.is_open
        assert len(first._waiting) <= connection.MAX_QUEUED_OCTETS + 60_000


async def test_a_browser_that_is_gone_cannot_be_called_back() -> None:
    async with opened_driver() as opened:
        opened.invite(Hop("WSS", LOOPBACK, 9))

        assert isinstance(await opened.event(), Refused)


async def _value(value: object) -> object:
    return value
