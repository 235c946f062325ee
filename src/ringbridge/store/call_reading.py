"""Reading calls as they are stored: one with its history, or a page of many. It blocks: for other threads than the event loop's."""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import ColumnElement, Engine, RowMapping, Select, exists, or_, select
from sqlalchemy import tuple_ as row_value

from ringbridge.call.cause import Outcome
from ringbridge.call.history import CallFilter, CallHistory, CallPlace, StoredCall, StoredEvent, StoredLeg
from ringbridge.call.model import LegName
from ringbridge.store.database import reading
from ringbridge.store.schedule_tables import schedule_attempts, schedules
from ringbridge.store.schedules import read_schedules
from ringbridge.store.simulated import test_row
from ringbridge.store.tables import call_events, calls, charges, records
from ringbridge.store.thirds import read_thirds

# All that may come before two people talk, and the longest talk (`HARD_CALL_SECONDS`), with hours to spare.
LONGEST_CALL_SECONDS = 28_800.0

_IS_SCHEDULED = exists().where(schedules.c.call_id == calls.c.id).correlate(calls)


def read_call(engine: Engine, account_id: str, call_id: str) -> StoredCall | None:
    """The account's call with its history so far. Raises StoreUnavailable."""
    statement = _calls_of(account_id).where(calls.c.id == call_id)
    cost = select(charges.c.settled_micros).where(charges.c.call_id == call_id)
    history = (
        select(*(column for column in call_events.columns if column.name != "call_id"))
        .where(call_events.c.call_id == call_id)
        .order_by(call_events.c.sequence)
    )
    with reading(engine) as connection:
        row = connection.execute(statement).mappings().one_or_none()
        if row is None:
            return None
        events = connection.execute(history).mappings().all()
        schedule = read_schedules(connection, [call_id]).get(call_id)
        thirds = read_thirds(connection, [call_id])
        legs_micros = connection.scalar(cost)
    call = _stored_call(row, tuple(StoredEvent(**event) for event in events))
    return replace(call, schedule=schedule, thirds=thirds.get(call_id, ()), legs_micros=legs_micros)


def read_calls(
    engine: Engine, account_id: str, wanted: CallFilter, after: CallPlace | None, limit: int
) -> list[StoredCall]:
    """The account's calls behind the place `after`, the newest first, `limit` at most, without their histories."""
    statement = (
        _calls_of(account_id)
        .where(*_conditions(wanted))
        .order_by(calls.c.accepted_at.desc(), calls.c.id.desc())
        .limit(limit)
    )
    if after is not None:
        # The first condition alone finds the rows by the index; SQLite does not look into the second for that.
        statement = statement.where(
            calls.c.accepted_at <= after.accepted_at,
            row_value(calls.c.accepted_at, calls.c.id) < row_value(after.accepted_at, after.call_id),
        )
    with reading(engine) as connection:
        page = [_stored_call(row, ()) for row in connection.execute(statement).mappings()]
        planned = read_schedules(connection, [call.id for call in page])
    return [replace(call, schedule=planned.get(call.id)) for call in page]


def read_histories(
    engine: Engine, account_id: str, since: float, after: CallPlace | None, limit: int
) -> list[CallHistory]:
    """What happened from `since` on to the account's calls behind the place `after`, the oldest first, `limit` at most.

    Raises StoreUnavailable.
    """
    statement = (
        select(
            calls.c.id,
            calls.c.accepted_at,
            calls.c.user_number,
            test_row(calls).label("is_test"),
            # Asked for each call that is told by itself, so that the order stays that of the index.
            select(schedule_attempts.c.schedule_id)
            .where(schedule_attempts.c.call_id == calls.c.id)
            .scalar_subquery()
            .label("attempt_of"),
            calls.c.metadata,
        )
        .where(
            *_not_over_by(account_id, since),
            or_(calls.c.outcome.is_distinct_from(Outcome.BLOCKED.value), _IS_SCHEDULED),
        )
        .order_by(calls.c.accepted_at, calls.c.id)
    )
    if after is not None:
        # As in `read_calls`: the first condition is for the index.
        statement = statement.where(
            calls.c.accepted_at >= after.accepted_at,
            row_value(calls.c.accepted_at, calls.c.id) > row_value(after.accepted_at, after.call_id),
        )
    earliest = since - LONGEST_CALL_SECONDS
    with reading(engine) as connection:
        found: list[RowMapping] = []
        if after is None or after.accepted_at < earliest:
            # Scheduled calls wait for longer than any other lasts; they come first.
            waited = statement.join(schedules, schedules.c.call_id == calls.c.id)
            found += connection.execute(waited.where(calls.c.accepted_at < earliest).limit(limit)).mappings()
        if len(found) < limit:
            others = statement.where(calls.c.accepted_at >= earliest).limit(limit - len(found))
            found += connection.execute(others).mappings()
        happened = (
            select(call_events)
            .where(call_events.c.call_id.in_([row["id"] for row in found]), call_events.c.at >= since)
            .order_by(call_events.c.call_id, call_events.c.sequence)
        )
        events: dict[str, list[StoredEvent]] = {row["id"]: [] for row in found}
        for call_id, *columns in connection.execute(happened):
            events[call_id].append(StoredEvent(*columns))
    return [
        CallHistory(
            place=CallPlace(row["accepted_at"], row["id"]),
            user_number=row["user_number"],
            is_test=row["is_test"],
            attempt_of=row["attempt_of"],
            metadata=row["metadata"],
            events=tuple(events[row["id"]]),
        )
        for row in found
    ]


