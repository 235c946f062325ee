"""`POST /api/v1/call`, compared octet by octet with the contract."""

import json

import pytest

from ringbridge.call.errors import (
    CannotPlaceCalls,
    InvalidDestination,
    InvalidUserLine,
    ServerDraining,
    StoreUnavailable,
    TooManyCalls,
)
from tests.api.conftest import FrontDoor, basic, exchange, request

pytestmark = pytest.mark.asyncio(loop_scope="package")

FIELDS = {"user_line": "+1 (817) 562-9656", "destination_line": "15125292329"}
BODY = json.dumps(FIELDS).encode()
ACCEPTED = b'{"api_request_id": "019ab2c4-0000-7000-8000-000000000001"}'
NO_USER_LINE = b'{"error": "request user_line field"}'
NO_DESTINATION = b'{"error": "request destination_line field"}'
NO_CREDENTIALS = b'{"error": "Invalid API credentials."}'
WRONG = b'{"error": "Something went wrong. Please try again later."}'


async def test_an_accepted_call_is_answered_with_its_id(door: FrontDoor) -> None:
    reply = await exchange(door, request(BODY))
    assert (reply.status, reply.body) == (200, ACCEPTED)
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["cache-control"] == "no-store"
    assert "idempotent-replayed" not in reply.headers
    assert door.calls.placed == [("1009683", "+1 (817) 562-9656", "15125292329")]


async def test_a_second_click_gets_the_same_id_and_a_header_that_says_so(door: FrontDoor) -> None:
    door.calls.replayed = True
    reply = await exchange(door, request(BODY))
    assert (reply.status, reply.body) == (200, ACCEPTED)
    assert reply.headers["idempotent-replayed"] == "true"


async def test_a_trailing_slash_is_accepted(door: FrontDoor) -> None:
    assert (await exchange(door, request(BODY, path="/api/v1/call/"))).body == ACCEPTED


@pytest.mark.parametrize("path", ["/api/v1/CALL", "/api/v1//call", "/api/v1/call/x", "/api/v3/call"])
async def test_another_path_is_not_found_before_anything_else_is_looked_at(
    door: FrontDoor, path: str
) -> None:
    reply = await exchange(door, request(b"x", path=path, authorization=None))
    assert (reply.status, reply.body) == (404, b'{"error": "Not Found"}')
    assert reply.headers["x-error-code"] == "not_found"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_another_method_never_dials(door: FrontDoor, method: str) -> None:
    path = "/api/v1/call?user_line=18175629656&destination_line=15125292329"
    reply = await exchange(door, request(BODY, method=method, path=path, authorization=None))
    assert (reply.status, reply.headers["allow"]) == (405, "POST, OPTIONS")
    assert reply.body == (b"" if method == "HEAD" else b'{"error": "Method Not Allowed"}')
    assert door.calls.placed == []


async def test_options_need_no_credentials(door: FrontDoor) -> None:
    reply = await exchange(door, request(method="OPTIONS", authorization=None))
    assert (reply.status, reply.headers["allow"], reply.body) == (204, "POST, OPTIONS", b"")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Bearer abc",
        "Basic bG9sOnNlY3VyZQ==",
        "Basic \xff\xfe",
        basic("nobody"),
        basic("1009683", "c2c_live_wrong"),
    ],
)
async def test_wrong_credentials_come_before_a_wrong_body(door: FrontDoor, authorization: str | None) -> None:
    reply = await exchange(door, request(b"{" * 100, authorization=authorization, length=100))
    assert (reply.status, reply.body) == (401, NO_CREDENTIALS)
    assert reply.headers["www-authenticate"] == 'Basic realm="API"'
    assert reply.headers["x-error-code"] == "invalid_credentials"
    assert door.calls.placed == []


async def test_guessing_is_told_to_wait_and_the_right_key_is_not(door: FrontDoor) -> None:
    replies = [await exchange(door, request(BODY, authorization=basic("guessed", "x"))) for _ in range(11)]
    assert [reply.status for reply in replies] == [401] * 10 + [429]
    assert replies[-1].body == b'{"error": "Too many requests. Please try again later."}'
    assert replies[-1].headers["x-error-code"] == "too_many_failures"
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 6
    assert (await exchange(door, request(BODY))).status == 200


