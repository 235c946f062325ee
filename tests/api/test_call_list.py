"""`GET /api/v2/calls`: filters reach the service, pages follow one another, and cursors are kept to their filters."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ringbridge.call.errors import InvalidUserLine
from ringbridge.call.history import CallFilter, CallPlace
from tests.api.conftest import FrontDoor, Reply, exchange, request
from tests.api.test_schedules import SCHEDULED
from tests.api.test_v2 import ENDED, RUNNING

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def ask(door: FrontDoor, query: str = "") -> Reply:
    return await exchange(door, request(method="GET", path=f"/api/v2/calls{query}", content_type=None))


async def body(door: FrontDoor, query: str = "") -> Any:
    reply = await ask(door, query)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


async def test_a_list_shows_calls_without_their_events(door: FrontDoor) -> None:
    door.calls.stored = {call.id: call for call in (RUNNING, replace(ENDED, id="b"))}
    shown = await body(door)
    assert [call["id"] for call in shown["items"]] == [RUNNING.id, "b"]
    assert shown["next_cursor"] is None
    assert "events" not in shown["items"][0]
    assert shown["items"][1]["outcome"] == "completed"


async def test_a_list_shows_what_scheduled_calls_wait_for(door: FrontDoor) -> None:
    schedule = SCHEDULED.schedule
    assert schedule is not None
    door.calls.stored = {
        "plan": replace(SCHEDULED, id="plan", schedule=schedule._replace(next_attempt_at=1_795_000_000.0))
    }
    [shown] = (await body(door, "?state=scheduled"))["items"]
    assert (shown["state"], shown["schedule"]["next_attempt_at"]) == ("scheduled", "2026-11-18T11:06:40Z")
    assert [attempt["id"] for attempt in shown["schedule"]["attempts"]] == ["try-1"]


async def test_every_filter_reaches_the_service(door: FrontDoor) -> None:
    await body(
        door,
        "?state=ended&outcome=completed&user_line=204&destination_line=%2B15125292329"
        "&metadata=order:4711&metadata=url:a:b&accepted_from=2026-11-18T11:06:40Z"
        "&accepted_before=2026-11-18T12:06:40%2B01:00&limit=7",
    )
    wanted = CallFilter(
        state="ended",
        outcome="completed",
        metadata=(("order", "4711"), ("url", "a:b")),
        accepted_from=1_795_000_000.0,
        accepted_before=1_795_000_000.0,
    )
    assert door.calls.listed == [(wanted, None, 8, "204", "+15125292329")]


async def test_pages_follow_one_another(door: FrontDoor) -> None:
    door.calls.stored = {f"{n}": replace(RUNNING, id=f"{n}") for n in range(3)}
    first = await body(door, "?limit=2&state=ended")
    assert [call["id"] for call in first["items"]] == ["0", "1"]
    await body(door, f"?limit=2&state=ended&cursor={first['next_cursor']}")
    assert [after for _, after, *_ in door.calls.listed] == [None, CallPlace(RUNNING.accepted_at, "1")]


@pytest.mark.parametrize("query", ["", "&state=accepted", "&state=ended&user_line=204"])
async def test_a_cursor_is_refused_with_other_filters(door: FrontDoor, query: str) -> None:
    door.calls.stored = {f"{n}": replace(RUNNING, id=f"{n}") for n in range(3)}
    cursor = (await body(door, "?limit=2&state=ended"))["next_cursor"]
    reply = await ask(door, f"?limit=2&cursor={cursor}{query}")
    assert (reply.status, json.loads(reply.body)["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("?state=over", "state: "),
        ("?outcome=good", "outcome: "),
        ("?metadata=order", "metadata.0: "),
        ("?metadata=:x", "metadata.0: "),
        ("?metadata=a%22b:x", "metadata.0: "),
        ("?metadata=a:%00", "metadata.0: "),
        ("?" + "&".join(["metadata=a:b"] * 6), "metadata: "),
        ("?accepted_from=yesterday", "accepted_from: "),
        ("?accepted_from=2026-11-18T11:06:40", "accepted_from: "),
        ("?limit=0", "limit: "),
        ("?limit=201", "limit: "),
        ("?user_line=", "user_line: "),
    ],
)
async def test_a_wrong_filter_is_named(door: FrontDoor, query: str, named: str) -> None:
    reply = await ask(door, query)
    problem = json.loads(reply.body)
    assert (reply.status, problem["code"]) == (422, "invalid_parameter")
    assert problem["detail"].startswith(named)


async def test_a_line_that_cannot_be_read_is_named(door: FrontDoor) -> None:
    door.calls.error = InvalidUserLine("invalid_number")
    reply = await ask(door, "?user_line=x")
    assert (reply.status, json.loads(reply.body)["code"]) == (422, "invalid_number")
