"""The audit log through the API."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ringbridge.api.v2.paging import cursor_at
from ringbridge.call.actor import Actor, ActorKind, acting_as
from ringbridge.call.audit import Action
from ringbridge.call.key import Scope
from ringbridge.store.audit import SqlAuditLog, note
from ringbridge.store.database import writing
from tests.api import conftest
from tests.api.conftest import ACCOUNT, FrontDoor, Reply, exchange, request

pytestmark = pytest.mark.asyncio(loop_scope="package")

ANN = Actor(ActorKind.COMMAND_LINE, "ann", "192.0.2.7")
KEY = Actor(ActorKind.API_KEY, "0G3kZr81Qa", "192.0.2.8")


async def ask(door: FrontDoor, query: str = "") -> Reply:
    return await exchange(door, request(method="GET", path=f"/api/v2/audit{query}"))


def write(door: FrontDoor, actor: Actor, action: Action, **fields: Any) -> int:
    """An entry of the account; its number."""
    with acting_as(actor), writing(door.database) as connection:
        note(connection, action, account_id=ACCOUNT.id, **fields)
    return SqlAuditLog(door.database).head().sequence


@pytest.fixture
def three(door: FrontDoor) -> list[int]:
    """The numbers of three entries, the last first."""
    return [
        write(door, KEY, Action.LINE_CHANGED, target_id="line-1", before={"nat": False}, after={"nat": True}),
        write(door, ANN, Action.LINE_CREATED, target_id="line-1", after={"number": "+18175629657"}),
        write(
            door, ANN, Action.ACCOUNT_SUSPENDED, target_id=ACCOUNT.id, before={}, after={"suspended": True}
        ),
    ][::-1]


async def test_an_account_sees_what_was_changed_and_of_administrators_only_that_it_was_one(
    door: FrontDoor, three: list[int]
) -> None:
    with writing(door.database) as connection:
        note(connection, Action.RATES_IMPORTED)
    reply = await ask(door, "?limit=3")

    assert reply.status == 200
    shown = json.loads(reply.body)["items"]
    assert [entry["id"] for entry in shown] == three
    assert [entry["actor"] for entry in shown[:2]] == [
        {"kind": "command_line", "id": None, "address": None}
    ] * 2
    assert {name: value for name, value in shown[2].items() if name != "at"} == {
        "id": three[2],
        "action": "line.changed",
        "actor": {"kind": "api_key", "id": "0G3kZr81Qa", "address": "192.0.2.8"},
        "target": {"kind": "line", "id": "line-1"},
        "before": {"nat": False},
        "after": {"nat": True},
    }
    assert shown[1]["after"] == {"number": "…9657"}


async def test_pages_follow_one_another(door: FrontDoor, three: list[int]) -> None:
    first = json.loads((await ask(door, "?limit=2")).body)
    second = json.loads((await ask(door, f"?limit=1&cursor={first['next_cursor']}")).body)

    assert [entry["id"] for entry in first["items"] + second["items"]] == three


@pytest.mark.parametrize("position", [0.0, -1.0, 2.0**53, 1e300])
async def test_a_cursor_that_no_page_had_is_refused(door: FrontDoor, position: float) -> None:
    reply = await ask(door, f"?cursor={cursor_at((position,), 'audit', {})}")

    assert (reply.status, json.loads(reply.body)["code"]) == (400, "invalid_cursor")


async def test_it_takes_a_scope_of_its_own(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    without = replace(conftest.KEY, scopes=frozenset(Scope) - {Scope.AUDIT_READ})
    monkeypatch.setattr(conftest, "KEY", without)

    assert (await ask(door)).status == 403


async def test_a_key_acts_in_its_own_requests_only(door: FrontDoor) -> None:
    body = json.dumps({"name": "desk", "scopes": ["calls:create"]}).encode()
    made = await exchange(door, request(body, path="/api/v2/keys"))
    assert made.status == 201
    (entry,) = json.loads((await ask(door, "?limit=1")).body)["items"]

    assert (entry["action"], entry["target"]["id"]) == ("key.created", json.loads(made.body)["id"])
    assert entry["actor"] == {"kind": "api_key", "id": conftest.KEY.id, "address": "127.0.0.1"}
    assert entry["after"]["secret_digest"] == "(hidden)"