@pytest.mark.parametrize(
    ("fields", "body", "code"),
    [
        ({}, NO_USER_LINE, "missing_field"),
        ({"destination_line": "15125292329"}, NO_USER_LINE, "missing_field"),
        ({"user_line": "18175629656"}, NO_DESTINATION, "missing_field"),
        (FIELDS | {"user_line": None}, NO_USER_LINE, "missing_field"),
        (FIELDS | {"user_line": ""}, NO_USER_LINE, "missing_field"),
        (FIELDS | {"user_line": " \t"}, NO_USER_LINE, "missing_field"),
        (FIELDS | {"user_line": True}, NO_USER_LINE, "invalid_number"),
        (FIELDS | {"user_line": 1.5}, NO_USER_LINE, "invalid_number"),
        (FIELDS | {"user_line": ["18175629656"]}, NO_USER_LINE, "invalid_number"),
        (FIELDS | {"destination_line": {}}, NO_DESTINATION, "invalid_number"),
        (FIELDS | {"destination_line": False}, NO_DESTINATION, "invalid_number"),
        (FIELDS | {"destination_line": ""}, NO_DESTINATION, "missing_field"),
    ],
)
async def test_a_field_that_is_missing_or_no_text_is_named(
    door: FrontDoor, fields: dict[str, object], body: bytes, code: str
) -> None:
    reply = await exchange(door, request(json.dumps(fields).encode()))
    assert (reply.status, reply.body, reply.headers["x-error-code"]) == (400, body, code)
    assert door.calls.placed == []


async def test_whole_numbers_are_read_as_their_digits(door: FrontDoor) -> None:
    body = b'{"user_line": 18175629656, "destination_line": 15125292329}'
    assert (await exchange(door, request(body))).status == 200
    assert door.calls.placed == [("1009683", "18175629656", "15125292329")]


@pytest.mark.parametrize(
    ("error", "status", "body", "code"),
    [
        (InvalidUserLine("unknown_line"), 400, NO_USER_LINE, "unknown_line"),
        (InvalidDestination("emergency_number"), 400, NO_DESTINATION, "emergency_number"),
        (InvalidDestination("destination_not_allowed"), 400, NO_DESTINATION, "destination_not_allowed"),
        (StoreUnavailable("disk full"), 500, WRONG, "store_unavailable"),
        (ServerDraining("stopping"), 500, WRONG, "draining"),
        (CannotPlaceCalls("no_trunk"), 500, WRONG, "no_trunk"),
        (ZeroDivisionError("a bug"), 500, WRONG, "internal"),
    ],
)
async def test_what_the_service_refuses_is_told_in_the_words_of_the_contract(
    door: FrontDoor, error: Exception, status: int, body: bytes, code: str
) -> None:
    door.calls.error = error
    reply = await exchange(door, request(BODY))
    assert (reply.status, reply.body, reply.headers["x-error-code"]) == (status, body, code)


async def test_a_reached_limit_says_when_to_try_again(door: FrontDoor) -> None:
    door.calls.error = TooManyCalls("rate", most=1, retry_after_seconds=1.25)
    reply = await exchange(door, request(BODY))
    assert (reply.status, reply.body) == (429, b'{"error": "Too many requests. Please try again later."}')
    assert (reply.headers["retry-after"], reply.headers["x-error-code"]) == ("2", "limit_exceeded")


async def test_a_server_that_cannot_place_calls_says_when_to_try_again(door: FrontDoor) -> None:
    door.calls.error = StoreUnavailable("disk full")
    assert (await exchange(door, request(BODY))).headers["retry-after"] == "5"


async def test_a_body_over_64_kib_is_refused_before_it_is_sent(door: FrontDoor) -> None:
    reply = await exchange(door, request(b"", length=64 * 1024 + 1))
    assert (reply.status, reply.body) == (413, b'{"error": "Request Entity Too Large"}')
    assert reply.headers["connection"] == "close"


async def test_wrong_credentials_come_before_a_body_that_is_too_long(door: FrontDoor) -> None:
    assert (await exchange(door, request(b"", length=10**9, authorization=None))).status == 401


async def test_an_endless_chunked_body_is_refused_at_64_kib(door: FrontDoor) -> None:
    head = request(headers={"Transfer-Encoding": "chunked"}).replace(b"Content-Length: 0\r\n", b"")
    chunk = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
    reply = await exchange(door, head + chunk * 17)
    assert (reply.status, reply.headers["x-error-code"]) == (413, "body_too_large")


async def test_a_chunked_body_is_read(door: FrontDoor) -> None:
    head = request(headers={"Transfer-Encoding": "chunked"}).replace(b"Content-Length: 0\r\n", b"")
    chunks = b"".join(b"1\r\n%c\r\n" % octet for octet in BODY) + b"0\r\n\r\n"
    assert (await exchange(door, head + chunks)).body == ACCEPTED


async def test_a_client_that_waits_for_100_continue_gets_it(door: FrontDoor) -> None:
    octets = request(BODY, headers={"Expect": "100-continue"})
    reply = await exchange(door, octets)
    assert reply.status == 100
    assert reply.body.endswith(ACCEPTED)


async def test_http_1_0_is_answered(door: FrontDoor) -> None:
    assert (await exchange(door, request(BODY).replace(b"HTTP/1.1", b"HTTP/1.0"))).body == ACCEPTED
