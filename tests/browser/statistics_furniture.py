"""Calls of the last weeks, as an office has them, for the dashboard: more on working days, some that nobody answered."""

import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Engine, delete, insert

from ringbridge.store.database import open_database, writing
from ringbridge.store.statistics import SqlStatistics
from ringbridge.store.tables import records
from tests.peers.server import Deployment, user_number
from tests.store.samples import a_record

_BATCH = 5000


def furnish_statistics(deployment: Deployment, *, calls: int = 4000) -> None:
    """Count them in the data folder. They are not left there: pages of single calls have calls of their own."""
    engine = open_database(f"sqlite:///{deployment.data_dir}/ringbridge.db")
    try:
        lines = [f"+{user_number(index)}" for index in range(3)]
        store_office_calls(engine, deployment.account_id, lines, calls=calls, days=30, now=time.time())
        count_all(engine)
        with writing(engine) as connection:
            connection.execute(
                delete(records).where(records.c.call_id.startswith(f"{deployment.account_id}-"))
            )
    finally:
        engine.dispose()


def store_office_calls(
    engine: Engine, account_id: str, lines: Sequence[str], *, calls: int, days: int, now: float
) -> None:
    """So many records of calls that ended within so many days before `now`."""
    rows = office_calls(account_id, lines, calls=calls, days=days, now=now)
    while batch := list(islice(rows, _BATCH)):
        with writing(engine) as connection:
            connection.execute(insert(records), batch)


def count_all(engine: Engine) -> None:
    """Have all of them counted."""
    counted = SqlStatistics(engine)
    while counted.count(time.time(), _BATCH):
        pass


def office_calls(
    account_id: str, lines: Sequence[str], *, calls: int, days: int, now: float
) -> Iterator[dict[str, Any]]:
    """The records, the oldest first."""
    rng = random.Random(7)
    weights = [len(lines) - index for index in range(len(lines))]
    for number in range(calls):
        ended_at = now - days * 86_400.0 * (1.0 - number / calls) - rng.random() * 60.0
        if not _is_office_hour(ended_at) and rng.random() < 0.85:
            ended_at -= 9 * 3600.0
        yield _record(
            rng, f"{account_id}-{number:08}", account_id, rng.choices(lines, weights)[0], min(ended_at, now)
        )


def _is_office_hour(at: float) -> bool:
    moment = datetime.fromtimestamp(at, UTC)
    return moment.weekday() < 5 and 8 <= moment.hour < 18


def _record(rng: random.Random, call_id: str, account_id: str, line: str, ended_at: float) -> dict[str, Any]:
    came_to = rng.choices(("refused", "ringing", "answered", "dialed", "talking"), (3, 9, 4, 14, 70))[0]
    rings, confirm = rng.lognormvariate(1.6, 0.6), rng.lognormvariate(0.5, 0.5)
    sets_up, waits = rng.lognormvariate(0.2, 0.5), rng.lognormvariate(2.0, 0.6)
    talk = rng.lognormvariate(4.2, 1.1) if came_to == "talking" else 0.0
    accepted_at = ended_at - rings - confirm - sets_up - waits - talk - 0.5
    record = a_record(call_id, account_id, ended_at) | {
        "user_number": line,
        "destination_trunk": "exchange",
        "accepted_at": accepted_at,
        "user_dialed_at": accepted_at + 0.02,
        "user_ringing_at": (ringing_at := accepted_at + rng.lognormvariate(-0.9, 0.4)),
        "user_answered_at": (answered_at := ringing_at + rings),
        "destination_dialed_at": (dialed_at := answered_at + confirm),
        "destination_ringing_at": (destination_ringing_at := dialed_at + sets_up),
        "destination_answered_at": destination_ringing_at + waits,
        "user_ring_seconds": rings,
        "destination_ring_seconds": waits,
        "talk_seconds": talk,
    }
    if came_to == "talking":
        return record
    record |= {"destination_answered_at": None, "outcome": "destination_no_answer", "cause": "no_answer"}
    record["destination_cause"] = rng.choices(("no_answer", "busy", "network_failure"), (6, 3, 1))[0]
    if came_to == "dialed":
        return record
    record |= {"destination_dialed_at": None, "destination_ringing_at": None, "destination_ring_seconds": 0.0}
    record |= {"outcome": "user_hung_up", "destination_cause": None}
    if came_to == "answered":
        return record
    record |= {"user_answered_at": None, "outcome": "user_no_answer", "user_cause": "no_answer"}
    return record if came_to == "ringing" else record | {"outcome": "blocked", "cause": "do_not_call"}
