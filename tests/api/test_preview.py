"""`POST /api/v2/calls/preview`, as JSON."""

import json

import pytest

from ringbridge.call.directory import Line, LineKind, Phone
from ringbridge.call.model import Call, Party, Route
from ringbridge.call.number import Number, NumberType
from ringbridge.service.preview import Decision, Preview
from ringbridge.service.request import CallRequest
from tests.api.conftest import FrontDoor, Reply, exchange, request
from tests.api.test_placing import LINES, OPTIONS

pytestmark = pytest.mark.asyncio(loop_scope="package")

CALL = Call(
    id="c",
    account_id="1009683",
    key_id="k",
    user=Party(number="204", routes=(Route(target="", caller_number="+15125292329", caller_name="Calling"),)),
    destination=Party(
        number="+15125292329",
        routes=tuple(
            Route(trunk=name, target=f"sip:secret@{name}.example", caller_number="+18175620000")
            for name in ("main", "spare")
        ),
    ),
    accepted_at=1.0,
    accepted_utc=2.0,
    language="es",
)
LINE = Line(id="l", account_id="1009683", number="204", name="Ann", kind=LineKind.DEVICE)
NUMBER = Number("+15125292329", "US", NumberType.FIXED_LINE_OR_MOBILE, ",9")
PHONE = Phone("UDP", "192.0.2.7", 5060, "Desk 1.0")


async def ask(door: FrontDoor, preview: Preview, body: object) -> Reply:
    door.calls.previewed = preview
    return await exchange(door, request(json.dumps(body).encode(), path="/api/v2/calls/preview"))


async def test_everything_that_would_be_is_told_but_no_trunks_address(door: FrontDoor) -> None:
    decisions = [Decision("user_line", None), Decision("limits", "limit_exceeded")]
    reply = await ask(door, Preview(LINE, NUMBER, CALL, [PHONE], decisions), LINES | OPTIONS)
    assert reply.status == 200
    assert b"secret" not in reply.body
    assert door.calls.requests == [CallRequest(**LINES, **OPTIONS)]
    route = {"trunk": "main", "caller_number": "+18175620000", "caller_name": None}
    assert json.loads(reply.body) == {
        "allowed": False,
        "user": {
            "number": "204",
            "name": "Ann",
            "kind": "device",
            "phones": [{"transport": "UDP", "host": "192.0.2.7", "port": 5060, "user_agent": "Desk 1.0"}],
            "routes": [{"trunk": None, "caller_number": "+15125292329", "caller_name": "Calling"}],
        },
        "destination": {
            "number": "+15125292329",
            "region": "US",
            "kind": "fixed_line_or_mobile",
            "digits": ",9",
            "routes": [route, route | {"trunk": "spare"}],
        },
        "confirm": False,
        "auto_answer": False,
        "language": "es",
        "user_ring_seconds": 30.0,
        "destination_ring_seconds": 60.0,
        "call_seconds": 3600.0,
        "schedule": None,
        "decisions": [
            {"check": "user_line", "allowed": True, "code": None},
            {"check": "limits", "allowed": False, "code": "limit_exceeded"},
        ],
    }


async def test_what_could_not_be_read_is_null(door: FrontDoor) -> None:
    decisions = [Decision("user_line", "unknown_line")]
    told = json.loads((await ask(door, Preview(None, None, None, (), decisions), LINES)).body)
    assert told.pop("decisions") == [{"check": "user_line", "allowed": False, "code": "unknown_line"}]
    assert told.pop("allowed") is False
    assert set(told.values()) == {None}


async def test_a_wrong_field_is_refused_as_for_a_call(door: FrontDoor) -> None:
    reply = await ask(door, Preview(None, None, None, (), ()), LINES | {"userline": "x"})
    assert (reply.status, json.loads(reply.body)["code"]) == (422, "unknown_field")
