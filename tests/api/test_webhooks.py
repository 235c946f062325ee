"""Webhooks as resources."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, insert

from ringbridge.call.key import Scope
from ringbridge.service.credential import new_key
from ringbridge.store.administration import Administration
from ringbridge.store.change import ChangeStatements, NewCall
from ringbridge.store.database import writing
from ringbridge.store.session import WriteSession
from ringbridge.store.tables import accounts, api_keys, calls
from ringbridge.store.webhook_tables import webhook_deliveries, webhooks
from tests.api.conftest import ACCOUNT, PEPPER, FrontDoor, basic, exchange, request
from tests.store.samples import a_call, event

pytestmark = pytest.mark.asyncio(loop_scope="package")

PATH = "/api/v2/webhooks"
URL = "https://good.example.com/hook"


@pytest.fixture(autouse=True)
def _no_webhooks(door: FrontDoor) -> Iterator[None]:
    yield
    with writing(door.database) as connection:
        for table in (webhook_deliveries, webhooks, calls):
            connection.execute(delete(table))


async def ask(
    door: FrontDoor, method: str, path: str, content: object = None, authorization: str = basic()
) -> tuple[int, Any]:
    """Status and JSON of the answer."""
    body = b"" if content is None else json.dumps(content).encode()
    reply = await exchange(door, request(body, method=method, path=path, authorization=authorization))
    return reply.status, json.loads(reply.body) if reply.body else None


async def made(door: FrontDoor, **values: object) -> dict[str, Any]:
    """A new webhook."""
    status, webhook = await ask(door, "POST", PATH, {"url": URL, **values})
    assert status == 201, webhook
    return dict(webhook)


async def test_a_webhook_is_made_and_its_secret_shown_once(door: FrontDoor) -> None:
    webhook = await made(door, name=" CRM ", format="net2phone", events=["connected"])

    secret = webhook.pop("secret")
    assert webhook.pop("previous_secret_until") is None
    assert secret.startswith("whsec_")
    assert (webhook["name"], webhook["format"], webhook["events"], webhook["enabled"]) == (
        "CRM",
        "net2phone",
        ["connected"],
        True,
    )
    assert await ask(door, "GET", f"{PATH}/{webhook['id']}") == (200, webhook)
    assert await ask(door, "GET", PATH) == (200, {"items": [webhook], "next_cursor": None})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({}, "missing_field"),
        ({"url": URL, "color": "red"}, "unknown_field"),
        ({"url": "https://private.example.com/"}, "invalid_webhook"),
        ({"url": URL, "events": ["Ended!"]}, "invalid_webhook"),
        ({"url": URL, "name": "a\u0000b"}, "invalid_webhook"),
        ({"url": URL, "format": "xml"}, "invalid_field"),
        ({"url": "https://good.example.com/" + "a" * 2048}, "invalid_field"),
    ],
)
async def test_what_cannot_be_a_webhook_is_refused(
    door: FrontDoor, content: dict[str, Any], code: str
) -> None:
    status, problem = await ask(door, "POST", PATH, content)

    assert (status, problem["code"]) == (422, code)
    assert (await ask(door, "GET", PATH))[1]["items"] == []


async def test_an_account_has_so_many_webhooks(door: FrontDoor) -> None:
    for _ in range(20):
        await made(door)

    status, problem = await ask(door, "POST", PATH, {"url": URL})

    assert (status, problem["code"]) == (409, "too_many_webhooks")


async def test_a_webhook_is_changed_disabled_and_enabled(door: FrontDoor) -> None:
    webhook = await made(door, name="CRM", events=["ended"])
    path = f"{PATH}/{webhook['id']}"

    status, changed = await ask(door, "PATCH", path, {"url": URL + "2", "events": [], "format": "net2phone"})
    assert (status, changed["url"], changed["events"]) == (200, URL + "2", [])
    assert (changed["name"], changed["format"]) == ("CRM", "net2phone")
    _, disabled = await ask(door, "PATCH", path, {"enabled": False, "name": ""})
    assert (disabled["enabled"], disabled["disabled_reason"], disabled["name"]) == (False, "by_request", None)
    assert (await ask(door, "PATCH", path, {"enabled": False}))[1] == disabled
    _, enabled = await ask(door, "PATCH", path, {"enabled": True})
    assert (enabled["enabled"], enabled["disabled_reason"], enabled["disabled_at"]) == (True, None, None)
    status, problem = await ask(door, "PATCH", path, {"url": "https://private.example.com/"})
    assert (status, problem["code"]) == (422, "invalid_webhook")


async def test_a_secret_is_rotated_with_an_overlap(door: FrontDoor) -> None:
    webhook = await made(door)

    status, rotated = await ask(door, "POST", f"{PATH}/{webhook['id']}/rotate-secret")

    assert status == 200
    assert rotated["secret"] != webhook["secret"]
    assert rotated["previous_secret_until"] is not None


async def test_a_receiver_is_tried_out(door: FrontDoor) -> None:
    good, bad = await made(door), await made(door, url="https://bad.example.com/")

    _, taken = await ask(door, "POST", f"{PATH}/{good['id']}/test")
    _, refused = await ask(door, "POST", f"{PATH}/{bad['id']}/test")

    assert (taken["delivered"], taken["status"], taken["error"]) == (True, 204, None)
    assert (refused["delivered"], refused["status"], refused["error"]) == (False, 500, "status 500")


async def test_an_account_tries_its_receivers_out_so_often(door: FrontDoor) -> None:
    webhook = await made(door)
    path = f"{PATH}/{webhook['id']}/test"

    answers = [await exchange(door, request(b"", method="POST", path=path)) for _ in range(11)]

    refused = [answer for answer in answers if answer.status != 200]
    assert refused
    assert refused[-1] is answers[-1]
    assert refused[0].status == 429
    assert json.loads(refused[0].body)["code"] == "too_many_tests"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60


async def test_the_secret_of_single_calls_stays_the_same(door: FrontDoor) -> None:
    first = await ask(door, "GET", f"{PATH}/call-secret")
    assert first[1]["secret"].startswith("whsec_")
    assert await ask(door, "GET", f"{PATH}/call-secret") == first


@pytest.fixture
def test_key(door: FrontDoor) -> Iterator[str]:
    """The credentials of a test key that may see and change webhooks."""
    key, text = new_key(PEPPER, ACCOUNT.id, "test", 1.0, lambda octets: b"t" * octets, is_test=True)
    scopes = frozenset({Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE})
    administration = Administration(door.database)
    administration.add_key(replace(key, scopes=scopes, expires_at=9e9))
    yield basic(ACCOUNT.id, text)
    with writing(door.database) as connection:
        connection.execute(delete(api_keys).where(api_keys.c.id == key.id))


async def test_a_test_key_makes_and_sees_webhooks_of_its_own_kind(door: FrontDoor, test_key: str) -> None:
    live = await made(door)
    status, test = await ask(door, "POST", PATH, {"url": URL}, test_key)
    assert (status, live["test"], test["test"]) == (201, False, True)

    seen_by_test = (await ask(door, "GET", PATH, authorization=test_key))[1]["items"]
    seen_by_live = (await ask(door, "GET", PATH))[1]["items"]

    assert [one["id"] for one in seen_by_test] == [test["id"]]
    assert {one["id"] for one in seen_by_live} == {live["id"], test["id"]}
    assert (await ask(door, "DELETE", f"{PATH}/{test['id']}", authorization=test_key))[0] == 204


@pytest.mark.parametrize(
    ("method", "rest", "content"),
    [
        ("GET", "", None),
        ("PATCH", "", {"url": "https://good.example.com/elsewhere"}),
        ("DELETE", "", None),
        ("POST", "/rotate-secret", None),
        ("POST", "/test", None),
        ("GET", "/deliveries", None),
        ("POST", "/deliveries/evt_call-1_1/replay", None),
        ("POST", "/replay", {"since": "2025-01-01T00:00:00Z"}),
    ],
)
async def test_to_a_test_key_live_webhooks_are_not_there(
    door: FrontDoor, test_key: str, method: str, rest: str, content: object
) -> None:
    live = await made(door)
    told(door, live["id"], "call-1")

    status, problem = await ask(door, method, f"{PATH}/{live['id']}{rest}", content, test_key)

    assert (status, problem["detail"]) == (404, "There is no webhook with this id.")
    status, same = await ask(door, "GET", f"{PATH}/{live['id']}")
    assert (status, same["url"]) == (200, URL)


async def test_the_single_calls_of_test_keys_have_a_secret_of_their_own(
    door: FrontDoor, test_key: str
) -> None:
    live = await ask(door, "GET", f"{PATH}/call-secret")
    test = await ask(door, "GET", f"{PATH}/call-secret", authorization=test_key)
    assert (live[0], test[0]) == (200, 200)
    assert live[1]["secret"] != test[1]["secret"]


def told(door: FrontDoor, webhook_id: str, *call_ids: str) -> None:
    """One event of each call is to be sent to the webhook."""
    session = WriteSession(door.database)
    statements = ChangeStatements(door.database.dialect, lambda call, event: [webhook_id])
    changes = [NewCall(a_call(call_id), event(a_call(call_id), 1, "accepted")) for call_id in call_ids]
    session.transact(lambda cursor: statements.apply(cursor, changes))
    session.close()


async def test_the_log_is_read_in_pages_and_events_are_sent_again(door: FrontDoor) -> None:
    webhook = await made(door)
    told(door, webhook["id"], "call-1", "call-2", "call-3")
    log = f"{PATH}/{webhook['id']}/deliveries"

    _, first = await ask(door, "GET", f"{log}?limit=2")
    _, second = await ask(door, "GET", f"{log}?limit=2&cursor={first['next_cursor']}")

    shown = first["items"] + second["items"]
    assert [one["event_id"] for one in shown] == ["evt_call-3_1", "evt_call-2_1", "evt_call-1_1"]
    assert second["next_cursor"] is None
    assert {one["state"] for one in shown} == {"pending"}
    assert (await ask(door, "GET", f"{log}?state=failed"))[1]["items"] == []
    assert (await ask(door, "GET", f"{log}?state=failed&cursor={first['next_cursor']}"))[0] == 400
    with writing(door.database) as connection:
        connection.execute(webhook_deliveries.update().values(next_attempt_at=None, last_status=500))
    assert len((await ask(door, "GET", f"{log}?state=failed"))[1]["items"]) == 3
    assert await ask(door, "POST", f"{log}/evt_call-2_1/replay") == (202, {"count": 1})
    assert await ask(door, "POST", f"{PATH}/{webhook['id']}/replay", {"since": "2000-01-01T00:00:00Z"}) == (
        202,
        {"count": 2},
    )
    for unknown in ("evt_call-9_1", "evt_call-2_2", "nonsense", "evt_call-2_%00"):
        assert (await ask(door, "POST", f"{log}/{unknown}/replay"))[0] == 404


async def test_a_removed_webhook_is_gone(door: FrontDoor) -> None:
    webhook = await made(door)
    path = f"{PATH}/{webhook['id']}"

    assert await ask(door, "DELETE", path) == (204, None)

    assert (await ask(door, "DELETE", path))[0] == 404
    assert (await ask(door, "GET", path))[0] == 404


async def test_a4_a_webhook_of_another_account_is_none(door: FrontDoor) -> None:
    others = "wh_of_another"
    with writing(door.database) as connection:
        if not connection.execute(accounts.select().where(accounts.c.id == "2000000")).first():
            connection.execute(
                insert(accounts),
                {"id": "2000000", "name": "Other", "country": "US", "language": "en", "suspended": False},
            )
        row = {"format": "ringbridge", "events": [], "secret": "whsec_AA==", "created_at": time.time()}
        connection.execute(insert(webhooks), {"id": others, "account_id": "2000000", "url": URL, **row})
    assert ACCOUNT.id != "2000000"
    told(door, others, "call-1")
    replay = {"since": "2000-01-01T00:00:00Z"}
    routes = [
        ("GET", "", None),
        ("PATCH", "", {"enabled": False}),
        ("DELETE", "", None),
        ("POST", "/rotate-secret", None),
        ("POST", "/test", None),
        ("GET", "/deliveries", None),
        ("POST", "/deliveries/evt_call-1_1/replay", None),
        ("POST", "/replay", replay),
    ]
    for method, path, content in routes:
        answer = await ask(door, method, f"{PATH}/{others}{path}", content)
        assert answer == await ask(door, method, f"{PATH}/wh_unknown{path}", content)
        assert answer[0] == 404
    with writing(door.database) as connection:
        assert connection.execute(webhooks.select().where(webhooks.c.id == others)).first() is not None
