"""What a customer's own software sees: a server that is scripted here, answer by answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ringbridge.demo.client import ApiClient, ServerRefused

CALL = "/api/v2/calls/0199"


def event(sequence: int, state: str) -> str:
    told = {"sequence": sequence, "name": state, "at": "2026-11-23T12:00:00.5Z", "state": state}
    return f"id: {sequence}\ndata: {json.dumps(told)}\n\n"


def answer(status: str, body: str = "", *headers: str) -> str:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", body])


class Script:
    """Answers requests in turn and keeps what was asked."""

    def __init__(self, answers: list[str]) -> None:
        self._answers = iter(answers)
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = [line.split()[1] for line in head.split("\r\n") if line.startswith("Content-Length")]
                await reader.readexactly(int(length[0]) if length else 0)
                self.asked.append(" ".join(head.split()[:2]))
                writer.write(next(self._answers).encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def scripted(*answers: str) -> AsyncIterator[tuple[ApiClient, Script]]:
    script = Script(list(answers))
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, ApiClient(f"http://127.0.0.1:{port}/", "Basic abc") as client:
        yield client, script


async def test_a_call_is_placed_and_known_by_its_id() -> None:
    async with scripted(answer("200 OK", '{"api_request_id": "0199"}', "Content-Type: application/json")) as (
        client,
        script,
    ):
        assert await client.place("201", "15125292329") == "0199"
        assert script.asked == ["POST /api/v1/call"]


async def test_a_stream_that_stops_too_early_is_taken_up_again() -> None:
    async with scripted(
        answer("200 OK", event(1, "accepted") + event(2, "ringing_user")),
        answer("200 OK"),
        answer("200 OK", ": still here\n\n" + event(3, "ended")),
    ) as (client, script):
        told = [(event.sequence, event.state) async for event in client.follow("0199")]

    assert told == [(1, "accepted"), (2, "ringing_user"), (3, "ended")]
    assert script.asked == [f"GET {CALL}/events?after={after}" for after in (0, 2, 2)]


async def test_a_call_that_is_over_is_read_as_it_is() -> None:
    async with scripted(answer("200 OK", '{"ended_at": "now"}', "Content-Type: application/json")) as (
        client,
        _,
    ):
        assert await client.ended("0199") == {"ended_at": "now"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (answer("401 Unauthorized"), "the server does not accept this account and key"),
        (
            answer("400 Bad Request", "", "X-Error-Code: unknown_line"),
            "the server refused the numbers (unknown_line)",
        ),
        (answer("400 Bad Request"), "the server refused the numbers"),
        (
            answer("429 Too Many Requests", "", "Retry-After: 7"),
            "too many calls at once, try again in 7 s",
        ),
        (
            answer("500 Internal Server Error", "", "X-Error-Code: no_trunk"),
            "the server cannot place calls now (no_trunk): `ringbridge doctor` may say why",
        ),
        (answer("418 Teapot"), "the server answered 418 Teapot (no reason given)"),
    ],
)
async def test_a_refusal_is_one_sentence(given: str, sentence: str) -> None:
    async with scripted(given) as (client, _):
        with pytest.raises(ServerRefused) as error:
            await client.place("201", "15125292329")

    assert str(error.value) == sentence


async def test_something_that_is_no_ringbridge_is_told_from_one() -> None:
    async with scripted(answer("200 OK", "[]", "Content-Type: application/json")) as (client, _):
        with pytest.raises(ServerRefused, match=r"http://127\.0\.0\.1:\d+ is not a ringbridge server"):
            await client.hang_up("0199")
