"""The pump over real UDP sockets on loopback."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ringbridge.engines.native.driver import SipDriver, SystemRandomness
from ringbridge.sip.endpoint import Endpoint, EndpointSettings
from ringbridge.sip.event import Event, RefusalSource, Refused
from ringbridge.sip.hop import Hop


@asynccontextmanager
async def driver(events: "asyncio.Queue[Event]", host: str = "127.0.0.1") -> AsyncIterator[SipDriver]:
    def make_endpoint(local: Hop) -> Endpoint:
        return Endpoint(EndpointSettings(local=local), SystemRandomness())

    opened = await SipDriver.open(host, 0, make_endpoint, events.put_nowait, time.monotonic)
    try:
        yield opened
    finally:
        opened.close()


def invite(opened: SipDriver, hop: Hop) -> str:
    session = opened.endpoint.invite(
        target=f"sip:x@{hop.host}:{hop.port}",
        hop=hop,
        from_="<sip:me@127.0.0.1>",
        to="<sip:x@127.0.0.1>",
        body=b"",
        now=time.monotonic(),
    )
    opened.pump()
    return session


async def test_a_phone_that_is_switched_off_is_known_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    events: asyncio.Queue[Event] = asyncio.Queue()
    async with driver(events) as opened:
        session = invite(opened, Hop("UDP", "127.0.0.1", port))
        event = await asyncio.wait_for(events.get(), 1.0)

    assert isinstance(event, Refused)
    assert (event.session, event.source) == (session, RefusalSource.TRANSPORT)


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


async def test_requests_are_repeated_by_the_one_timer() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        phone.bind(("127.0.0.1", 0))
        async with driver(events) as opened:
            invite(opened, Hop("UDP", "127.0.0.1", phone.getsockname()[1]))
            first = await asyncio.wait_for(loop.sock_recv(phone, 65_535), 2.0)
            second = await asyncio.wait_for(loop.sock_recv(phone, 65_535), 2.0)

    assert second == first


async def test_a_driver_listens_on_ipv6_too() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    async with driver(events, "::1") as opened:
        session = invite(
            opened, Hop("UDP", "::1", opened.local.port + 1 if opened.local.port < 65_535 else 9)
        )
        event = await asyncio.wait_for(events.get(), 1.0)

    assert event.session == session


async def test_waiting_for_the_last_answers_ends_when_there_is_nothing_to_wait_for() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    async with driver(events) as opened, asyncio.timeout(1.0):
        await opened.quiesce(5.0)


async def test_waiting_for_the_last_answers_has_a_limit() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        async with driver(events) as opened, asyncio.timeout(1.0):
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

        def make_endpoint(local: Hop) -> Endpoint:
            return Endpoint(EndpointSettings(local=local), SystemRandomness())

        opened = await SipDriver.open("127.0.0.1", 0, make_endpoint, on_event, time.monotonic)
        try:
            invite(opened, Hop("UDP", "127.0.0.1", phone.getsockname()[1]))
            request, server = await asyncio.wait_for(loop.sock_recvfrom(phone, 65_535), 2.0)
            fields = [
                line
                for line in request.decode().split("\r\n")
                if line[:4] in ("Via:", "From", "Call", "CSeq")
            ]
            to = "To: <sip:x@127.0.0.1>;tag=1"
            contact = f"Contact: <sip:x@127.0.0.1:{phone.getsockname()[1]}>"
            answer = "\r\n".join(["SIP/2.0 200 OK", *fields, to, contact, "Content-Length: 0", "", ""])
            await loop.sock_sendto(phone, answer.encode(), server)
            heard_before = await asyncio.wait_for(told, 2.0)
            ack = await asyncio.wait_for(loop.sock_recv(phone, 65_535), 2.0)
        finally:
            opened.close()

    assert heard_before == b"nothing yet"
    assert ack.startswith(b"ACK ")
