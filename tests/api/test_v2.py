"""Version 2: reading, following and ending a call, and its errors."""

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest

from ringbridge.call.errors import StoreUnavailable
from ringbridge.call.history import StoredCall, StoredEvent, StoredLeg
from ringbridge.call.third import StoredThird
from tests.api.conftest import CALL_ID, FrontDoor, Reply, basic, exchange, request
from tests.peers.tool import WAIT_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="package")

USER = StoredLeg(
    number="+18175629656",
    trunk=None,
    state="answered",
    ringing_at=1_795_000_000.25,
    answered_at=1_795_000_003.0,
    ended_at=None,
    cause=None,
    sip_status=None,
    q850=None,
)
DESTINATION = replace(
    USER, number="+15125292329", trunk="carrier", state="dialing", ringing_at=None, answered_at=None
)
EVENTS = tuple(
    StoredEvent(
        sequence=sequence,
        name=name,
        at=1_795_000_000.0 + sequence,
        state="ringing_user",
        user_leg="ringing",
        destination_leg="none",
    )
    for sequence, name in enumerate(("accepted", "user_dialing", "user_ringing"), start=1)
)
RUNNING = StoredCall(
    id=CALL_ID,
    account_id="1009683",
    state="dialing_destination",
    outcome=None,
    cause=None,
    ended_by=None,
    accepted_at=1_795_000_000.0,
    ended_at=None,
    talk_seconds=0.0,
    user=USER,
    destination=DESTINATION,
    events=EVENTS[:2],
)
ENDED = replace(
    RUNNING,
    state="ended",
    outcome="completed",
    cause="normal",
    ended_by="destination",
    ended_at=1_795_000_063.123456,
    talk_seconds=58.123456,
)
PATH = f"/api/v2/calls/{CALL_ID}"


async def ask(door: FrontDoor, path: str = PATH, method: str = "GET", **words: object) -> Reply:
    return await exchange(door, request(method=method, path=path, content_type=None, **words))  # type: ignore[arg-type]


def problem(status: int, title: str, detail: str, code: str) -> dict[str, object]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}


