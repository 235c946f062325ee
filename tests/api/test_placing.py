"""`POST /api/v2/calls`: what it takes, what it answers, and what it refuses."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ringbridge.call.errors import (
    CannotPlaceCalls,
    IdempotencyKeyReused,
    InvalidOption,
    RequestInProgress,
    ServerDraining,
    StoreUnavailable,
    TooManyCalls,
)
from ringbridge.service.request import CallRequest
from tests.api.conftest import ACCOUNT, CALL_ID, FrontDoor, Reply, exchange, request
from tests.api.test_v2 import RUNNING

pytestmark = pytest.mark.asyncio(loop_scope="package")

LINES: dict[str, Any] = {"user_line": "+1 (817) 562-9656", "destination_line": "15125292329"}
OPTIONS: dict[str, Any] = {
    "user_caller_id": "+18175620000",
    "destination_caller_id": "+18175620001",
    "confirm": True,
    "auto_answer": False,
    "language": "pt-BR",
    "user_ring_seconds": 20,
    "destination_ring_seconds": 30.5,
    "call_seconds": 600,
    "metadata": {"order": "4711", "a.b-c_D": "Müller & Söhne"},
    "webhook": "https://example.com/calls?id=1",
}


async def post(door: FrontDoor, body: object, **words: Any) -> Reply:
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await exchange(door, request(octets, path="/api/v2/calls", **words))


async def code_of(door: FrontDoor, body: object, **words: Any) -> tuple[int, str, str]:
    reply = await post(door, body, **words)
    assert reply.headers["content-type"] == "application/problem+json"
    problem = json.loads(reply.body)
    assert (problem["status"], reply.headers["x-error-code"]) == (reply.status, problem["code"])
    return reply.status, problem["code"], problem["detail"]


async def test_a_call_is_created_where_location_says(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = replace(RUNNING, metadata={"order": "4711"})
    reply = await post(door, LINES)
    assert (reply.status, reply.headers["location"]) == (201, f"/api/v2/calls/{CALL_ID}")
    assert "idempotent-replayed" not in reply.headers
    call = json.loads(reply.body)
    assert (call["id"], call["state"], call["metadata"]) == (CALL_ID, RUNNING.state, {"order": "4711"})
    assert door.calls.requests == [CallRequest(**LINES)]
    assert door.calls.placed == [(ACCOUNT.id, *LINES.values())]


async def test_every_option_reaches_the_service(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    assert (await post(door, LINES | OPTIONS)).status == 201
    assert door.calls.requests == [CallRequest(**LINES, **OPTIONS)]


@pytest.mark.parametrize("path", ["/api/v2/calls", "/api/v2/calls/preview"])
async def test_a_webhook_that_is_never_sent_to_is_refused_before_anybody_is_rung(
    door: FrontDoor, path: str
) -> None:
    body = json.dumps(LINES | {"webhook": "https://private.example.com/"}).encode()
    reply = await exchange(door, request(body, path=path))
    assert (reply.status, json.loads(reply.body)["code"]) == (422, "invalid_webhook")
    assert door.calls.requests == []


async def test_a_second_click_is_answered_with_the_first_call(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    door.calls.replayed = True
    reply = await post(door, LINES)
    assert (reply.status, reply.headers["idempotent-replayed"]) == (200, "true")
    assert json.loads(reply.body)["id"] == CALL_ID


@pytest.mark.parametrize(
    ("changed", "code", "named"),
    [
        ({"user_line": None}, "invalid_field", "user_line: "),
        ({"user_line": ""}, "invalid_field", "user_line: "),
        ({"user_line": 18175629656}, "invalid_field", "user_line: "),
        ({"user_line": "nobody"}, "invalid_number", "user_line: "),
        ({"user_line": "1" * 201}, "invalid_field", "user_line: "),
        ({"destination_line": ["15125292329"]}, "invalid_field", "destination_line: "),
        ({"destination_line": "12"}, "invalid_number", "destination_line: "),
        ({"destination_line": "911"}, "emergency_number", "destination_line: "),
        ({"confirm": "yes"}, "invalid_field", "confirm: "),
        ({"auto_answer": 1}, "invalid_field", "auto_answer: "),
        ({"language": "../en"}, "invalid_field", "language: "),
        ({"user_ring_seconds": 0.5}, "invalid_field", "user_ring_seconds: "),
        ({"user_ring_seconds": 601}, "invalid_field", "user_ring_seconds: "),
        ({"destination_ring_seconds": "30"}, "invalid_field", "destination_ring_seconds: "),
        ({"call_seconds": 14401}, "invalid_field", "call_seconds: "),
        ({"call_seconds": True}, "invalid_field", "call_seconds: "),
        ({"metadata": {"a b": "1"}}, "invalid_field", "metadata.a b"),
        ({"metadata": {"a": 1}}, "invalid_field", "metadata.a: "),
        ({"metadata": {"a": "x" * 501}}, "invalid_field", "metadata.a: "),
        ({"metadata": {"a": "x\ny"}}, "invalid_field", "metadata.a: "),
        ({"metadata": {f"n{number}": "" for number in range(21)}}, "invalid_field", "metadata: "),
        ({"metadata": "order"}, "invalid_field", "metadata: "),
        ({"webhook": "ftp://example.com"}, "invalid_field", "webhook: "),
        ({"webhook": "https://example.com/ x"}, "invalid_field", "webhook: "),
        ({"webhook": "https://" + "x" * 2048}, "invalid_field", "webhook: "),
        ({"userline": "x"}, "unknown_field", "userline: "),
    ],
)
async def test_a_wrong_field_is_named(
    door: FrontDoor, changed: dict[str, Any], code: str, named: str
) -> None:
    status, told, detail = await code_of(door, LINES | changed)
    assert (status, told) == (422, code)
    assert detail.startswith(named)
    assert door.calls.placed == []


@pytest.mark.parametrize("field", LINES)
async def test_a_missing_field_is_named(door: FrontDoor, field: str) -> None:
    body = {name: text for name, text in LINES.items() if name != field}
    assert await code_of(door, body) == (422, "missing_field", f"{field}: Field required")


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null"])
async def test_what_is_no_object_is_refused(door: FrontDoor, body: bytes) -> None:
    status, code, _ = await code_of(door, body)
    assert (status, code) in [(422, "invalid_field"), (422, "missing_field")]


async def test_no_body_at_all_is_refused(door: FrontDoor) -> None:
    assert (await code_of(door, b""))[:2] == (422, "missing_field")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        '{"user_line": "1"}'.encode("utf-16"),
        b'{"user_line": "1", "user_line": "2"}',
        b'{"call_seconds": NaN}',
        b'{"call_seconds": 1e999}',
        b'{"call_seconds": ' + b"1" * 5000 + b"}",
        b'{"user_line": "\\ud800"}',
        b'{"\\ud800": "1"}',
        b"[" * 60_000,
        b'{"a":' * 21 + b"1" + b"}" * 21,
    ],
)
async def test_what_cannot_be_read_for_sure_is_no_json(door: FrontDoor, body: bytes) -> None:
    assert await code_of(door, body) == (400, "malformed_body", "Malformed body")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_only_json_is_taken(door: FrontDoor, content_type: str | None) -> None:
    assert (await code_of(door, LINES, content_type=content_type))[:2] == (415, "unsupported_media_type")


async def test_json_of_a_kind_is_json(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    assert (await post(door, LINES, content_type="application/vnd.x+json; charset=utf-8")).status == 201


async def test_a_body_that_is_too_long_is_not_read(door: FrontDoor) -> None:
    reply = await post(door, b"x" * 66_000)
    assert (reply.status, json.loads(reply.body)["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidOption("destination_caller_id", "not_own_number"), 422, "not_own_number"),
        (InvalidOption("call_seconds", "above_limit"), 422, "above_limit"),
        (TooManyCalls("concurrent", most=3, retry_after_seconds=1.5), 429, "limit_exceeded"),
        (ServerDraining("the server is shutting down"), 503, "draining"),
        (CannotPlaceCalls("no_trunk"), 503, "no_trunk"),
        (StoreUnavailable("disk full"), 503, "store_unavailable"),
    ],
)
async def test_a_refusal_has_a_code_and_where_it_passes_a_time_to_wait(
    door: FrontDoor, error: Exception, status: int, code: str
) -> None:
    door.calls.error = error
    reply = await post(door, LINES)
    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)
    assert ("retry-after" in reply.headers) == (status in (429, 503))


async def test_a_key_reaches_the_service_with_a_digest_of_what_is_asked_for(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    bodies = [
        json.dumps(LINES).encode(),
        b'{ "destination_line":"15125292329",\n"user_line": "+1 (817) 562-9656"}',
        json.dumps(LINES | {"metadata": {}}).encode(),
    ]
    for body in bodies:
        assert (await post(door, body, headers={"Idempotency-Key": 'a key: "4711"'})).status == 201
    keys = [key for key in door.calls.keys if key is not None]
    assert [key.text for key in keys] == ['a key: "4711"'] * 3
    assert keys[0] == keys[1] != keys[2]


async def test_a3_a_key_of_255_characters_is_taken(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = RUNNING
    assert (await post(door, LINES, headers={"Idempotency-Key": "k" * 255})).status == 201


@pytest.mark.parametrize("text", ["", " ", "k" * 256, "schlüssel", "a\tb"])
async def test_a3_what_is_no_key_is_refused(door: FrontDoor, text: str) -> None:
    answer = await code_of(door, LINES, headers={"Idempotency-Key": text})
    assert answer == (400, "invalid_idempotency_key", "Invalid idempotency key")
    assert door.calls.placed == []


async def test_a3_of_two_keys_none_is_taken(door: FrontDoor) -> None:
    answer = await code_of(door, LINES, headers={"Idempotency-Key": "a\r\nIdempotency-Key: b"})
    assert answer[:2] == (400, "invalid_idempotency_key")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RequestInProgress("again"), 409, "request_in_progress"),
        (IdempotencyKeyReused("another"), 422, "idempotency_key_reused"),
    ],
)
async def test_a_key_that_cannot_be_used_now_says_why(
    door: FrontDoor, error: Exception, status: int, code: str
) -> None:
    door.calls.error = error
    assert (await code_of(door, LINES, headers={"Idempotency-Key": "k"}))[:2] == (status, code)
