"""Of two things that are wrong with a request to version 1, the client is told the one that comes first."""

import json
from itertools import combinations
from typing import Any, NamedTuple

import pytest

from ringbridge.call.errors import TooManyCalls
from tests.api.conftest import FrontDoor, exchange, request

pytestmark = pytest.mark.asyncio(loop_scope="package")


class Refusal(NamedTuple):
    """How the client sees that it was this fault."""

    status: int
    text: str
    code: str


IN_ORDER = {
    "path": Refusal(404, "Not Found", "not_found"),
    "method": Refusal(405, "Method Not Allowed", "method_not_allowed"),
    "credentials": Refusal(401, "Invalid API credentials.", "invalid_credentials"),
    "size": Refusal(413, "Request Entity Too Large", "body_too_large"),
    "body": Refusal(400, "request user_line field", "malformed_body"),
    "user_line": Refusal(400, "request user_line field", "missing_field"),
    "destination_line": Refusal(400, "request destination_line field", "missing_field"),
    "service": Refusal(429, "Too many requests. Please try again later.", "limit_exceeded"),
}


def faulty(faults: set[str]) -> bytes:
    """A request with these faults, of those that a request can have."""
    fields = {"user_line": "18175629656", "destination_line": "15125292329"}
    body = json.dumps({name: text for name, text in fields.items() if name not in faults}).encode()
    changed: dict[str, Any] = {
        "path": {"path": "/api/v3/call"},
        "method": {"method": "PUT"},
        "credentials": {"authorization": None},
        "size": {"length": 64 * 1024 + 1},
    }
    words = {key: value for fault in faults & changed.keys() for key, value in changed[fault].items()}
    return request(body[:-1] if "body" in faults else body, **words)


@pytest.mark.parametrize(
    ("first", "second"), [(name, name) for name in IN_ORDER] + list(combinations(IN_ORDER, 2))
)
async def test_the_first_of_two_faults_is_told(door: FrontDoor, first: str, second: str) -> None:
    if second == "service":
        door.calls.error = TooManyCalls("rate", most=1, retry_after_seconds=1.0)

    reply = await exchange(door, faulty({first, second}))

    refusal = Refusal(reply.status, json.loads(reply.body)["error"], reply.headers["x-error-code"])
    assert refusal == IN_ORDER[first]
    assert door.calls.placed == []
