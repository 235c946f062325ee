"""Who is answered: peers of the configuration and of our own dialogs, and nobody else."""

import pytest

from tests.peers import wire
from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.plain_socket import PlainSocket
from tests.peers.server import Server
from tests.peers.tool import LOOPBACK, WAIT_SECONDS
from tests.peers.wire import SipMessage
from tests.scenarios import talk

pytestmark = pytest.mark.peer

SILENCE_SECONDS = 0.4
FOREIGN_HOST = "127.0.0.9"
"""Loopback, too, but no peer is there."""


def request(method: str, server: Server, port: int, *, to_tag: str = "") -> bytes:
    """A request that a phone at `port` might send out of the blue."""
    host, sip_port = server.sip_address
    body = wire.audio_session((LOOPBACK, port), [0], version=1) if method == "INVITE" else b""
    return SipMessage(
        start_line=f"{method} sip:{host}:{sip_port} SIP/2.0",
        headers=(
            ("Via", f"SIP/2.0/UDP {LOOPBACK}:{port};branch=z9hG4bK-{method}-{port};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:someone@{LOOPBACK}:{port}>;tag=1"),
            ("To", f"<sip:{host}:{sip_port}>" + (f";tag={to_tag}" if to_tag else "")),
            ("Call-ID", f"{method}-{port}"),
            ("CSeq", f"1 {method}"),
            ("Contact", f"<sip:someone@{LOOPBACK}:{port}>"),
            *([("Content-Type", "application/sdp")] if body else []),
        ),
        body=body,
    ).to_bytes()


@pytest.mark.parametrize("host", [LOOPBACK, FOREIGN_HOST])
@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "REGISTER", "BYE", "CANCEL", "MESSAGE", "NONSENSE"])
async def test_a_stranger_gets_no_answer_to_a_request(server: Server, method: str, host: str) -> None:
    async with PlainSocket.open(host=host) as stranger:
        stranger.send(request(method, server, stranger.port), server.sip_address)

        assert not await stranger.hears_something(seconds=SILENCE_SECONDS)


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"INVITE", b"SIP/2.0 200 OK\r\n\r\n", bytes(range(256))])
async def test_a_stranger_gets_no_answer_to_garbage(server: Server, client: Client, data: bytes) -> None:
    async with PlainSocket.open() as stranger:
        stranger.send(data, server.sip_address)

        assert not await stranger.hears_something(seconds=SILENCE_SECONDS)


@pytest.mark.parametrize("peer", ["user", "trunk"])
async def test_a_known_peer_that_asks_for_options_gets_them(server: Server, peer: str) -> None:
    deployment = server.deployment
    port = deployment.user_port if peer == "user" else deployment.trunk_port
    async with PlainSocket.open(port) as known:
        known.send(request("OPTIONS", server, port), server.sip_address)
        answer = await known.next_message(seconds=WAIT_SECONDS)

    assert answer.kind == "200 OPTIONS"
    assert {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"} <= set(
        answer.first("Allow").replace(" ", "").split(",")
    )


async def test_a_known_peer_cannot_call_us(server: Server) -> None:
    async with PlainSocket.open(server.deployment.trunk_port) as known:
        known.send(request("INVITE", server, known.port), server.sip_address)
        answer = await known.next_message(seconds=WAIT_SECONDS)

    assert answer.status is not None
    assert 400 <= answer.status < 700


async def test_a_known_peer_is_told_that_its_dialog_does_not_exist(server: Server) -> None:
    async with PlainSocket.open(server.deployment.trunk_port) as known:
        known.send(request("BYE", server, known.port, to_tag="gone"), server.sip_address)

        assert (await known.next_message(seconds=WAIT_SECONDS)).kind == "481 BYE"


async def test_a_peer_may_hang_up_from_another_port_of_its_host(
    server: Server, client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 2)
    async with PlainSocket.open() as other:
        other.send(destination_leg.forged_bye().to_bytes(), server.sip_address)

        assert (await other.next_message(seconds=WAIT_SECONDS)).kind == "200 BYE"
    assert (await client.finished(call_id))["ended_by"] == "destination"
    assert await user_leg.settled() == Ending.TALKED


async def test_a_stranger_who_knows_call_id_and_tags_cannot_end_a_call(
    server: Server, client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
    async with PlainSocket.open(host=FOREIGN_HOST) as stranger:
        for leg in (user_leg, destination_leg):
            stranger.send(leg.forged_bye().to_bytes(), server.sip_address)

        assert not await stranger.hears_something(seconds=SILENCE_SECONDS)
    assert (await client.call(call_id))["state"] == "connected"

    destination_leg.hang_up()
    assert (await client.finished(call_id))["ended_by"] == "destination"
    assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.TALKED)