async def test_a_running_call_is_shown_as_far_as_it_is_known(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    reply = await ask(door)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert json.loads(reply.body) == {
        "id": CALL_ID,
        "state": "dialing_destination",
        "outcome": None,
        "cause": None,
        "ended_by": None,
        "accepted_at": "2026-11-18T11:06:40Z",
        "ended_at": None,
        "talk_seconds": None,
        "metadata": {},
        "attempt_of": None,
        "test": False,
        "cost": None,
        "schedule": None,
        "user": {
            "number": "+18175629656",
            "trunk": None,
            "state": "answered",
            "ringing_at": "2026-11-18T11:06:40.250000Z",
            "answered_at": "2026-11-18T11:06:43Z",
            "ended_at": None,
            "cause": None,
            "sip_status": None,
            "q850": None,
        },
        "destination": {
            "number": "+15125292329",
            "trunk": "carrier",
            "state": "dialing",
            "ringing_at": None,
            "answered_at": None,
            "ended_at": None,
            "cause": None,
            "sip_status": None,
            "q850": None,
        },
        "thirds": [],
        "events": [
            {
                "sequence": 1,
                "name": "accepted",
                "at": "2026-11-18T11:06:41Z",
                "state": "ringing_user",
                "user_leg": "ringing",
                "destination_leg": "none",
            },
            {
                "sequence": 2,
                "name": "user_dialing",
                "at": "2026-11-18T11:06:42Z",
                "state": "ringing_user",
                "user_leg": "ringing",
                "destination_leg": "none",
            },
        ],
    }


async def test_a_transferred_call_tells_of_its_thirds(door: FrontDoor) -> None:
    third = StoredThird(
        number="+15125550003",
        trunk="carrier",
        state="ringing",
        dialed_at=1_795_000_010.0,
        ringing_at=1_795_000_011.25,
        answered_at=None,
        ended_at=None,
        cause=None,
        sip_status=None,
        q850=None,
        micros=None,
    )
    door.calls.stored[CALL_ID] = replace(RUNNING, state="transferring", thirds=(third,))
    assert json.loads((await ask(door)).body)["thirds"] == [
        {
            "number": "+15125550003",
            "trunk": "carrier",
            "outcome": None,
            "dialed_at": "2026-11-18T11:06:50.000Z",
            "ringing_at": "2026-11-18T11:06:51.250Z",
            "answered_at": None,
            "ended_at": None,
            "cause": None,
            "sip_status": None,
            "q850": None,
            "talk_seconds": None,
            "cost": None,
        }
    ]


async def test_an_ended_call_says_how_it_ended(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = ENDED
    call = json.loads((await ask(door)).body)
    assert [call[name] for name in ("state", "outcome", "cause", "ended_by", "ended_at", "talk_seconds")] == [
        "ended",
        "completed",
        "normal",
        "destination",
        "2026-11-18T11:07:43.123000Z",
        58.123,
    ]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("call_id", [CALL_ID, "1", CALL_ID.upper(), "%00", "..", "x" * 5000])
async def test_an_unknown_id_is_a_problem_whatever_it_looks_like(
    door: FrontDoor, method: str, call_id: str
) -> None:
    reply = await ask(door, f"/api/v2/calls/{call_id}", method)
    assert (reply.status, reply.headers["content-type"]) == (404, "application/problem+json")
    assert json.loads(reply.body) == problem(404, "Not Found", "There is no call with this id.", "not_found")
    assert door.calls.cancelled == []


async def test_wrong_credentials_are_a_problem_with_a_challenge(door: FrontDoor) -> None:
    reply = await ask(door, authorization=basic("1009683", "wrong"))
    assert (reply.status, reply.headers["www-authenticate"]) == (401, 'Basic realm="API"')
    assert json.loads(reply.body) == problem(
        401, "Unauthorized", "Invalid API credentials.", "invalid_credentials"
    )


async def test_guessing_is_a_problem_with_a_time_to_wait(door: FrontDoor) -> None:
    replies = [await ask(door, authorization=basic("guessed at v2", "x")) for _ in range(11)]
    assert (replies[-1].status, json.loads(replies[-1].body)["code"]) == (429, "too_many_failures")
    assert int(replies[-1].headers["retry-after"]) >= 1


async def test_a_lost_database_is_a_problem_of_ours(door: FrontDoor) -> None:
    door.calls.error = StoreUnavailable("disk full")
    reply = await ask(door)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert json.loads(reply.body) == problem(
        503, "Service Unavailable", "Please try again later.", "store_unavailable"
    )


async def test_a_bug_is_a_problem_without_a_traceback(door: FrontDoor) -> None:
    door.calls.error = ZeroDivisionError("a bug")
    reply = await ask(door)
    assert json.loads(reply.body) == problem(
        500, "Internal Server Error", "Something went wrong. Please try again later.", "internal"
    )


async def test_an_unknown_path_and_method_are_problems(door: FrontDoor) -> None:
    assert json.loads((await ask(door, "/api/v2/nothing")).body) == problem(
        404, "Not Found", "Not Found", "not_found"
    )
    reply = await ask(door, method="PUT")
    assert (reply.status, json.loads(reply.body)["code"]) == (405, "method_not_allowed")
    assert reply.headers["allow"]


async def test_a_running_call_is_hung_up(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    reply = await ask(door, method="DELETE")
    assert (reply.status, json.loads(reply.body)) == (202, {"id": CALL_ID})
    assert door.calls.cancelled == [CALL_ID]


async def test_a_call_that_is_over_cannot_be_hung_up(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = ENDED
    reply = await ask(door, method="DELETE")
    assert reply.status == 409
    assert json.loads(reply.body) == problem(
        409, "Conflict", "The call is over already.", "call_already_ended"
    )


async def test_events_come_as_they_happen_and_end_with_the_call(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    headers = {"Authorization": basic()}
    async with (
        asyncio.timeout(WAIT_SECONDS),
        aiohttp.ClientSession(headers=headers) as client,
        client.get(door.url(f"{PATH}/events")) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        first = await response.content.readuntil(b"\n\n") + await response.content.readuntil(b"\n\n")
        door.calls.live.put_nowait(EVENTS[2])
        door.calls.live.put_nowait(None)
        rest = await response.content.read()
    blocks = [
        dict(line.split(": ", 1) for line in block.splitlines())
        for block in first.decode().split("\n\n")[:-1]
    ]
    assert [block["id"] for block in blocks] == ["1", "2"]
    assert json.loads(blocks[0]["data"]) == {
        "sequence": 1,
        "name": "accepted",
        "at": "2026-11-18T11:06:41Z",
        "state": "ringing_user",
        "user_leg": "ringing",
        "destination_leg": "none",
    }
    assert b"id: 3\n" in rest
    assert b'"user_ringing"' in rest


async def test_a_follower_that_goes_away_is_forgotten(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    async with asyncio.timeout(WAIT_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(request(method="GET", path=f"{PATH}/events", content_type=None))
        await reader.readuntil(b"user_dialing")
        writer.transport.abort()
        await door.calls.unfollowed.wait()


@pytest.mark.parametrize(
    ("query", "headers", "after"),
    [
        ("", {}, 0),
        ("?after=1", {}, 1),
        ("", {"Last-Event-ID": "2"}, 2),
        ("?after=1", {"Last-Event-ID": "2"}, 2),
    ],
)
async def test_following_goes_on_after_the_last_event_seen(
    door: FrontDoor, query: str, headers: dict[str, str], after: int
) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    door.calls.live.put_nowait(None)
    reply = await ask(door, f"{PATH}/events{query}", headers=headers)
    assert (reply.status, door.calls.followed_after) == (200, [after])


async def test_when_nothing_will_follow_the_client_is_told_not_to_come_back(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = ENDED
    reply = await ask(door, f"{PATH}/events", headers={"Last-Event-ID": "2"})
    assert (reply.status, reply.body) == (204, b"")


async def test_the_events_of_an_unknown_call_are_not_found(door: FrontDoor) -> None:
    reply = await ask(door, f"{PATH}/events")
    assert (reply.status, reply.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("after", ["-1", "x", "1.5"])
async def test_a_wrong_position_is_named(door: FrontDoor, after: str) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    reply = await ask(door, f"{PATH}/events?after={after}")
    problem_details = json.loads(reply.body)
    assert (reply.status, problem_details["code"]) == (422, "invalid_parameter")
    assert problem_details["detail"].startswith("after: ")
