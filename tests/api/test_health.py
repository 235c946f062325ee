"""What machines ask of the server."""

import json

import pytest

from tests.api.conftest import FrontDoor, exchange, request

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_living_server_says_so(door: FrontDoor) -> None:
    reply = await exchange(door, request(method="GET", path="/healthz", authorization=None))
    assert (reply.status, json.loads(reply.body)) == (200, {"status": "ok"})


async def test_a_server_with_all_it_needs_is_ready(door: FrontDoor) -> None:
    door.checks.update(database=True, media=True)
    reply = await exchange(door, request(method="GET", path="/readyz", authorization=None))
    assert (reply.status, json.loads(reply.body)) == (
        200,
        {"status": "ready", "checks": {"database": True, "media": True}},
    )


async def test_a_server_that_lacks_something_names_it_and_is_not_ready(door: FrontDoor) -> None:
    door.checks.update(database=True, media=False)
    reply = await exchange(door, request(method="GET", path="/readyz", authorization=None))
    assert (reply.status, json.loads(reply.body)) == (
        503,
        {"status": "not_ready", "checks": {"database": True, "media": False}},
    )


async def test_metrics_are_given_as_they_are(door: FrontDoor) -> None:
    reply = await exchange(door, request(method="GET", path="/metrics", authorization=None))
    assert (reply.status, reply.body) == (200, b"calls 3\n")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