def has_calls_between(engine: Engine, account_id: str, start: float, end: float) -> bool:
    """Whether something happened to a call of the account after `start` that was accepted before `end`. Raises StoreUnavailable."""
    statement = (
        select(calls.c.id)
        .where(
            *_not_over_by(account_id, start),
            calls.c.accepted_at >= start - LONGEST_CALL_SECONDS,
            calls.c.accepted_at < end,
            calls.c.outcome.is_distinct_from(Outcome.BLOCKED.value),
        )
        .limit(1)
    )
    with reading(engine) as connection:
        return connection.execute(statement).first() is not None


def _not_over_by(account_id: str, utc: float) -> Iterator[ColumnElement[bool]]:
    """The conditions for the account's calls that were not over by then, if the index is told when they can have begun."""
    yield calls.c.account_id == account_id
    yield or_(calls.c.ended_at.is_(None), calls.c.ended_at >= utc)


def _calls_of(account_id: str) -> Select[tuple[object, ...]]:
    """The account's calls with the talk seconds of their records, and what they are attempts of."""
    joined = calls.outerjoin(records, records.c.call_id == calls.c.id).outerjoin(
        schedule_attempts, schedule_attempts.c.call_id == calls.c.id
    )
    columns = (calls, records.c.talk_seconds, schedule_attempts.c.schedule_id)
    return select(*columns).select_from(joined).where(calls.c.account_id == account_id)


def _conditions(wanted: CallFilter) -> Iterator[ColumnElement[bool]]:
    for column, value in (
        (calls.c.state, wanted.state),
        (calls.c.outcome, wanted.outcome),
        (calls.c.user_number, wanted.user_number),
        (calls.c.destination_number, wanted.destination_number),
    ):
        if value is not None:
            yield column == value
    if wanted.ids:
        yield calls.c.id.in_(wanted.ids)
    if wanted.lines:
        yield calls.c.user_number.in_(wanted.lines)
    if wanted.is_test is not None:
        yield test_row(calls) == wanted.is_test
    if wanted.accepted_from is not None:
        yield calls.c.accepted_at >= wanted.accepted_from
    if wanted.accepted_before is not None:
        yield calls.c.accepted_at < wanted.accepted_before
    for name, text in wanted.metadata:
        yield calls.c.metadata[name].as_string() == text


def _stored_call(row: RowMapping, events: tuple[StoredEvent, ...]) -> StoredCall:
    return StoredCall(
        id=row["id"],
        account_id=row["account_id"],
        state=row["state"],
        outcome=row["outcome"],
        cause=row["cause"],
        ended_by=row["ended_by"],
        accepted_at=row["accepted_at"],
        ended_at=row["ended_at"],
        talk_seconds=row["talk_seconds"] or 0.0,
        metadata=row["metadata"],
        webhook=row["webhook"],
        attempt_of=row["schedule_id"],
        user=_stored_leg(row, LegName.USER),
        destination=_stored_leg(row, LegName.DESTINATION),
        events=events,
    )


def _stored_leg(row: RowMapping, name: LegName) -> StoredLeg:
    leg = name.value
    return StoredLeg(
        number=row[f"{leg}_number"],
        trunk=row[f"{leg}_trunk"],
        state=row[f"{leg}_state"],
        ringing_at=row[f"{leg}_ringing_at"],
        answered_at=row[f"{leg}_answered_at"],
        ended_at=row[f"{leg}_ended_at"],
        cause=row[f"{leg}_cause"],
        sip_status=row[f"{leg}_sip_status"],
        q850=row[f"{leg}_q850"],
    )
