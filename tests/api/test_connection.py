"""The bounds of a connection in time and size."""

import asyncio
import re

import pytest

from ringbridge.api import connection
from ringbridge.api.connection import MAX_HEAD_OCTETS, GatheringTransport
from tests.api.conftest import FrontDoor, basic, exchange, exchange_octets, request
from tests.peers.tool import WAIT_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="package")

GOOD = b'{"user_line": "18175629656", "destination_line": "15125292329"}'


@pytest.fixture
def impatient(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> FrontDoor:
    """The server, with next to no time for a request."""
    monkeypatch.setattr(connection, "REQUEST_SECONDS", 0.05)
    return door


@pytest.mark.parametrize(
    ("octets", "answers"),
    [
        (b"", []),
        (b"POST /api/v1/call HTTP/1.1\r\nHost:", [b"408 Request Timeout"]),
        (request(GOOD)[:-1], [b"408 Request Timeout"]),
        (
            request(GOOD, authorization=None)[:-1].replace(b"Connection: close\r\n", b""),
            [b"401 Unauthorized"],
        ),
        (
            request(GOOD).replace(b"Connection: close\r\n", b"") + b"POST /api",
            [b"200 OK", b"408 Request Timeout"],
        ),
    ],
)
async def test_a_request_that_is_not_finished_in_time_ends_the_connection(
    impatient: FrontDoor, octets: bytes, answers: list[bytes]
) -> None:
    raw = await exchange_octets(impatient, octets)

    assert re.findall(rb"HTTP/1\.1 ([^\r]+)\r", raw) == answers
    if b"408" in raw:
        assert raw.endswith(
            b"content-length: 28\r\ncache-control: no-store\r\nx-error-code: request_timeout\r\n"
            b'connection: close\r\n\r\n{"error": "Request Timeout"}'
        )


async def test_a_connection_between_requests_and_a_long_answer_are_not_hurried(impatient: FrontDoor) -> None:
    request_octets = request(GOOD).replace(b"Connection: close\r\n", b"")
    async with asyncio.timeout(WAIT_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", impatient.port)
        for _ in range(2):
            writer.write(request_octets)
            answer = await reader.readuntil(b"}")
            assert answer.startswith(b"HTTP/1.1 200")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await reader.read(1)
        writer.transport.abort()


async def test_a_head_of_the_longest_size_is_taken(door: FrontDoor) -> None:
    headers = {"X": "x" * (MAX_HEAD_OCTETS - 1000)}
    assert (await exchange(door, request(GOOD, headers=headers))).status == 200


@pytest.mark.parametrize("ending", [b"\r\n\r\n", b""])
async def test_a_longer_head_is_refused_finished_or_not(door: FrontDoor, ending: bytes) -> None:
    octets = b"POST /api/v1/call HTTP/1.1\r\nX: " + b"x" * MAX_HEAD_OCTETS + ending
    reply = await exchange(door, octets)
    assert (reply.status, reply.headers["x-error-code"]) == (400, "malformed_request")


async def test_a_longer_path_is_refused(door: FrontDoor) -> None:
    reply = await exchange(door, request(GOOD, path="/" + "x" * MAX_HEAD_OCTETS))
    assert reply.status == 400


async def test_a_head_that_comes_octet_by_octet_is_read(door: FrontDoor) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        for octet in request(GOOD, authorization=basic()):
            writer.write(bytes((octet,)))
            await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.transport.abort()


async def test_what_is_no_http_is_answered_in_json(door: FrontDoor) -> None:
    reply = await exchange(door, b"\x16\x03\x01\x02\x00\r\n\r\n")
    assert (reply.status, reply.body) == (400, b'{"error": "Bad Request"}')
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


class RecordingTransport(asyncio.Transport):
    """What is done to a connection, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append(b"(closed)")

    def is_closing(self) -> bool:
        return b"(closed)" in self.done


async def test_head_and_body_of_an_answer_leave_in_one_packet_also_when_the_connection_is_closed() -> None:
    loop = asyncio.get_running_loop()
    kept, closed = RecordingTransport(), RecordingTransport()
    answering, closing = GatheringTransport(kept, loop), GatheringTransport(closed, loop)
    for transport in (answering, closing):
        transport.write(b"head ")
        transport.write(b"body")
    closing.close()
    turn = loop.create_future()
    loop.call_soon(turn.set_result, None)
    await turn

    assert kept.done == [b"head body"]
    assert closed.done == [b"head body", b"(closed)"]
