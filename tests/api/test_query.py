"""A query parameter that a route does not have is refused, whatever the route; whoever may not ask learns nothing of that."""

import json

import pytest

from tests.api.conftest import FrontDoor, exchange, request
from tests.api.test_v2 import RUNNING

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize(
    ("method", "path", "has"),
    [
        ("GET", "/api/v2/calls?outcom=canceled", "accepted_before"),
        ("GET", "/api/v2/records/export?ended_form=2030-01-01T00:00:00Z", "ended_from"),
        ("GET", f"/api/v2/calls/{RUNNING.id}?after=1", "It has none"),
        ("GET", f"/api/v2/calls/{RUNNING.id}/events?befor=1", "after"),
        ("GET", "/api/v2/events?x", "after"),
        ("DELETE", f"/api/v2/calls/{RUNNING.id}?force=true", "It has none"),
        ("GET", "/api/v2/keys?limit=1&limitt=2", "limit"),
    ],
)
async def test_what_a_route_does_not_know_is_refused(
    door: FrontDoor, method: str, path: str, has: str
) -> None:
    door.calls.stored = {RUNNING.id: RUNNING}
    reply = await exchange(door, request(method=method, path=path, content_type=None))
    problem = json.loads(reply.body)
    assert (reply.status, problem["code"]) == (422, "unknown_field")
    assert has in problem["detail"]


async def test_whoever_may_not_ask_is_told_that_first(door: FrontDoor) -> None:
    asked = request(method="GET", path="/api/v2/calls?outcom=canceled", content_type=None, authorization=None)
    assert (await exchange(door, asked)).status == 401
