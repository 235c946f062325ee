"""What is told of an event, in the format that the webhook was made with. Pure."""

import json
from datetime import UTC, datetime
from typing import Any

from ringbridge.call.simulation import SIMULATED
from ringbridge.call.webhook import NET2PHONE_EVENTS, Notice, WebhookFormat


def body(notice: Notice, kind: WebhookFormat) -> bytes:
    """The body of the request, JSON in UTF-8; the same at each try."""
    content = _net2phone(notice) if kind is WebhookFormat.NET2PHONE else _ringbridge(notice)
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def test_body(kind: WebhookFormat, event_id: str, account_id: str, at: float) -> bytes:
    """The body of an event that never was, in the words of one that may be; its numbers are kept for such uses."""
    if kind is WebhookFormat.NET2PHONE:
        return body(_example(account_id, at), kind)
    content = {
        "id": event_id,
        "type": "webhook.test",
        "timestamp": _utc(at, "milliseconds"),
        "data": {"account_id": account_id},
    }
    return json.dumps(content, separators=(",", ":")).encode()


def _example(account_id: str, at: float) -> Notice:
    return Notice(
        account_id=account_id,
        call_id="00000000-0000-7000-8000-000000000000",
        sequence=1,
        name="destination_ringing",
        at=at,
        state="ringing_destination",
        user_number="+12025550100",
        user_name="Test",
        user_leg="answered",
        destination_number="+12025550101",
        destination_caller_number="+12025550100",
        destination_leg="ringing",
    )


def _ringbridge(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.event_id,
        "type": f"call.{notice.name}",
        "timestamp": _utc(notice.at, "milliseconds"),
        "data": {
            "account_id": notice.account_id,
            "call_id": notice.call_id,
            "sequence": notice.sequence,
            "test": notice.user_trunk == SIMULATED,
            "state": notice.state,
            "user": {"number": notice.user_number, "name": notice.user_name, "state": notice.user_leg},
            "destination": {"number": notice.destination_number, "state": notice.destination_leg},
            "attempt_of": notice.attempt_of,
            "metadata": dict(notice.metadata or {}),
            "outcome": notice.outcome,
            "cause": notice.cause,
            "ended_by": notice.ended_by,
            # A scheduled call has no record that says so: nobody talks in it.
            "talk_seconds": None if notice.outcome is None else round(notice.talk_seconds or 0.0, 3),
        },
    }


def _net2phone(notice: Notice) -> dict[str, Any]:
    # Both numbers are E.164 there; an extension is known to the destination by the number that is shown to it.
    number = notice.user_number if notice.user_number.startswith("+") else notice.destination_caller_number
    return {
        "id": notice.call_id,
        "event": NET2PHONE_EVENTS[notice.name],
        "timestamp": _utc(notice.at, "seconds"),
        "direction": "outbound",
        "originating_number": number,
        "dialed_number": notice.destination_number,
        "user_name": notice.user_name or notice.user_number,
    }


def _utc(at: float, exactness: str) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=exactness).replace("+00:00", "Z")
