"""What the clients make of answers that a server of ours seldom gives; the server is scripted here, answer by answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ringbridge.client import AsyncClient, CallEvent, Client, Refused, ServerBusy, ServerUnreachable, TooMany
from ringbridge.client.patience import PATIENCE_SECONDS, Patience

CALL = "/api/v2/calls/0199"


def event(sequence: int, state: str) -> str:
    told = {"sequence": sequence, "name": state, "at": "2026-11-23T12:00:00.5Z", "state": state}
    return f"data: {json.dumps(told | {'user_leg': 'idle', 'destination_leg': 'idle'})}\nid: {sequence}\n\n"


def answer(status: str, body: str = "", *headers: str) -> str:
    return "\r\n".join(
        [f"HTTP/1.1 {status}", *headers, "Connection: close", f"Content-Length: {len(body)}", "", body]
    )


class Script:
    """Answers one request on each connection, in turn, and keeps what was asked."""

    def __init__(self, answers: tuple[str, ...]) -> None:
        self._answers = iter(answers)
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(" ".join(head.split()[:2]))
        writer.write(next(self._answers).encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def scripted(*answers: str) -> AsyncIterator[tuple[str, Script]]:
    """The URL of a server with that script."""
    script = Script(answers)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", script


async def followed(kind: type[Client | AsyncClient], url: str) -> list[CallEvent]:
    if kind is Client:
        return await asyncio.to_thread(lambda: list(Client(url, "7", "key").follow("0199")))
    async with AsyncClient(url, "7", "key") as client:
        return [event async for event in client.follow("0199")]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_stream_that_breaks_is_taken_up_again_where_it_broke(
    kind: type[Client | AsyncClient],
) -> None:
    half = event(3, "ended")[:20]
    async with scripted(
        answer("200 OK", event(1, "accepted") + event(2, "ringing_user") + half),
        answer("200 OK"),
        answer("200 OK", ": still here\n\n" + event(3, "ended")),
    ) as (url, script):
        told = [(event.sequence, event.state) for event in await followed(kind, url)]

    assert told == [(1, "accepted"), (2, "ringing_user"), (3, "ended")]
    assert script.asked == [f"GET {CALL}/events?after={after}" for after in (0, 2, 2)]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_stream_is_taken_up_again_where_the_server_is_busy_starting(
    kind: type[Client | AsyncClient],
) -> None:
    async with scripted(
        answer("200 OK", event(1, "accepted")),
        answer("503 Service Unavailable", '{"code": "draining"}'),
        answer("502 Bad Gateway", "<html>"),
        answer("200 OK", event(2, "ended")),
    ) as (url, script):
        assert [event.sequence for event in await followed(kind, url)] == [1, 2]
    assert len(script.asked) == 4


async def test_a_server_that_was_never_there_is_not_waited_for() -> None:
    async with scripted(answer("503 Service Unavailable", '{"code": "draining"}')) as (url, _):
        with pytest.raises(ServerBusy):
            await followed(AsyncClient, url)


def test_a_server_may_be_away_for_a_minute_each_time() -> None:
    patience = Patience()
    assert patience.is_over(0.0)
    patience.heard()
    assert not patience.is_over(1_000.0)
    assert not patience.is_over(1_000.0 + PATIENCE_SECONDS - 0.1)
    patience.heard()
    assert not patience.is_over(1_100.0)
    assert patience.is_over(1_100.0 + PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("given", "kind", "code", "retry_after_seconds"),
    [
        (
            answer("429 Too Many Requests", '{"code": "limit_exceeded"}', "Retry-After: 7"),
            TooMany,
            "limit_exceeded",
            7.0,
        ),
        (answer("503 Service Unavailable", "<html>", "Retry-After: soon"), ServerBusy, "unknown", None),
        (answer("418 Teapot", "[]", "X-Error-Code: teapot"), Refused, "teapot", None),
        (answer("307 Temporary Redirect", "", "Location: http://127.0.0.1:9/"), Refused, "unknown", None),
    ],
)
async def test_refusals_of_whatever_stands_in_front_are_refusals(
    given: str, kind: type[Refused], code: str, retry_after_seconds: float | None
) -> None:
    async with scripted(given) as (url, _), AsyncClient(url, "7", "key") as client:
        with pytest.raises(kind) as error:
            await client.find("0199")
    assert (error.value.code, error.value.retry_after_seconds) == (code, retry_after_seconds)


@pytest.mark.parametrize("body", ["[]", "{}", "nonsense"])
async def test_something_that_is_no_ringbridge_is_told_from_one(body: str) -> None:
    async with scripted(answer("200 OK", body)) as (url, _), AsyncClient(url, "7", "key") as client:
        with pytest.raises(ServerUnreachable, match="no ringbridge server"):
            await client.find("0199")
