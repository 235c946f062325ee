"""Row C10, where there is another carrier: whose TCP or TLS does not work is left for it, and never spoken to in the clear.

What becomes of a connection that breaks in mid-call: test_tcp, test_tls. Of one that is not read: engines/native/test_streams.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.peers.certificates import Authority, Files
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.stream_phone import StreamPhone
from tests.peers.tool import LOOPBACK, free_port, free_sip_port
from tests.scenarios.two_carriers import two_carriers

pytestmark = pytest.mark.peer

# RFC 8446 section 5.1: the content type of a handshake record.
TLS_HANDSHAKE = 22
SILENCE_SECONDS = 4.0
SLACK_SECONDS = 20.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """Of the carrier over TLS and of the one over UDP."""
    return free_sip_port(), free_port()


@pytest.fixture
def server(
    deployment: Deployment, authority: Authority, ports: tuple[int, int], tmp_path: Path
) -> Iterator[Server]:
    """One for each test: to it no carrier has failed yet."""
    uris = [f"sip:{LOOPBACK}:{ports[0]};transport=tls", f"sip:{LOOPBACK}:{ports[1]}"]
    words = ("--tls-ca", str(authority.file))
    with two_carriers(deployment, tmp_path / "data", uris, words=words) as running:
        yield running


@pytest.fixture
async def second(ports: tuple[int, int]) -> AsyncIterator[Phone]:
    """The carrier over UDP, where everybody picks up."""
    async with Phone.listening(ports[1], on_leg=Leg.answer) as phone:
        yield phone


async def seconds_to_second(client: Client, user: Phone, second: Phone) -> float:
    """Make a call that the second carrier carries; from the user's answer to the INVITE there."""
    call_id = await client.place(1, 1)
    user_leg = await user.leg_to(user_number(1))
    user_leg.answer()
    leg = await second.leg_to(destination_number(1))
    await client.reaches(call_id, "connected")
    user_leg.hang_up()
    assert await leg.settled() is Ending.TALKED
    assert (await client.finished(call_id))["destination"]["trunk"] == "second"
    picked_up_at, invited_at = user_leg.time_of("ACK"), leg.time_of("INVITE")
    assert picked_up_at is not None
    assert invited_at is not None
    return invited_at - picked_up_at


async def test_a_carrier_that_takes_no_connection_costs_no_time(
    client: Client, user: Phone, second: Phone
) -> None:
    assert await seconds_to_second(client, user, second) < SILENCE_SECONDS


@pytest.mark.parametrize(
    ("issue", "reason"),
    [
        (lambda authority: authority.issue("other.example.com", as_="wrong"), "IP address mismatch"),
        (lambda authority: authority.issue(LOOPBACK, days=-1.0, as_="wrong"), "certificate has expired"),
    ],
)
async def test_a_carrier_with_a_wrong_certificate_is_not_talked_to(
    server: Server,
    client: Client,
    user: Phone,
    second: Phone,
    authority: Authority,
    ports: tuple[int, int],
    issue: Callable[[Authority], Files],
    reason: str,
) -> None:
    context = authority.server_context(issue(authority))
    async with StreamPhone.listening_for_connections(ports[0], tls=context) as first:
        assert await seconds_to_second(client, user, second) < SILENCE_SECONDS

    assert first.legs == []
    assert reason in server.last_words()


async def test_a_carrier_that_never_shakes_hands_is_left_after_four_seconds_and_heard_nothing_in_the_clear(
    client: Client, user: Phone, second: Phone, ports: tuple[int, int]
) -> None:
    async with mute(ports[0]) as heard:
        seconds = await seconds_to_second(client, user, second)

    assert seconds < SILENCE_SECONDS + SLACK_SECONDS
    assert heard != []
    assert {first[0] for first in heard} == {TLS_HANDSHAKE}
    assert not any(b"SIP/2.0" in first for first in heard)


async def test_a_carrier_that_resets_each_connection_is_left(
    client: Client, user: Phone, second: Phone, ports: tuple[int, int]
) -> None:
    def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(*linger)
        writer.transport.abort()

    async with await asyncio.start_server(reset, LOOPBACK, ports[0]):
        assert await seconds_to_second(client, user, second) < SILENCE_SECONDS + SLACK_SECONDS


@asynccontextmanager
async def mute(port: int) -> AsyncIterator[list[bytes]]:
    """Somebody who takes connections and says nothing; what each of them said first."""
    heard: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        heard.append(await reader.read(4096))

    async with await asyncio.start_server(listen, LOOPBACK, port):
        try:
            yield heard
        finally:
            for writer in writers:
                writer.transport.abort()
