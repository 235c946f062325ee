"""Row A6: requests that no client means, and clients that never finish theirs, beside calls that are to go on."""

import asyncio
import json
import resource
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.api.conftest import request
from tests.peers.client import Client
from tests.peers.malformed import BODIES, GOOD, HEADERS, on_the_wire
from tests.peers.phone import Phone
from tests.peers.server import Server
from tests.peers.tool import LOOPBACK, WAIT_SECONDS
from tests.scenarios.conftest import LINES
from tests.scenarios.talk import connect

ROUTES = (
    ("POST", "/api/v1/call"),
    ("POST", "/api/v2/calls"),
    ("POST", "/api/v2/calls/preview"),
    ("POST", "/api/v2/keys"),
    ("PATCH", "/api/v2/limits"),
)
LEAST_REQUESTS = 300
AT_ONCE = 4
# It takes some milliseconds; a machine that is busy is slow and not wrong.
ANSWER_SECONDS = 30.0
SLOW_CLIENTS = 500
# The server gives them ten.
SLOW_CLIENTS_SECONDS = 80.0
OCTET_SECONDS = 0.5
CALLS_BEFORE = 50
PAUSE_SECONDS = 0.1
MOST_GROWTH_OCTETS = 20 * 1024 * 1024


def malformed(authorization: str) -> Iterator[tuple[str, bytes]]:
    """Every kind of malformed request to every route, with what to call it."""
    for method, path in ROUTES:
        make = partial(request, method=method, path=path, authorization=authorization)
        for name, (body, content_type) in BODIES.items():
            yield f"{path}: {name}", make(body, content_type=content_type)
        for name, headers in HEADERS.items():
            given = headers.get("Authorization", authorization)
            yield f"{path}: {name}", make(GOOD, authorization=given, headers=headers)
        for name, octets in on_the_wire(make, path).items():
            yield f"{path}: {name}", octets


async def answer_to(server: Server, octets: bytes) -> bytes:
    """All that comes before the end of the connection."""
    reader, writer = await asyncio.open_connection(LOOPBACK, server.http_port)
    try:
        writer.write(octets)
        # The server may close it while we still send.
        with suppress(ConnectionError):
            return await reader.read()
        return b""
    finally:
        writer.transport.abort()


async def send_all(server: Server, kinds: Iterator[tuple[str, bytes]]) -> int:
    """Send what there is, and judge what comes back; how many it were."""
    count = 0
    for name, octets in kinds:
        async with asyncio.timeout(ANSWER_SECONDS):
            raw = await answer_to(server, octets)
        head, _, body = raw.partition(b"\r\n\r\n")
        assert not raw or head.split()[1].startswith(b"4"), f"{name}: {raw!r}"
        assert not body or {"error", "code"} & set(json.loads(body)), f"{name}: {raw!r}"
        count += 1
    return count


async def be_slow(server: Server, begins_with: bytes, goes_on_with: bytes) -> None:
    """Open a connection and send an octet now and then, until the server has had enough of it."""
    reader, writer = await asyncio.open_connection(LOOPBACK, server.http_port)
    closed = asyncio.ensure_future(reader.read())
    try:
        writer.write(begins_with)
        for octet in goes_on_with:
            await asyncio.wait([closed], timeout=OCTET_SECONDS)
            if closed.done():
                break
            writer.write(bytes((octet,)))
        with suppress(ConnectionError):
            raw = await closed
            assert raw == b"" or raw.startswith(b"HTTP/1.1 408"), raw
    finally:
        closed.cancel()
        writer.transport.abort()


def slow_requests(authorization: str) -> list[tuple[bytes, bytes]]:
    """What slow clients begin with, and what they go on with for longer than they are let."""
    whole = [
        request(GOOD, path=path, authorization=authorization) for path in ("/api/v1/call", "/api/v2/calls")
    ]
    return [(b"", b"")] + [
        (octets[:length], octets[length:]) for octets in whole for length in (1, 100, len(octets) - 50)
    ]


async def talk(client: Client, user: Phone, destination: Phone, index: int) -> str:
    """A call from beginning to end: the line that was rung."""
    _, user_leg, destination_leg = await connect(client, user, destination, index)
    user_leg.hang_up()
    await destination_leg.heard("BYE")
    return user_leg.number


async def talk_on_and_on(
    client: Client, user: Phone, destination: Phone, is_over: asyncio.Event
) -> list[str]:
    """One call after the other, until it is over, and a last one then: the lines that were rung."""
    lines: list[str] = []
    for index in range(CALLS_BEFORE, LINES):
        was_over = is_over.is_set()
        lines.append(await talk(client, user, destination, index))
        if was_over:
            return lines
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_SECONDS):
                await is_over.wait()
    raise AssertionError("there are too few lines for so long a test")


def resident_octets(server: Server) -> int:
    """How much memory the server's process has."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.peer
async def test_a6_malformed_requests_and_slow_clients_are_turned_away_and_calls_go_on(
    server: Server, client: Client, user: Phone, destination: Phone
) -> None:
    authorization = server.deployment.authorization
    slow = slow_requests(authorization)
    is_over = asyncio.Event()
    # What the first calls take for good is no growth.
    for index in range(CALLS_BEFORE):
        await talk(client, user, destination, index)
    before = resident_octets(server)
    async with asyncio.TaskGroup() as tasks:
        calls = tasks.create_task(talk_on_and_on(client, user, destination, is_over))
        async with asyncio.timeout(SLOW_CLIENTS_SECONDS), asyncio.TaskGroup() as clients:
            for number in range(SLOW_CLIENTS):
                clients.create_task(be_slow(server, *slow[number % len(slow)]))
            kinds = malformed(authorization)
            senders = [clients.create_task(send_all(server, kinds)) for _ in range(AT_ONCE)]
        is_over.set()
        async with asyncio.timeout(WAIT_SECONDS):
            lines = await calls
    assert sum(sender.result() for sender in senders) >= LEAST_REQUESTS
    # One of them is begun when all is over.
    assert len(lines) > 2
    assert [leg.number for leg in user.legs[CALLS_BEFORE:]] == lines
    assert resident_octets(server) - before < MOST_GROWTH_OCTETS
