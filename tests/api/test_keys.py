"""`/api/v2/keys` and `/api/v2/tokens`, scopes, and what browsers of other origins see."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from ringbridge.api.v2.call_body import CallBody
from ringbridge.call.directory import AccountLimits, Line, LineKind
from ringbridge.call.key import Scope
from ringbridge.call.origin import AllowedOrigin
from ringbridge.service.credential import new_key
from ringbridge.store.administration import Administration
from ringbridge.store.database import writing
from ringbridge.store.origins import SqlOrigins
from ringbridge.store.tables import api_keys
from tests.api.conftest import ACCOUNT, CALL_ID, PEPPER, FrontDoor, Reply, basic, exchange, request
from tests.api.test_v2 import RUNNING

pytestmark = pytest.mark.asyncio(loop_scope="package")

KEYS, TOKENS, CALLS = "/api/v2/keys", "/api/v2/tokens", "/api/v2/calls"
LINE = "+18175629656"
WANTED: dict[str, Any] = {"name": "widget", "scopes": ["calls:create", "calls:read"]}
PAGE = "https://crm.example.com"


@pytest.fixture
def ring(door: FrontDoor) -> Iterator[Administration]:
    """The stored keys, none at the start, and a line."""
    store = Administration(door.database)
    if LINE not in [line.number for line in store.lines(ACCOUNT.id)]:
        store.add_line(
            Line(id="keys-1", account_id=ACCOUNT.id, number=LINE, kind=LineKind.URI, uri="sip:a@192.0.2.1")
        )
    with writing(door.database) as connection:
        connection.execute(delete(api_keys))
    yield store
    store.remove_line(ACCOUNT.id, LINE)


async def ask(door: FrontDoor, method: str, path: str, body: object = None, **words: Any) -> Reply:
    octets = b"" if body is None else json.dumps(body).encode()
    return await exchange(door, request(octets, method=method, path=path, **words))


async def asked(
    door: FrontDoor, method: str, path: str, body: object = None, **words: Any
) -> tuple[int, Any]:
    reply = await ask(door, method, path, body, **words)
    return reply.status, json.loads(reply.body) if reply.body else None


def stored_key(ring: Administration, *scopes: Scope, text_of: str = "x") -> str:
    """The credentials of a key with these scopes."""
    key, text = new_key(
        PEPPER, ACCOUNT.id, "stored", 1.0, lambda octets: text_of.encode().ljust(octets, b"s")
    )
    ring.add_key(replace(key, scopes=frozenset(scopes), expires_at=9e9))
    return basic(ACCOUNT.id, text)


async def test_a_key_is_made_shown_once_and_opens(door: FrontDoor, ring: Administration) -> None:
    wanted = WANTED | {"lines": ["(817) 562-9656"], "networks": ["127.0.0.9/8"], "test": True, "days": 7}
    status, made = await asked(door, "POST", KEYS, wanted)
    assert (status, made["key"][:9]) == (201, "c2c_test_")
    assert {name: made[name] for name in ("name", "test", "scopes", "lines", "networks", "revoked_at")} == {
        "name": "widget",
        "test": True,
        "scopes": ["calls:create", "calls:read"],
        "lines": [LINE],
        "networks": ["127.0.0.0/8"],
        "revoked_at": None,
    }
    status, page = await asked(door, "GET", KEYS)
    del made["key"]
    assert (status, page) == (200, {"items": [made], "next_cursor": None})
    assert await asked(door, "GET", f"{KEYS}/{made['id']}") == (200, made)


async def test_a_revoked_key_opens_no_more(door: FrontDoor, ring: Administration) -> None:
    _, made = await asked(door, "POST", KEYS, WANTED)
    own = basic(ACCOUNT.id, made["key"])
    door.calls.stored[CALL_ID] = RUNNING
    assert (await asked(door, "GET", f"{CALLS}/{CALL_ID}", authorization=own))[0] == 200
    assert await asked(door, "DELETE", f"{KEYS}/{made['id']}") == (204, None)
    assert (await asked(door, "GET", f"{CALLS}/{CALL_ID}", authorization=own))[0] == 401


async def test_a_key_is_exchanged(door: FrontDoor, ring: Administration) -> None:
    _, made = await asked(door, "POST", KEYS, WANTED)
    status, new = await asked(door, "POST", f"{KEYS}/{made['id']}/rotate")
    assert (status, new["scopes"], new["id"] != made["id"]) == (201, made["scopes"], True)
    _, old = await asked(door, "GET", f"{KEYS}/{made['id']}")
    assert old["expires_at"] < made["expires_at"]


async def test_keys_come_a_page_at_a_time(door: FrontDoor, ring: Administration) -> None:
    ring.set_limits(ACCOUNT.id, AccountLimits(keys=5))
    ids = [(await asked(door, "POST", KEYS, WANTED))[1]["id"] for _ in range(5)]
    seen: list[str] = []
    query = "?limit=2"
    while query:
        _, page = await asked(door, "GET", f"{KEYS}{query}")
        seen += [key["id"] for key in page["items"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == ids
    status, problem = await asked(door, "POST", KEYS, WANTED)
    assert (status, problem["code"]) == (409, "too_many_keys")
    ring.set_limits(ACCOUNT.id, AccountLimits())


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "x"}, 422, "missing_field"),
        (WANTED | {"scopes": []}, 422, "invalid_field"),
        (WANTED | {"scopes": ["calls"]}, 422, "invalid_field"),
        (WANTED | {"days": 731}, 422, "invalid_field"),
        (WANTED | {"secret": "x"}, 422, "unknown_field"),
        (WANTED | {"lines": ["205"]}, 422, "unknown_line"),
        (WANTED | {"networks": ["office"]}, 422, "invalid_network"),
        (WANTED | {"not_before": "soon"}, 422, "invalid_field"),
        (WANTED | {"not_before": "9999-12-31T23:59:59Z"}, 422, "too_late"),
    ],
)
async def test_what_is_no_key_is_a_problem(
    door: FrontDoor, ring: Administration, body: object, status: int, code: str
) -> None:
    answered, problem = await asked(door, "POST", KEYS, body)
    assert (answered, problem["code"]) == (status, code)
    assert ring.keys(ACCOUNT.id) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "scope"),
    [
        ("GET", KEYS, None, Scope.KEYS_READ),
        ("POST", KEYS, WANTED, Scope.KEYS_WRITE),
        ("GET", f"{KEYS}/0000000000", None, Scope.KEYS_READ),
        ("DELETE", f"{KEYS}/0000000000", None, Scope.KEYS_WRITE),
        ("POST", f"{KEYS}/0000000000/rotate", {}, Scope.KEYS_WRITE),
        ("POST", TOKENS, {"user_line": LINE, "origin": PAGE}, Scope.TOKENS_CREATE),
        ("POST", CALLS, {"user_line": LINE, "destination_line": "15125292329"}, Scope.CALLS_CREATE),
    ],
)
async def test_each_route_takes_its_scope(
    door: FrontDoor, ring: Administration, method: str, path: str, body: object, scope: Scope
) -> None:
    others = stored_key(ring, *(other for other in Scope if other is not scope))
    status, problem = await asked(door, method, path, body, authorization=others)
    assert (status, problem["code"], problem["detail"]) == (
        403,
        "missing_scope",
        f"This key does not have the scope {scope.value}.",
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-Forwarded-For": "203.0.113.7"}, 404),
        ({"X-Forwarded-For": "198.51.100.7"}, 401),
        ({"X-Forwarded-For": "203.0.113.7, 198.51.100.7"}, 401),
        ({"X-Forwarded-For": "2001:db8::7"}, 404),
    ],
)
async def test_a_key_opens_from_its_networks_as_the_proxy_on_this_machine_tells_them(
    door: FrontDoor, ring: Administration, headers: dict[str, str], status: int
) -> None:
    key, text = new_key(PEPPER, ACCOUNT.id, "office", 1.0, lambda octets: b"n" * octets)
    ring.add_key(replace(key, expires_at=9e9, networks=("203.0.113.0/24", "2001:db8::/32")))
    reply = await ask(
        door, "GET", f"{CALLS}/{CALL_ID}", authorization=basic(ACCOUNT.id, text), headers=headers
    )
    assert reply.status == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", KEYS),
        ("POST", KEYS),
        ("DELETE", f"{KEYS}/0000000000"),
        ("GET", "/api/v2/webhooks"),
        ("PATCH", "/api/v2/limits"),
        ("POST", "/api/v2/records/erase"),
    ],
)
async def test_a_key_that_is_bound_to_lines_does_nothing_to_the_whole_account(
    door: FrontDoor, ring: Administration, method: str, path: str
) -> None:
    key, text = new_key(PEPPER, ACCOUNT.id, "desk", 1.0, lambda octets: b"b" * octets)
    ring.add_key(replace(key, expires_at=9e9, scopes=frozenset(Scope), lines=(LINE,)))
    status, problem = await asked(door, method, path, {}, authorization=basic(ACCOUNT.id, text))
    assert (status, problem["code"]) == (403, "missing_scope")


async def test_version_1_says_401_to_a_key_that_may_not_place_calls(
    door: FrontDoor, ring: Administration
) -> None:
    weak = stored_key(ring, Scope.CALLS_READ)
    body = {"user_line": LINE, "destination_line": "15125292329"}
    reply = await ask(door, "POST", "/api/v1/call", body, authorization=weak)
    assert (reply.status, reply.body) == (401, b'{"error": "Invalid API credentials."}')
    assert reply.headers["x-error-code"] == "missing_scope"
    assert door.calls.placed == []


async def test_no_key_makes_a_stronger_one(door: FrontDoor, ring: Administration) -> None:
    writer = stored_key(ring, Scope.KEYS_WRITE)
    status, problem = await asked(door, "POST", KEYS, WANTED, authorization=writer)
    assert (status, problem["code"]) == (403, "beyond_own_rights")


async def token_for(door: FrontDoor, authorization: str = basic()) -> str:
    wanted = {"user_line": "(817) 562-9656", "origin": PAGE}
    status, made = await asked(door, "POST", TOKENS, wanted, authorization=authorization)
    assert (status, made["user_line"], made["origin"]) == (201, LINE, PAGE)
    return f"Bearer {made['token']}"


async def test_a_page_places_calls_with_its_token(door: FrontDoor, ring: Administration) -> None:
    token = await token_for(door, stored_key(ring, Scope.TOKENS_CREATE, Scope.CALLS_CREATE))
    door.calls.stored[CALL_ID] = RUNNING
    body = {"user_line": LINE, "destination_line": "15125292329"}
    page: dict[str, Any] = {"authorization": token, "headers": {"Origin": PAGE}}
    reply = await ask(door, "POST", CALLS, body, **page)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (201, PAGE)
    assert (reply.headers["vary"], "Location" in reply.headers["access-control-expose-headers"]) == (
        "Origin",
        True,
    )
    # What is wrong with its own request the page may read as well.
    reply = await ask(door, "POST", CALLS, {}, **page)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (422, PAGE)
    ring.revoke_key(ring.keys(ACCOUNT.id)[0].id, at=2.0)
    reply = await ask(door, "POST", CALLS, body, **page)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (401, PAGE)


async def test_an_account_that_lists_origins_has_tokens_for_no_others(
    door: FrontDoor, ring: Administration
) -> None:
    maker, origins = stored_key(ring, Scope.TOKENS_CREATE, Scope.CALLS_CREATE), SqlOrigins(door.database)
    origins.allow_origin(ACCOUNT.id, AllowedOrigin(PAGE, 1.0))
    await token_for(door, maker)
    elsewhere = {"user_line": LINE, "origin": "https://shop.example.com"}
    status, problem = await asked(door, "POST", TOKENS, elsewhere, authorization=maker)
    assert (status, problem["code"]) == (422, "origin_not_allowed")
    origins.forbid_origin(ACCOUNT.id, PAGE)
    status, _ = await asked(door, "POST", TOKENS, elsewhere, authorization=maker)
    assert status == 201


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {}])
async def test_a_token_is_worth_nothing_elsewhere(
    door: FrontDoor, ring: Administration, headers: dict[str, str]
) -> None:
    stored_key(ring, Scope.TOKENS_CREATE)
    token = await token_for(door)
    body = {"user_line": LINE, "destination_line": "15125292329"}
    reply = await ask(door, "POST", CALLS, body, authorization=token, headers=headers)
    assert (reply.status, json.loads(reply.body)["code"]) == (401, "invalid_credentials")
    assert "access-control-allow-origin" not in reply.headers
    assert door.calls.placed == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"{CALLS}/{CALL_ID}"), ("DELETE", f"{CALLS}/{CALL_ID}"), ("GET", KEYS), ("POST", TOKENS)],
)
async def test_a_token_places_calls_and_nothing_else(
    door: FrontDoor, ring: Administration, method: str, path: str
) -> None:
    token = await token_for(door)
    door.calls.stored[CALL_ID] = RUNNING
    reply = await ask(door, method, path, {}, authorization=token, headers={"Origin": PAGE})
    assert reply.status == 401
    assert "access-control-allow-origin" not in reply.headers


async def test_a_page_chooses_its_language_and_no_other_option(door: FrontDoor, ring: Administration) -> None:
    token = await token_for(door, stored_key(ring, Scope.TOKENS_CREATE, Scope.CALLS_CREATE))
    page: dict[str, Any] = {"authorization": token, "headers": {"Origin": PAGE}}
    body = {"user_line": LINE, "destination_line": "15125292329"}
    door.calls.stored[CALL_ID] = RUNNING
    assert (await ask(door, "POST", CALLS, body | {"language": "es", "confirm": None}, **page)).status == 201
    options: dict[str, Any] = {
        "user_caller_id": "+18175629657",
        "destination_caller_id": "+18175629657",
        "confirm": False,
        "auto_answer": True,
        "user_ring_seconds": 5.0,
        "destination_ring_seconds": 5.0,
        "call_seconds": 5.0,
        "metadata": {"order": "4711"},
        "webhook": "https://evil.example",
        "schedule": {"at": "2030-01-01T00:00:00Z"},
        "when_user_is_free": False,
        "retry": {"max_attempts": 2, "after_seconds": 60.0},
    }
    assert CallBody.model_fields.keys() - options.keys() == {"user_line", "destination_line", "language"}
    for option, value in options.items():
        status, problem = await asked(door, "POST", CALLS, body | {option: value}, **page)
        assert (status, problem["code"]) == (422, "not_with_a_token")
        assert problem["detail"].startswith(f"{option}: ")
    assert [request.language for request in door.calls.requests] == ["es"]


async def test_a_page_is_not_told_what_a_program_gave_along(door: FrontDoor, ring: Administration) -> None:
    """Its click may be the second on a call that the program placed."""
    door.calls.stored[CALL_ID] = replace(RUNNING, metadata={"order": "4711"})
    body = {"user_line": LINE, "destination_line": "15125292329"}
    token = await token_for(door, stored_key(ring, Scope.TOKENS_CREATE, Scope.CALLS_CREATE))
    for authorization, metadata in ((basic(), {"order": "4711"}), (token, {})):
        words: dict[str, Any] = {"authorization": authorization, "headers": {"Origin": PAGE}}
        status, call = await asked(door, "POST", CALLS, body, **words)
        assert (status, call["id"], call["metadata"]) == (201, CALL_ID, metadata)


async def test_a_pages_idempotency_key_is_none_of_a_program_or_a_test_key(
    door: FrontDoor, ring: Administration
) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    body = {"user_line": LINE, "destination_line": "15125292329"}
    test_key, test_text = new_key(PEPPER, ACCOUNT.id, "test", 1.0, lambda octets: b"t" * octets, is_test=True)
    ring.add_key(replace(test_key, expires_at=9e9))
    test = basic(ACCOUNT.id, test_text)
    token = await token_for(door, stored_key(ring, Scope.TOKENS_CREATE, Scope.CALLS_CREATE))
    for authorization in (basic(), test, token):
        headers = {"Origin": PAGE, "Idempotency-Key": "order-4711"}
        reply = await ask(door, "POST", CALLS, body, authorization=authorization, headers=headers)
        assert reply.status == 201
    texts = [key.text for key in door.calls.keys if key is not None]
    assert (texts[0], len(set(texts))) == ("order-4711", 3)


async def test_version_1_takes_no_token(door: FrontDoor, ring: Administration) -> None:
    token = await token_for(door)
    body = {"user_line": LINE, "destination_line": "15125292329"}
    reply = await ask(door, "POST", "/api/v1/call", body, authorization=token, headers={"Origin": PAGE})
    assert (reply.status, door.calls.placed) == (401, [])


async def test_a_preflight_is_answered_for_placing_calls_only(door: FrontDoor) -> None:
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    words: dict[str, Any] = {"authorization": None, "content_type": None, "headers": asks}
    reply = await ask(door, "OPTIONS", CALLS, **words)
    assert (reply.status, reply.body) == (204, b"")
    assert {name: reply.headers[name] for name in reply.headers if name.startswith("access-")} == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key, Prefer",
        "access-control-max-age": "600",
    }
    for path in (KEYS, TOKENS, f"{CALLS}/{CALL_ID}"):
        reply = await ask(door, "OPTIONS", path, **words)
        assert (reply.status, "access-control-allow-origin" in reply.headers) == (405, False)


async def test_a_key_from_a_page_is_answered_without_leave_to_read(
    door: FrontDoor, ring: Administration
) -> None:
    """The account's key in a page would be everybody's."""
    door.calls.stored[CALL_ID] = RUNNING
    body = {"user_line": LINE, "destination_line": "15125292329"}
    reply = await ask(door, "POST", CALLS, body, headers={"Origin": PAGE})
    assert (reply.status, "access-control-allow-origin" in reply.headers) == (201, False)
