"""Requests that no client means: each gets a 4xx or a closed connection, at once, and the next one is served as ever."""

import asyncio
import json
import time

import pytest

from tests.api.conftest import FrontDoor, basic, exchange, exchange_octets, request
from tests.peers.malformed import BODIES, GOOD, HEADERS, on_the_wire

pytestmark = pytest.mark.asyncio(loop_scope="package")

WIRE = on_the_wire(request, "/api/v1/call")


async def serves_as_ever(door: FrontDoor) -> bool:
    before = len(door.calls.placed)
    reply = await exchange(door, request(GOOD))
    return reply.status == 200 and len(door.calls.placed) == before + 1


async def status_of(door: FrontDoor, octets: bytes) -> int:
    """The status of the answer, 0 for a connection that was closed without one. Asserts that it came within a second."""
    started_at = time.monotonic()
    try:
        raw = await exchange_octets(door, octets)
    except ConnectionError:
        raw = b""
    assert time.monotonic() - started_at < 10.0
    if raw:
        assert set(json.loads(raw.partition(b"\r\n\r\n")[2])) == {"error"}
    return int(raw.split()[1]) if raw else 0


@pytest.mark.parametrize("name", BODIES)
async def test_a_malformed_body_gets_a_4xx(door: FrontDoor, name: str) -> None:
    body, content_type = BODIES[name]
    assert await status_of(door, request(body, content_type=content_type)) in (0, 400, 413)
    assert door.calls.placed == []
    assert await serves_as_ever(door)


@pytest.mark.parametrize("name", HEADERS)
async def test_malformed_headers_get_a_4xx(door: FrontDoor, name: str) -> None:
    octets = request(GOOD, authorization=HEADERS[name].get("Authorization", basic()), headers=HEADERS[name])
    assert await status_of(door, octets) in (400, 401, 429)
    assert door.calls.placed == []
    assert await serves_as_ever(door)


@pytest.mark.parametrize("name", WIRE)
async def test_what_is_hardly_http_gets_a_4xx_or_is_cut(door: FrontDoor, name: str) -> None:
    assert await status_of(door, WIRE[name]) in (0, 400, 401, 404, 405, 413)
    assert await serves_as_ever(door)


async def test_hundreds_of_half_requests_hold_up_nobody(door: FrontDoor) -> None:
    half = request(GOOD)[:-20]
    writers = [(await asyncio.open_connection("127.0.0.1", door.port))[1] for _ in range(200)]
    for writer in writers:
        writer.write(half)
    assert await serves_as_ever(door)
    for writer in writers:
        writer.transport.abort()
