"""A call that waits for its next attempt, after one whose destination was busy, for the page of scheduled calls."""

import time

from sqlalchemy import insert

from ringbridge.call.schedule import DEFAULT_RETRY_ON
from ringbridge.store.database import open_database, writing
from ringbridge.store.schedule_tables import schedule_attempts, schedules
from ringbridge.store.tables import call_events, calls
from tests.browser.history_furniture import BUSY_ID
from tests.browser.integration_furniture import KEY_ID
from tests.peers.server import Deployment, user_number
from tests.store.samples import a_record

SCHEDULED_ID = "01a21600-0000-7000-8000-000000000003"

_NOT_YET: dict[str, str | None] = dict.fromkeys(("outcome", "cause", "ended_by", "ended_at"))
_NOT_YET |= {
    f"{leg}_{word}": None
    for leg in ("user", "destination")
    for word in ("ringing_at", "answered_at", "ended_at", "cause", "sip_status", "q850")
}
_NOT_YET |= {"user_state": "none", "destination_state": "none"}


def furnish_scheduled(deployment: Deployment) -> None:
    """Put it into the data folder, behind the history's calls."""
    engine = open_database(f"sqlite:///{deployment.data_dir}/ringbridge.db")
    now = time.time()
    record = a_record(SCHEDULED_ID, deployment.account_id, now)
    # Nothing is dialled for it: its attempts find their own ways.
    call = {name: record[name] for name in record if name in calls.c}
    call |= {"id": SCHEDULED_ID, "key_id": KEY_ID, "user_number": f"+{user_number(0)}"}
    call |= {"state": "scheduled", "accepted_at": now - 120.0, **_NOT_YET}
    event = {"call_id": SCHEDULED_ID, "user_leg": "none", "destination_leg": "none", "state": "scheduled"}
    lines = (("scheduled", 120.0), ("attempt_started", 90.0), ("attempt_failed", 80.0))
    plan = {
        "call_id": SCHEDULED_ID,
        "at": now - 90.0,
        "due_at": now + 3600.0,
        "when_user_is_free": True,
        "window_seconds": 3600.0,
        "max_attempts": 5,
        "after_seconds": 3680.0,
        "retry_on": [outcome.value for outcome in DEFAULT_RETRY_ON],
        "request": {"user_line": user_number(0), "destination_line": record["destination_number"]},
        "is_canceled": False,
    }
    try:
        with writing(engine) as connection:
            connection.execute(insert(calls), call)
            connection.execute(
                insert(call_events),
                [
                    event | {"sequence": sequence, "name": name, "at": now - ago}
                    for sequence, (name, ago) in enumerate(lines, 1)
                ],
            )
            connection.execute(insert(schedules), plan)
            connection.execute(insert(schedule_attempts), {"call_id": BUSY_ID, "schedule_id": SCHEDULED_ID})
    finally:
        engine.dispose()
