"""What every answer has, and what becomes of a bug."""

import asyncio
import re
from dataclasses import replace

import pytest
from anyio import BrokenResourceError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from ringbridge.api.envelope import Envelope
from tests.api.conftest import CALL_ID, FrontDoor, exchange, request
from tests.api.test_v2 import EVENTS, RUNNING
from tests.peers.tool import WAIT_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="package")

PATHS = ["/api/v1/call", "/api/v2/calls/x", "/healthz", "/metrics", "/docs", "/openapi.json", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_has_an_id_and_is_not_cached(door: FrontDoor, path: str) -> None:
    reply = await exchange(door, request(method="GET", path=path))
    assert re.fullmatch(r"[0-9a-f]{16}", reply.headers["x-request-id"])
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("request_id", ["a", "7f3c-12.b_9", "x" * 64])
async def test_a_sane_id_of_the_client_comes_back(door: FrontDoor, request_id: str) -> None:
    reply = await exchange(door, request(headers={"X-Request-Id": request_id}))
    assert reply.headers["x-request-id"] == request_id


@pytest.mark.parametrize("request_id", ["", "x" * 65, "a b", "a;b", "<script>", "\xe4"])
async def test_another_id_is_replaced(door: FrontDoor, request_id: str) -> None:
    reply = await exchange(door, request(headers={"X-Request-Id": request_id}))
    assert re.fullmatch(r"[0-9a-f]{16}", reply.headers["x-request-id"])


async def test_a_bug_is_logged_and_not_shown(door: FrontDoor) -> None:
    door.calls.error = ZeroDivisionError("a secret detail")
    with capture_logs() as logs:
        body = b'{"user_line": "18175629656", "destination_line": "15125292329"}'
        reply = await exchange(door, request(body))
    assert reply.body == b'{"error": "Something went wrong. Please try again later."}'
    assert [(line["event"], line["path"]) for line in logs] == [("request.failed", "/api/v1/call")]


async def logged_of_half_an_answer(error: Exception) -> list[str]:
    """What is logged when an application raises `error` behind the head of its answer. Raises what the envelope does."""

    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with capture_logs() as logs:
        try:
            await Envelope(breaks_off)(scope, receive, send)
        finally:
            assert [message["type"] for message in sent] == ["http.response.start"]
    return [line["event"] for line in logs]


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError(), ExceptionGroup("", [BrokenResourceError(), ZeroDivisionError()])],
)
async def test_half_an_answer_is_not_passed_off_as_a_whole_one(error: Exception) -> None:
    with pytest.raises(type(error)):
        await logged_of_half_an_answer(error)


async def test_that_nobody_reads_on_is_no_bug() -> None:
    assert await logged_of_half_an_answer(ExceptionGroup("", [BrokenResourceError()])) == []


async def test_a_form_whose_client_leaves_in_the_middle_is_no_bug() -> None:
    async def read(request: Request) -> Response:
        await request.form()
        raise AssertionError("the form was not whole")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        """To nobody."""

    fields = (b"content-type", b"application/x-www-form-urlencoded")
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [fields]}
    with capture_logs() as logs:
        await Envelope(Starlette(routes=[Route("/", read, methods=["POST"])]))(scope, receive, send)
    assert logs == []


async def test_a_stream_whose_client_leaves_in_the_middle_is_closed(door: FrontDoor) -> None:
    # More than the connection takes in while nobody reads.
    door.calls.stored[CALL_ID] = replace(RUNNING, events=EVENTS[:1] * 60_000)
    with capture_logs() as logs:
        async with asyncio.timeout(WAIT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.write(request(method="GET", path=f"/api/v2/calls/{CALL_ID}/events", content_type=None))
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.transport.abort()
            await door.calls.unfollowed.wait()
        await exchange(door, request(method="GET", path="/healthz"))
    assert [line["event"] for line in logs] == []


async def test_what_is_not_http_passes_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(message: Message) -> None:
        raise AssertionError("nothing is sent")

    await Envelope(app)({"type": "lifespan"}, receive, send)
    assert seen == ["lifespan"]
