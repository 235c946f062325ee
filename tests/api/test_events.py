"""`GET /api/v2/events`, as Server-Sent Events."""

import json

import pytest

from ringbridge.service.feed import FeedEvent, FeedPosition
from tests.api.conftest import ACCOUNT, CALL_ID, FrontDoor, Reply, exchange, request
from tests.api.test_v2 import EVENTS

pytestmark = pytest.mark.asyncio(loop_scope="package")

POSITION = FeedPosition("0123abcd", 7, 1_795_000_001_000)


async def ask(door: FrontDoor, query: str = "", **headers: str) -> Reply:
    octets = request(method="GET", path=f"/api/v2/events{query}", content_type=None, headers=headers)
    return await exchange(door, octets)


async def test_each_event_has_its_call_and_an_id_to_go_on_from(door: FrontDoor) -> None:
    door.calls.feed = [
        FeedEvent(POSITION.epoch, number, ACCOUNT.id, "1", CALL_ID, metadata, event)
        for number, (metadata, event) in enumerate(
            zip((None, {"order": "4711"}), EVENTS[:2], strict=True), start=7
        )
    ]
    reply = await ask(door)
    assert (reply.status, door.calls.followed_from) == (200, [None])
    assert reply.headers["content-type"].startswith("text/event-stream")
    text = reply.body.decode()
    assert "id: 0123abcd-7-1795000001000\n" in text
    assert "id: 0123abcd-8-1795000002000\n" in text
    data = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert [(event["call_id"], event["sequence"], event["metadata"]) for event in data] == [
        (CALL_ID, 1, {}),
        (CALL_ID, 2, {"order": "4711"}),
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
