"""Limits and usage through the API."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import DestinationRefused, SpendLimitReached, TooManyCalls
from ringbridge.call.key import Scope
from ringbridge.store.administration import Administration
from ringbridge.store.database import writing
from ringbridge.store.tables import account_limits
from tests.api import conftest
from tests.api.conftest import ACCOUNT, KEY, FrontDoor, Reply, exchange, request

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture
def administration(door: FrontDoor) -> Iterator[Administration]:
    yield Administration(door.database)
    with writing(door.database) as connection:
        connection.execute(delete(account_limits))


async def ask(door: FrontDoor, method: str, path: str, body: Any = None) -> Reply:
    octets = b"" if body is None else json.dumps(body).encode()
    return await exchange(door, request(octets, method=method, path=f"/api/v2{path}"))


def told(reply: Reply) -> Any:
    return json.loads(reply.body)


async def test_limits_are_shown_with_money_as_text(door: FrontDoor, administration: Administration) -> None:
    limits = AccountLimits(countries=("US", "CA"), spend_per_day=25_500_000, quiet_hours="21:00-08:00")
    administration.set_limits(ACCOUNT.id, limits)
    reply = await ask(door, "GET", "/limits")

    assert reply.status == 200
    assert told(reply) == {
        "concurrent": 20,
        "per_user": 1,
        "rate": 10,
        "duplicates_seconds": 3.0,
        "countries": ["US", "CA"],
        "user_ring_seconds": 30.0,
        "confirm_seconds": 10.0,
        "destination_ring_seconds": 60.0,
        "call_seconds": 3600.0,
        "per_minute": None,
        "user_per_minute": None,
        "destination_per_10_minutes": None,
        "refused_prefixes": [],
        "quiet_hours": "21:00-08:00",
        "spend_per_call": None,
        "spend_per_hour": None,
        "spend_per_day": "25.50",
        "spend_per_month": None,
        "short_calls_per_hour": None,
        "keys": 20,
    }


async def test_a_key_can_make_limits_tighter(door: FrontDoor, administration: Administration) -> None:
    wanted = {
        "concurrent": 3,
        "call_seconds": 600.0,
        "spend_per_day": "25.5",
        "refused_prefixes": ["+1900"],
        "quiet_hours": "21:00-08:00",
        "per_minute": 30,
    }
    reply = await ask(door, "PATCH", "/limits", wanted)

    assert reply.status == 200
    assert {name: told(reply)[name] for name in wanted} == wanted | {"spend_per_day": "25.50"}
    assert administration.limits(ACCOUNT.id) == AccountLimits(
        concurrent=3,
        call_s=600.0,
        spend_per_day=25_500_000,
        refused_prefixes=("+1900",),
        quiet_hours="21:00-08:00",
        per_minute=30,
    )
    for nothing in ({}, {"spend_per_month": None}):
        assert told(await ask(door, "PATCH", "/limits", nothing)) == told(reply)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"concurrent": 21}, 403, "only_tighter"),
        ({"countries": ["US", "CU"]}, 403, "only_tighter"),
        ({"rate": -1}, 422, "invalid_field"),
        ({"rate": "1"}, 422, "invalid_field"),
        ({"rate": None}, 422, "invalid_field"),
        ({"spend_per_day": 25.5}, 422, "invalid_field"),
        ({"spend_per_day": "1000000.01"}, 422, "invalid_value"),
        ({"quiet_hours": "08:00-08:00"}, 422, "invalid_value"),
        ({"refused_prefixes": ["1900"]}, 422, "invalid_field"),
        ({"speed": 3}, 422, "unknown_field"),
    ],
)
async def test_what_is_looser_or_no_limit_is_refused(
    door: FrontDoor, administration: Administration, body: dict[str, Any], status: int, code: str
) -> None:
    reply = await ask(door, "PATCH", "/limits", body)

    assert (reply.status, told(reply)["code"]) == (status, code)
    assert administration.limits(ACCOUNT.id) == AccountLimits()


async def test_usage_is_shown_with_its_limits(door: FrontDoor, administration: Administration) -> None:
    administration.set_limits(ACCOUNT.id, AccountLimits(spend_per_day=25_500_000))
    reply = await ask(door, "GET", "/usage")

    assert reply.status == 200
    usage = told(reply)
    assert (usage["calls_now"], usage["calls_today"], usage["outcomes_today"]) == (0, 0, {})
    assert usage["day"].pop("ends_at").endswith("T00:00:00Z")
    assert usage["day"] == {"spent": "0.00", "reserved": "0.00", "limit": "25.50"}
    assert (usage["hour"]["limit"], usage["month"]["limit"]) == (None, None)


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        (Scope.LIMITS_READ, "GET", "/limits"),
        (Scope.LIMITS_WRITE, "PATCH", "/limits"),
        (Scope.USAGE_READ, "GET", "/usage"),
    ],
)
async def test_each_needs_its_scope(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch, scope: Scope, method: str, path: str
) -> None:
    monkeypatch.setattr(conftest, "KEY", replace(KEY, scopes=frozenset(Scope) - {scope}))
    reply = await ask(door, method, path, {} if method == "PATCH" else None)

    assert (reply.status, told(reply)["code"]) == (403, "missing_scope")


CALL = {"user_line": "204", "destination_line": "+15125292329"}


async def test_a_limit_of_calls_says_how_many_and_when_there_is_room(door: FrontDoor) -> None:
    door.calls.error = TooManyCalls("rate", most=10, retry_after_seconds=0.25)
    reply = await ask(door, "POST", "/calls", CALL)

    assert (reply.status, told(reply)["code"]) == (429, "limit_exceeded")
    names = ("retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
    assert [reply.headers[name] for name in names] == ["1", "10", "0", "1"]


async def test_a_limit_of_money_says_when_there_is_some_again(door: FrontDoor) -> None:
    door.calls.error = SpendLimitReached("spend_per_hour", most=1, retry_after_seconds=59.5)
    reply = await ask(door, "POST", "/calls", CALL)

    assert (reply.status, told(reply)["code"], reply.headers["retry-after"]) == (429, "spend_limit", "60")
    assert "ratelimit-limit" not in reply.headers


@pytest.mark.parametrize("code", ["do_not_call", "quiet_hours", "no_rate", "spend_limit"])
async def test_a_refused_destination_says_which_kind(door: FrontDoor, code: str) -> None:
    door.calls.error = DestinationRefused(code, user_number="204", destination_number="+15125292329")
    reply = await ask(door, "POST", "/calls", CALL)

    assert (reply.status, told(reply)["code"]) == (422, code)
    assert told(reply)["detail"] != "destination_line: This is not possible."
