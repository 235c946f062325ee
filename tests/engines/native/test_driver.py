"""The pump over real UDP sockets on loopback."""

import asyncio
import errno
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from ringbridge.engines.native.driver import (
    DATAGRAMS_AT_ONCE,
    TIMER_SLACK_SECONDS,
    SipDriver,
    SystemRandomness,
)
from ringbridge.sip.endpoint import Endpoint, EndpointSettings
from ringbridge.sip.event import Event, Progressed, RefusalSource, Refused
from ringbridge.sip.hop import Hop


@asynccontextmanager
async def driver(
    events: "asyncio.Queue[Event]", host: str = "127.0.0.1", now: Callable[[], float] = time.monotonic
) -> AsyncIterator[SipDriver]:
    def make_endpoint(local: Hop, others: tuple[Hop, ...]) -> Endpoint:
        return Endpoint(EndpointSettings(local=local, others=others), SystemRandomness())

    opened = await SipDriver.open(host, 0, make_endpoint, events.put_nowait, now)
    try:
        yield opened
    finally:
        opened.close()


def invite(opened: SipDriver, hop: Hop, body: bytes = b"", *, now: float | None = None) -> str:
    session = opened.endpoint.invite(
        target=f"sip:x@{hop.host}:{hop.port}",
        hop=hop,
        from_="<sip:me@127.0.0.1>",
        to="<sip:x@127.0.0.1>",
        body=body,
        pinned=True,
        now=time.monotonic() if now is None else now,
    )
    opened.pump()
    return session


