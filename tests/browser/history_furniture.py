"""Two calls with all that is stored of them, for the pages of history: one whose destination was busy, one that was transferred.

And calls that run, for the page of live calls.
"""

import json
import re
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, insert

from ringbridge.store.database import open_database, writing
from ringbridge.store.tables import call_events, calls, charges, records
from ringbridge.store.third_tables import thirds
from ringbridge.store.webhook_tables import webhook_deliveries
from tests.browser.integration_furniture import KEY_ID, WEBHOOK_ID
from tests.peers.server import Deployment, Server, ringbridge, user_number
from tests.store.samples import THIRD_NUMBER, a_record

BUSY_ID = "01a21600-0000-7000-8000-000000000001"
TRANSFERRED_ID = "01a21600-0000-7000-8000-000000000002"

_ENDED: dict[str, Any] = {"state": "ended", "user_state": "ended", "destination_state": "ended"}

# Name, seconds after the acceptance, the call's state from then on, and those of its legs.
Line = tuple[str, float, str, str, str]
_BUSY: tuple[Line, ...] = (
    ("accepted", 0.0, "accepted", "none", "none"),
    ("user_dialing", 0.02, "ringing_user", "dialing", "none"),
    ("user_ringing", 0.9, "ringing_user", "ringing", "none"),
    ("user_answered", 5.4, "dialing_destination", "answered", "dialing"),
    ("destination_ringing", 7.1, "ringing_destination", "answered", "ringing"),
    ("destination_ended", 8.6, "announcing", "answered", "ended"),
    ("ended", 9.5, "ended", "ended", "ended"),
)
_TRANSFERRED: tuple[Line, ...] = (
    *_BUSY[:5],
    ("connected", 13.0, "connected", "answered", "answered"),
    ("held", 40.0, "held", "answered", "answered"),
    ("transferring", 46.0, "transferring", "answered", "answered"),
    ("third_ringing", 47.5, "transferring", "answered", "answered"),
    ("transferred", 52.0, "connected", "ended", "answered"),
    ("ended", 130.0, "ended", "ended", "ended"),
)


def furnish_history(deployment: Deployment) -> None:
    """Put them into the data folder."""
    engine = open_database(f"sqlite:///{deployment.data_dir}/ringbridge.db")
    now, line = time.time(), {"user_number": f"+{user_number(0)}", "key_id": KEY_ID}
    try:
        start = now - 420.0
        record = a_record(TRANSFERRED_ID, deployment.account_id, start + 130.0) | line
        record |= {
            "accepted_at": start,
            **_times("user", start, 0.02, 0.9, 5.4, 52.0),
            **_times("destination", start, 5.42, 7.1, 13.0, 130.0),
            "talk_seconds": 117.0,
            "metadata": {"ticket": "4711", "customer": "Acme"},
        }
        _store(engine, record, start, _TRANSFERRED)
        with writing(engine) as connection:
            connection.execute(insert(thirds), _third(deployment.account_id, start))
        start = now - 90.0
        record = a_record(BUSY_ID, deployment.account_id, start + 9.5) | line
        record |= {
            "accepted_at": start,
            **_times("user", start, 0.02, 0.9, 5.4, 9.5),
            **_times("destination", start, 5.42, 7.1, None, 8.6),
            "destination_cause": "busy",
            "destination_sip_status": 486,
            "destination_q850": 17,
            "outcome": "destination_busy",
            "cause": "busy",
            "user_ring_seconds": 4.5,
            "destination_ring_seconds": 1.5,
            "talk_seconds": 0.0,
            "metadata": {"ticket": "4712"},
        }
        _store(engine, record, start, _BUSY)
    finally:
        engine.dispose()


def begin_calls(server: Server) -> None:
    """Simulated calls that talk until the server stops, for a picture of live calls."""
    deployment = server.deployment
    printed = ringbridge(
        deployment.data_dir,
        "key",
        "create",
        "--account",
        deployment.account_id,
        "--name",
        "Support",
        "--test",
    )
    authorization = re.search(r"Authorization:\s*(Basic [A-Za-z0-9+/=]+)", printed)
    assert authorization is not None, printed
    for index, destination in enumerate(("15125290109", "15125300109")):
        body = json.dumps({"user_line": user_number(index), "destination_line": destination})
        headers = {"Authorization": authorization[1], "Content-Type": "application/json"}
        request = urllib.request.Request(server.url + "/api/v1/call", body.encode(), headers)
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200


def _times(
    leg: str, start: float, dialed: float, ringing: float, answered: float | None, ended: float
) -> dict[str, float | None]:
    return {
        f"{leg}_dialed_at": start + dialed,
        f"{leg}_ringing_at": start + ringing,
        f"{leg}_answered_at": None if answered is None else start + answered,
        f"{leg}_ended_at": start + ended,
    }


def _third(account_id: str, start: float) -> dict[str, Any]:
    return {
        "call_id": TRANSFERRED_ID,
        "position": 0,
        "account_id": account_id,
        "number": THIRD_NUMBER,
        "asked_at": start + 46.0,
        "micros_per_minute": 20_000,
        "reserved_micros": 1_200_000,
        "settled_micros": 40_000,
        "state": "ended",
        "trunk": "exchange",
        "dialed_at": start + 46.0,
        "ringing_at": start + 47.5,
        "answered_at": start + 52.0,
        "ended_at": start + 130.0,
        "cause": "normal",
    }


def _store(engine: Engine, record: dict[str, Any], start: float, lines: Sequence[Line]) -> None:
    call = {name: value for name, value in record.items() if name in calls.c} | _ENDED
    call_id = record["call_id"]
    names = ("name", "at", "state", "user_leg", "destination_leg")
    events = [
        {
            "call_id": call_id,
            "sequence": sequence,
            **dict(zip(names, line, strict=True)),
            "at": start + line[1],
        }
        for sequence, line in enumerate(lines, 1)
    ]
    charge = {
        "call_id": call_id,
        "account_id": record["account_id"],
        "accepted_at": start,
        "user_micros_per_minute": 0,
        "destination_micros_per_minute": 12_000,
        "reserved_micros": 720_000,
        "settled_micros": 24_000 if record["talk_seconds"] else 0,
    }
    told = {
        "webhook_id": WEBHOOK_ID,
        "call_id": call_id,
        "sequence": len(lines),
        "created_at": start,
        "attempts": 1,
        "last_attempt_at": start + 10.0,
        "last_status": 204,
        "delivered_at": start + 10.0,
    }
    with writing(engine) as connection:
        connection.execute(insert(records), record)
        connection.execute(insert(calls), call | {"id": call_id})
        connection.execute(insert(call_events), events)
        connection.execute(insert(charges), charge)
        connection.execute(insert(webhook_deliveries), told)
