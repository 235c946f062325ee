"""Live actions at the front door: who may ask, and what it says to what cannot be read or done."""

import json
from dataclasses import replace

import pytest

from ringbridge.api.v2.problems import problem_of
from ringbridge.call.key import CALL_SCOPES
from ringbridge.service.quota import TooManyActions
from tests.api import conftest
from tests.api.conftest import CALL_ID, FrontDoor, exchange, request
from tests.api.test_v2 import RUNNING

pytestmark = pytest.mark.asyncio(loop_scope="package")

ACTIONS = f"/api/v2/calls/{CALL_ID}/actions"


OTHERS = {"digits": {"digits": "1"}, "transfer": {"destination_line": "15125550003"}}


async def ask(door: FrontDoor, action: str, body: object = None) -> dict[str, object]:
    """The problem that it answers."""
    octets = b"" if body is None else json.dumps(body).encode()
    reply = await exchange(door, request(octets, path=f"{ACTIONS}/{action}"))
    problem: dict[str, object] = json.loads(reply.body)
    assert reply.headers["content-type"] == "application/problem+json"
    return problem


@pytest.mark.parametrize("action", ["hold", "resume"])
async def test_a_call_that_runs_no_longer_takes_no_action(door: FrontDoor, action: str) -> None:
    """Bodies may be left out where everything in them has a default."""
    door.calls.stored[CALL_ID] = RUNNING
    problem = await ask(door, action)
    assert (problem["status"], problem["code"]) == (409, "wrong_state")
    assert problem["detail"] == "The call is in state ended, in which that cannot be done."


@pytest.mark.parametrize("action", ["hold", "resume", "digits", "hangup", "transfer"])
async def test_an_unknown_call_is_not_there(door: FrontDoor, action: str) -> None:
    problem = await ask(door, action, {"leg": "user"} | OTHERS.get(action, {}))
    assert (problem["status"], problem["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("hold", {"leg": "nobody"}),
        ("hold", {"leg": "user", "music": "loud"}),
        ("hangup", {}),
        ("digits", {}),
        ("digits", {"digits": ""}),
        ("digits", {"digits": "12x"}),
        ("digits", {"digits": "1" * 65}),
        ("digits", {"digits": "1\n"}),
        ("transfer", {"leg": "user"}),
        ("transfer", {"destination_line": "1" * 201}),
    ],
    ids=repr,
)
async def test_what_cannot_be_read_is_refused(door: FrontDoor, action: str, body: object) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    assert (await ask(door, action, body))["status"] == 422


async def test_a_key_without_the_scope_may_not_ask(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    monkeypatch.setattr(conftest, "KEY", replace(conftest.KEY, scopes=CALL_SCOPES))
    problem = await ask(door, "hold")
    assert (problem["status"], problem["code"]) == (403, "missing_scope")


async def test_a_call_that_has_had_all_its_actions_is_no_reason_to_come_back() -> None:
    answer = problem_of(TooManyActions("This call has had 500 actions."))
    assert (answer.status, json.loads(answer.body)["code"]) == (409, "too_many_actions")
    assert not any(name == b"retry-after" for name, _ in answer.headers)
