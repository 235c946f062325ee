"""Which methods a path takes, and HEAD, which every path takes that takes GET."""

import pytest

from tests.api.conftest import CALL_ID, FrontDoor, exchange, request
from tests.api.test_v2 import RUNNING

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v2/calls", "HEAD, GET, POST"),
        ("POST", f"/api/v2/calls/{CALL_ID}", "HEAD, GET, DELETE"),
        ("PUT", "/api/v2/lines/line_1", "HEAD, GET, PATCH, DELETE"),
        ("GET", "/api/v2/calls/preview/", None),
        ("HEAD", "/api/v2/tokens", "POST"),
        ("POST", "/readyz", "HEAD, GET"),
    ],
)
async def test_a_method_that_a_path_does_not_take_is_answered_with_all_that_it_does(
    door: FrontDoor, method: str, path: str, allowed: str | None
) -> None:
    reply = await exchange(door, request(method=method, path=path))
    assert (reply.status, reply.headers.get("allow")) == (404 if allowed is None else 405, allowed)


async def test_head_is_get_without_its_body(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    path = f"/api/v2/calls/{CALL_ID}"
    whole = await exchange(door, request(method="GET", path=path))
    head = await exchange(door, request(method="HEAD", path=path))
    assert (head.status, head.body) == (200, b"")
    names = ("content-type", "content-length", "cache-control")
    assert [head.headers[name] for name in names] == [whole.headers[name] for name in names]
    stranger = await exchange(door, request(method="HEAD", path=path, authorization=None))
    assert (stranger.status, stranger.body) == (401, b"")


async def test_head_of_a_stream_ends(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    head = await exchange(door, request(method="HEAD", path=f"/api/v2/calls/{CALL_ID}/events"))
    assert (head.status, head.headers["content-type"], head.body) == (
        200,
        "text/event-stream; charset=utf-8",
        b"",
    )
