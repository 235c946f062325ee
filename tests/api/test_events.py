"""`GET /api/v2/events`, as Server-Sent Events."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import fastapi.routing
import pytest

from ringbridge.api.v2 import calls as call_streams
from ringbridge.api.v2 import events as account_streams
from ringbridge.call.errors import StoreUnavailable
from ringbridge.service.feed import FeedEvent, FeedPosition, PositionTooOld
from tests.api.conftest import ACCOUNT, CALL_ID, FrontDoor, Reply, basic, exchange, request
from tests.api.test_v2 import EVENTS, RUNNING
from tests.peers.tool import WAIT_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="package")

POSITION = FeedPosition("0123abcd", 7, 1_795_000_001_000)


async def ask(door: FrontDoor, query: str = "", **headers: str) -> Reply:
    octets = request(method="GET", path=f"/api/v2/events{query}", content_type=None, headers=headers)
    return await exchange(door, octets)


async def test_each_event_has_its_call_and_an_id_to_go_on_from(door: FrontDoor) -> None:
    door.calls.feed = [
        FeedEvent(POSITION.epoch, number, ACCOUNT.id, "1", metadata is None, CALL_ID, first, metadata, event)
        for number, (first, metadata, event) in enumerate(
            zip((None, "call-0"), (None, {"order": "4711"}), EVENTS[:2], strict=True), start=7
        )
    ]
    reply = await ask(door)
    assert (reply.status, door.calls.followed_from) == (200, [None])
    assert reply.headers["content-type"].startswith("text/event-stream")
    text = reply.body.decode()
    assert "id: 0123abcd-7-1795000001000\n" in text
    assert "id: 0123abcd-8-1795000002000\n" in text
    data = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert [
        (event["call_id"], event["test"], event["sequence"], event["attempt_of"], event["metadata"])
        for event in data
    ] == [
        (CALL_ID, True, 1, None, {}),
        (CALL_ID, False, 2, "call-0", {"order": "4711"}),
    ]


async def test_a_follower_that_was_cut_off_says_what_it_has_seen(door: FrontDoor) -> None:
    older = FeedPosition("0123abcd", 1, 1)
    await ask(door, f"?after={older}")
    await ask(door, **{"Last-Event-ID": str(POSITION)})
    await ask(door, f"?after={older}", **{"Last-Event-ID": str(POSITION)})
    assert door.calls.followed_from == [older, POSITION, POSITION]


@pytest.mark.parametrize("position", ["7", "x", "0123abcd-7", "0123abcd-7-1x"])
async def test_what_is_the_id_of_no_event_is_refused(door: FrontDoor, position: str) -> None:
    for reply in (await ask(door, f"?after={position}"), await ask(door, **{"Last-Event-ID": position})):
        assert (reply.status, json.loads(reply.body)["code"]) == (422, "invalid_parameter")


async def test_without_a_position_the_client_is_told_where_it_begins(door: FrontDoor) -> None:
    """Browsers keep the id of what is no event, too, and come back with it."""
    door.calls.feed = [POSITION]
    assert f": from now on\nid: {POSITION}\n\n" in (await ask(door)).body.decode()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (PositionTooOld("Read the calls."), 410, "position_too_old"),
        (StoreUnavailable("gone"), 503, "store_unavailable"),
    ],
)
async def test_what_cannot_be_followed_is_refused_before_the_stream_begins(
    door: FrontDoor, error: Exception, status: int, code: str
) -> None:
    door.calls.error = error
    reply = await ask(door, f"?after={POSITION}")
    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)


@pytest.fixture
def many_files() -> Iterator[None]:
    """Both ends of a thousand connections are files of this process."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (usual[1], usual[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, usual)


@asynccontextmanager
async def open_stream(door: FrontDoor, path: str) -> AsyncIterator[int]:
    """The status of a stream that stays open while entered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    try:
        writer.write(request(method="GET", path=path, content_type=None))
        yield int((await reader.readuntil(b"\r\n\r\n")).split()[1])
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/api/v2/events", account_streams.MOST_STREAMS),
        (f"/api/v2/calls/{CALL_ID}/events", call_streams.MOST_STREAMS),
    ],
)
async def test_an_account_follows_so_many_at_once_and_may_come_back(
    door: FrontDoor, many_files: None, path: str, most: int
) -> None:
    door.calls.stays_open = True
    door.calls.stored[CALL_ID] = RUNNING
    async with AsyncExitStack() as streams:
        for _ in range(most):
            assert await streams.enter_async_context(open_stream(door, path)) == 200
        octets = request(method="GET", path=path, content_type=None)
        refused = await exchange(door, octets)
        assert (refused.status, json.loads(refused.body)["code"]) == (429, "too_many_streams")
        assert int(refused.headers["retry-after"]) > 0
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            async with open_stream(door, path) as status:
                if status == 200:
                    return


async def test_a_stream_with_nothing_to_tell_says_that_it_is_there(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastapi.routing, "_PING_INTERVAL", 0.05)
    door.calls.stays_open = True
    async with (
        asyncio.timeout(WAIT_SECONDS),
        aiohttp.ClientSession(headers={"Authorization": basic()}) as client,
        client.get(door.url("/api/v2/events")) as answer,
    ):
        assert await answer.content.readline() == b": ping\n"
