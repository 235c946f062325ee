"""A history of a million calls, made by the database itself: a minute or two, where row by row would take an hour.

Each call has its row, the first and the last line of its history, its charge and its record. One in ten was not answered
by the user, two not by the destination, one in a thousand failed here; they are spread evenly over the days.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Engine, text

from ringbridge.store.database import writing

DAY_SECONDS = 86_400.0
# So many different people are called.
DESTINATIONS = 50_000

_BATCH = 100_000

# What is said of the call number `i`, in SQL that both databases know.
_ENDED_AT = ":now - (:calls - i) * :step"
_TALKS = "(i % 10 > 2 AND i % 1000 <> 7)"
_REACHED = "(i % 10 > 0)"
_OUTCOME = (
    "CASE WHEN i % 1000 = 7 THEN 'failed' WHEN i % 10 = 0 THEN 'user_no_answer' "
    "WHEN i % 10 = 1 THEN 'destination_busy' WHEN i % 10 = 2 THEN 'destination_no_answer' ELSE 'completed' END"
)
_CAUSE = (
    "CASE WHEN i % 1000 = 7 THEN 'internal' WHEN i % 10 = 1 THEN 'busy' "
    "WHEN i % 10 IN (0, 2) THEN 'no_answer' ELSE 'normal' END"
)
_ID = "'01a00000-' || CAST(10000000 + i AS TEXT)"
_ACCEPTED_AT = f"{_ENDED_AT} - 75.0"


def _leg(
    side: str, number: str, dialed: float, ringing: float, answered: float, reached: str
) -> dict[str, str]:
    when = "TRUE" if side == "user" else _REACHED
    return {
        f"{side}_number": number,
        f"{side}_target": f"'sip:' || {number} || '@192.0.2.7'",
        f"{side}_trunk": "NULL" if side == "user" else "'exchange'",
        f"{side}_caller_number": "'+18175620000'",
        f"{side}_dialed_at": f"CASE WHEN {when} THEN {_ACCEPTED_AT} + {dialed} END",
        f"{side}_ringing_at": f"CASE WHEN {when} THEN {_ACCEPTED_AT} + {ringing} END",
        f"{side}_answered_at": f"CASE WHEN {reached} THEN {_ACCEPTED_AT} + {answered} END",
        f"{side}_ended_at": f"CASE WHEN {when} THEN {_ENDED_AT} END",
        f"{side}_cause": f"CASE WHEN {when} THEN {_CAUSE} END",
    }


def _columns(lines: Sequence[str], keys: Sequence[str]) -> dict[str, str]:
    user = "CASE i % {} {} END".format(
        len(lines), " ".join(f"WHEN {n} THEN '{line}'" for n, line in enumerate(lines))
    )
    key = "CASE i % {} {} END".format(
        len(keys), " ".join(f"WHEN {n} THEN '{key}'" for n, key in enumerate(keys))
    )
    return {
        "account_id": ":account_id",
        "key_id": key,
        "accepted_at": _ACCEPTED_AT,
        "outcome": _OUTCOME,
        "cause": _CAUSE,
        "ended_by": f"CASE WHEN {_TALKS} THEN 'destination' ELSE 'server' END",
        "ended_at": _ENDED_AT,
        **_leg("user", user, 0.1, 1.0, 6.0, _REACHED),
        **_leg(
            "destination", f"'+1512' || CAST(5290000 + i % {DESTINATIONS} AS TEXT)", 6.1, 8.0, 15.0, _TALKS
        ),
    }


def fill(
    engine: Engine,
    account_id: str,
    lines: Sequence[str],
    keys: Sequence[str],
    *,
    calls: int,
    days: float,
    now: float,
) -> None:
    """So many calls of the account within so many days before `now`, from these lines and asked for by these keys."""
    common = _columns(lines, keys)
    ended = {f"{name}state": "'ended'" for name in ("", "user_", "destination_")}
    seconds = {
        "user_ring_seconds": "5.0",
        "destination_ring_seconds": f"CASE WHEN {_REACHED} THEN 7.0 ELSE 0.0 END",
        "talk_seconds": f"CASE WHEN {_TALKS} THEN 60.0 ELSE 0.0 END",
    }
    line = {"call_id": _ID, "user_leg": "'ended'", "destination_leg": "'ended'"}
    charge = {
        "call_id": _ID,
        "account_id": ":account_id",
        "accepted_at": _ACCEPTED_AT,
        "user_micros_per_minute": "0",
        "destination_micros_per_minute": "12000",
        "reserved_micros": "720000",
        "settled_micros": f"CASE WHEN {_TALKS} THEN 12000 ELSE 0 END",
    }
    statements = [
        _insert("records", {"call_id": _ID, **common, **seconds}),
        _insert("calls", {"id": _ID, **common, **ended}),
        _insert(
            "call_events",
            line | {"sequence": "1", "name": "'accepted'", "at": _ACCEPTED_AT, "state": "'accepted'"},
        ),
        _insert(
            "call_events", line | {"sequence": "2", "name": "'ended'", "at": _ENDED_AT, "state": "'ended'"}
        ),
        _insert("charges", charge),
    ]
    values = {"account_id": account_id, "now": now, "calls": calls, "step": days * DAY_SECONDS / calls}
    for first in range(0, calls, _BATCH):
        bounds = {"first": first, "last": min(first + _BATCH, calls) - 1}
        with writing(engine) as connection:
            for statement in statements:
                connection.execute(text(statement), _used(statement, values | bounds))
    with writing(engine) as connection:
        connection.execute(text("ANALYZE"))


def _insert(table: str, columns: Mapping[str, str]) -> str:
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "
        "WITH RECURSIVE n(i) AS (SELECT CAST(:first AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < :last) "
        f"SELECT {', '.join(columns.values())} FROM n"
    )


def _used(statement: str, values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if f":{name}" in statement}
