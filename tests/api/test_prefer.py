"""`Prefer: wait=N`: how long an answer waits for the end of the call, and what is no such preference."""

import json

import pytest

from tests.api.conftest import CALL_ID, FrontDoor, exchange, request
from tests.api.test_placing import LINES
from tests.api.test_v2 import ENDED, RUNNING

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=10", 10),
        ("WAIT = 10", 10),
        ('wait="7"', 7),
        ("respond-async, wait=5; x=1", 5),
        ("wait=5, wait=6", 5),
        ("return=minimal\r\nPrefer: wait=3", 3),
        ("wait=0", 0),
        ("wait=61", 60),
        ("wait=99999999999999999999", 60),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_answer_waits_for_the_end_and_says_for_how_long(
    door: FrontDoor, method: str, prefer: str, seconds: int
) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    door.calls.ended[CALL_ID] = ENDED
    path, body = (f"/{CALL_ID}", b"") if method == "GET" else ("", json.dumps(LINES).encode())
    reply = await exchange(
        door, request(body, method=method, path=f"/api/v2/calls{path}", headers={"Prefer": prefer})
    )
    assert reply.headers["preference-applied"] == f"wait={seconds}"
    assert json.loads(reply.body)["state"] == "ended"
    assert door.calls.waited == [seconds]


@pytest.mark.parametrize(
    "prefer", ["", "wait", "wait=", "wait=-1", "wait=1.5", "wait=x", "waits=5", "x=wait=5", "wait=²"]
)
async def test_what_is_no_wait_is_no_preference(door: FrontDoor, prefer: str) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    reply = await exchange(
        door, request(method="GET", path=f"/api/v2/calls/{CALL_ID}", headers={"Prefer": prefer})
    )
    assert "preference-applied" not in reply.headers
    assert (json.loads(reply.body)["state"], door.calls.waited) == (RUNNING.state, [])