def options(port: int, number: int) -> bytes:
    """A question that is answered at once."""
    return (
        "OPTIONS sip:127.0.0.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 127.0.0.1:{port};rport;branch=z9hG4bK{number}\r\n"
        "From: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\n"
        f"Call-ID: {number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()


async def test_a_phone_that_is_switched_off_is_known_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    events: asyncio.Queue[Event] = asyncio.Queue()
    async with driver(events) as opened:
        session = invite(opened, Hop("UDP", "127.0.0.1", port))
        event = await asyncio.wait_for(events.get(), 20.0)

    assert isinstance(event, Refused)
    assert (event.session, event.source) == (session, RefusalSource.TRANSPORT)


def test_errors_do_not_make_the_driver_deaf() -> None:
    async def hear_after_errors() -> None:
        events: asyncio.Queue[Event] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.setblocking(False)
            phone.bind(("127.0.0.1", 0))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
                closed.bind(("127.0.0.1", 0))
                port = closed.getsockname()[1]
            async with driver(events) as opened:
                opened.endpoint.set_known_peers([phone.getsockname()])
                for number in range(3):
                    # The error of the first is met by the sending of the second, or waits to be read.
                    for _ in range(1 + number):
                        invite(opened, Hop("UDP", "127.0.0.1", port))
                    await asyncio.wait_for(events.get(), 20.0)
                    phone.sendto(options(phone.getsockname()[1], number), ("127.0.0.1", opened.local.port))
                    assert (await asyncio.wait_for(loop.sock_recv(phone, 65_535), 20.0)).startswith(
                        b"SIP/2.0 200"
                    )

    uvloop.run(hear_after_errors())


async def test_an_error_about_one_phone_does_not_cost_another_its_packet() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    events: asyncio.Queue[Event] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        phone.bind(("127.0.0.1", 0))
        async with driver(events) as opened:
            invite(opened, Hop("UDP", "127.0.0.1", port))
            invite(opened, Hop("UDP", "127.0.0.1", phone.getsockname()[1]))
            # Less than T1: a repeated INVITE would hide that the first one was lost.
            data = await asyncio.wait_for(loop.sock_recv(phone, 65_535), 0.4)

    assert data.startswith(b"INVITE ")


async def test_a_request_that_is_too_long_to_be_sent_costs_no_other_to_the_same_phone_its_answer() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        phone.bind(("127.0.0.1", 0))
        async with driver(events) as opened:
            hop = Hop("UDP", "127.0.0.1", phone.getsockname()[1])
            invite(opened, hop)
            too_long = invite(opened, hop, body=bytes(70_000))
            event = await asyncio.wait_for(events.get(), 20.0)
            data = await asyncio.wait_for(loop.sock_recv(phone, 65_535), 20.0)
            sessions = opened.endpoint.counts.sessions

    assert isinstance(event, Refused)
    assert (event.session, event.source) == (too_long, RefusalSource.TRANSPORT)
    assert data.startswith(b"INVITE ")
    assert sessions == 1


@pytest.mark.parametrize(
    ("error", "origin", "is_unreachable"),
    [
        (errno.ECONNREFUSED, 2, True),
        (errno.EHOSTUNREACH, 3, True),
        (errno.ENETUNREACH, 2, True),
        (errno.EMSGSIZE, 2, False),
        (errno.EPROTO, 2, False),
        (errno.EHOSTUNREACH, 1, False),
    ],
)
async def test_only_a_destination_that_is_unreachable_fails_what_waits_for_it(
    error: int, origin: int, is_unreachable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system queues the errors of a network that a test cannot make: `struct sock_extended_err` of errqueue.h."""
    hop = Hop("UDP", "127.0.0.1", 9)
    note = (socket.IPPROTO_IP, 11, struct.pack("=IBBBBII", error, origin, 3, 4, 0, 0, 0))
    queued = [(b"", [note], 0, (hop.host, hop.port))]

    def recvmsg(self: socket.socket, *sizes: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, object]:
        if not queued:
            raise BlockingIOError
        return queued.pop()

    failed: list[Hop] = []
    monkeypatch.setattr(socket.socket, "recvmsg", recvmsg, raising=False)
    monkeypatch.setattr(Endpoint, "receive_send_failure", lambda endpoint, hop, now: failed.append(hop))
    async with driver(asyncio.Queue()) as opened:
        opened._read_errors()

    assert failed == ([hop] if is_unreachable else [])


async def test_requests_are_repeated_by_the_one_timer() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        phone.bind(("127.0.0.1", 0))
        async with driver(events) as opened:
            invite(opened, Hop("UDP", "127.0.0.1", phone.getsockname()[1]))
            first = await asyncio.wait_for(loop.sock_recv(phone, 65_535), 20.0)
            second = await asyncio.wait_for(loop.sock_recv(phone, 65_535), 20.0)

    assert second == first


async def test_deadlines_that_are_close_together_take_one_wake_up(monkeypatch: pytest.MonkeyPatch) -> None:
    woken_at: list[float] = []
    handle = Endpoint.handle_deadline

    def counting(endpoint: Endpoint, now: float) -> None:
        woken_at.append(now)
        handle(endpoint, now)

    monkeypatch.setattr(Endpoint, "handle_deadline", counting)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        phone.bind(("127.0.0.1", 0))
        async with driver(asyncio.Queue()) as opened:
            hop = Hop("UDP", "127.0.0.1", phone.getsockname()[1])
            now = time.monotonic()
            for later_seconds in (0.0, TIMER_SLACK_SECONDS / 2):
                invite(opened, hop, now=now + later_seconds)
            packets = [await asyncio.wait_for(loop.sock_recv(phone, 65_535), 20.0) for _ in range(4)]

    assert packets[2:] == packets[:2]
    assert len(woken_at) == 1


def test_an_answer_that_waits_to_be_read_is_no_silence() -> None:
    """The server is a minute late, with more to read than it reads at once; uvloop runs what is due before it reads."""

    async def be_late() -> Event:
        events: asyncio.Queue[Event] = asyncio.Queue()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.bind(("127.0.0.1", 0))
            async with driver(events, now=lambda: 60.0) as opened:
                invite(opened, Hop("UDP", *phone.getsockname()), now=0.0)
                request = phone.recv(65_535)
                for _ in range(DATAGRAMS_AT_ONCE):
                    phone.sendto(b"noise", ("127.0.0.1", opened.local.port))
                phone.sendto(
                    b"SIP/2.0 180 Ringing\r\n"
                    + request.partition(b"\r\n")[2].replace(
                        b"\r\nTo: <sip:x@127.0.0.1>", b"\r\nTo: <sip:x@127.0.0.1>;tag=1"
                    ),
                    ("127.0.0.1", opened.local.port),
                )
                return await asyncio.wait_for(events.get(), 20.0)

    assert isinstance(uvloop.run(be_late()), Progressed)


async def test_a_driver_listens_on_ipv6_too() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    async with driver(events, "::1") as opened:
        session = invite(
            opened, Hop("UDP", "::1", opened.local.port + 1 if opened.local.port < 65_535 else 9)
        )
        event = await asyncio.wait_for(events.get(), 20.0)

    assert event.session == session


async def test_waiting_for_the_last_answers_ends_when_there_is_nothing_to_wait_for() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    async with driver(events) as opened, asyncio.timeout(20.0):
        await opened.quiesce(60.0)


async def test_waiting_for_the_last_answers_has_a_limit() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        # The request itself is given up after 32 s.
        async with driver(events) as opened, asyncio.timeout(20.0):
            invite(opened, Hop("UDP", "127.0.0.1", silent.getsockname()[1]))
            await opened.quiesce(0.02)


def test_randomness_does_not_repeat_itself() -> None:
    randomness = SystemRandomness()
    tokens = [randomness.token() for _ in range(1000)]

    assert len(set(tokens)) == 1000
    assert {len(token) for token in tokens} == {24}
    assert all(0.0 <= randomness.fraction() < 1.0 for _ in range(1000))


async def test_an_answer_is_told_before_its_ack_leaves() -> None:
    """Who hears it writes the dialog down: after an ACK the peer does not repeat itself, and must not be forgotten."""
    loop = asyncio.get_running_loop()
    told = loop.create_future()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        phone.bind(("127.0.0.1", 0))

        def on_event(event: Event) -> None:
            try:
                told.set_result(phone.recv(65_535))
            except BlockingIOError:
                told.set_result(b"nothing yet")

        def make_endpoint(local: Hop, others: tuple[Hop, ...]) -> Endpoint:
            return Endpoint(EndpointSettings(local=local, others=others), SystemRandomness())

        opened = await SipDriver.open("127.0.0.1", 0, make_endpoint, on_event, time.monotonic)
        try:
            invite(opened, Hop("UDP", "127.0.0.1", phone.getsockname()[1]))
            request, server = await asyncio.wait_for(loop.sock_recvfrom(phone, 65_535), 20.0)
            fields = [
                line
                for line in request.decode().split("\r\n")
                if line[:4] in ("Via:", "From", "Call", "CSeq")
            ]
            to = "To: <sip:x@127.0.0.1>;tag=1"
            contact = f"Contact: <sip:x@127.0.0.1:{phone.getsockname()[1]}>"
            answer = "\r\n".join(["SIP/2.0 200 OK", *fields, to, contact, "Content-Length: 0", "", ""])
            await loop.sock_sendto(phone, answer.encode(), server)
            heard_before = await asyncio.wait_for(told, 20.0)
            ack = await asyncio.wait_for(loop.sock_recv(phone, 65_535), 20.0)
        finally:
            opened.close()

    assert heard_before == b"nothing yet"
    assert ack.startswith(b"ACK ")
