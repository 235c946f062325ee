"""Changes of calls as values, and the one place that turns a batch of them into SQL.

Rows go to the drivers as plain tuples, through statements that were compiled once: at a hundred calls a second
the layers in between cost more than the statements themselves.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple, assert_never

from sqlalchemy import Dialect, Double, Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.dml import UpdateBase

from ringbridge.call.history import CallEvent
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.model import Call, LegName, State
from ringbridge.call.schedule import ScheduledCall
from ringbridge.call.webhook import Attempt
from ringbridge.store.charges import ChargeStatements
from ringbridge.store.deliveries import DeliveryStatements, Wanting, no_webhook
from ringbridge.store.idempotency import KeyStatements
from ringbridge.store.schedule_change import ChangedSchedule, NewSchedule, ScheduleStatements
from ringbridge.store.statement import Row, execute, statement_text
from ringbridge.store.tables import call_events, calls, records
from ringbridge.store.thirds import ThirdStatements


class NewCall(NamedTuple):
    """A call that was accepted, its first event, and the key of the request where it had one."""

    call: Call
    event: CallEvent
    key: IdempotencyKey | None = None


class ErasedCall(NamedTuple):
    """A call whose acceptance failed or was no longer waited for: nothing of it may be left."""

    call_id: str


class ChangedCall(NamedTuple):
    """A call that went on, and what is told of it. With an ended call goes its record."""

    call: Call
    event: CallEvent


class BlockedCall(NamedTuple):
    """A request that was refused: a call that has its end, and the only event of it."""

    call: Call
    event: CallEvent


Change = NewCall | ErasedCall | ChangedCall | BlockedCall | NewSchedule | ChangedSchedule | Attempt


def without_peers_values(change: Change) -> Change | None:
    """The change without what the far ends said of its legs' ends; None where they said nothing.

    A value that no column takes must not cost a call its end.
    """
    if not isinstance(change, ChangedCall):
        return None
    call = change.call
    user_leg, destination_leg, third_leg = (
        leg._replace(sip_status=None, q850=None)
        for leg in (call.user_leg, call.destination_leg, call.third_leg)
    )
    reduced = call._replace(user_leg=user_leg, destination_leg=destination_leg, third_leg=third_leg)
    return None if reduced == call else change._replace(call=reduced)


class ChangeStatements:
    """The statements for one kind of database.

    All may be executed again with the same row, as after a commit whose answer was lost; only a new call may not.
    wanting: asked once for each event, in the thread that executes them.
    insert_record: makes the record of a call from its row, if it has none; takes the seconds that the user's phone
    rang, that the destination's rang and that they talked, and the call's id.
    """

    def __init__(self, dialect: Dialect, wanting: Wanting = no_webhook) -> None:
        columns = calls.columns.keys()
        progress = columns[columns.index("state") :]
        self._insert_call = statement_text(insert(calls), dialect, columns)
        self._update_call = statement_text(
            update(calls)
            .where(calls.c.id == bindparam("call_id"))
            .values({name: bindparam(f"new_{name}") for name in progress}),
            dialect,
            [*(f"new_{name}" for name in progress), "call_id"],
        )
        self._delete_call = statement_text(
            delete(calls).where(calls.c.id == bindparam("call_id")), dialect, ["call_id"]
        )
        self._insert_event = statement_text(
            _tolerant_insert(call_events, dialect).on_conflict_do_nothing(),
            dialect,
            call_events.columns.keys(),
        )
        self._charges = ChargeStatements(dialect)
        self._thirds = ThirdStatements(dialect)
        self._keys = KeyStatements(dialect)
        self._schedules = ScheduleStatements(dialect)
        self._insert_blocked = statement_text(
            _tolerant_insert(calls, dialect).on_conflict_do_nothing(), dialect, columns
        )
        self._deliveries = DeliveryStatements(dialect, wanting)
        self.insert_record = statement_text(_record_of_call(dialect), dialect, [*_RECORD_SECONDS, "of_call"])

    def apply(self, cursor: DBAPICursor, changes: Sequence[Change]) -> None:
        """Execute `changes` in the transaction of `cursor`. A call's row is written once, as its last change left it."""
        new_calls: list[Call] = []
        keys: list[tuple[Call, IdempotencyKey]] = []
        claims: list[Call] = []
        schedules: list[ScheduledCall] = []
        changed_schedules: list[ScheduledCall] = []
        blocked: list[Call] = []
        latest: dict[str, Call] = {}
        thirds: dict[tuple[str, int], Call] = {}
        events: list[Row] = []
        told: list[tuple[Call, CallEvent]] = []
        attempts: list[Attempt] = []
        erased: list[Row] = []
        for change in changes:
            match change:
                case ChangedCall(call, event):
                    latest[call.id] = call
                    if call.transfer is not None:
                        thirds[call.id, len(call.past_thirds)] = call
                    events.append(_event_row(call, event))
                    told.append((call, event))
                case NewCall(call, event, key):
                    new_calls.append(call)
                    if key is not None:
                        keys.append((call, key))
                    if call.attempt_of is not None:
                        claims.append(call)
                    events.append(_event_row(call, event))
                    told.append((call, event))
                case NewSchedule(scheduled, event, key):
                    new_calls.append(scheduled.call)
                    schedules.append(scheduled)
                    if key is not None:
                        keys.append((scheduled.call, key))
                    events.append(_event_row(scheduled.call, event))
                    told.append((scheduled.call, event))
                case ChangedSchedule(scheduled, event):
                    changed_schedules.append(scheduled)
                    events.append(_event_row(scheduled.call, event))
                    told.append((scheduled.call, event))
                case BlockedCall(call, event):
                    blocked.append(call)
                    events.append(_event_row(call, event))
                case ErasedCall(call_id):
                    erased.append((call_id,))
                case Attempt():
                    attempts.append(change)
                case _:
                    assert_never(change)
        ended = [call for call in latest.values() if call.state is State.ENDED]
        execute(cursor, self._insert_call, [_identity(call) + _progress(call) for call in new_calls])
        execute(cursor, self._insert_blocked, [_identity(call) + _progress(call) for call in blocked])
        self._keys.keep(cursor, keys)
        self._charges.reserve(cursor, new_calls)
        self._schedules.claim(cursor, claims)
        self._schedules.add(cursor, schedules)
        self._schedules.change(cursor, changed_schedules)
        execute(cursor, self._update_call, [(*_progress(call), call.id) for call in latest.values()])
        execute(cursor, self._insert_event, events)
        self._deliveries.tell(cursor, told)
        self._deliveries.keep(cursor, attempts)
        execute(
            cursor,
            self.insert_record,
            [(*_call_seconds(call), call.id) for call in (*ended, *blocked)],
        )
        self._charges.settle(cursor, ended)
        self._thirds.write(cursor, list(thirds.values()))
        execute(cursor, self._delete_call, erased)
        self._charges.erase(cursor, erased)


_RECORD_SECONDS = ("user_ring_seconds", "destination_ring_seconds", "talk_seconds")
_RECORD_COLUMNS = records.columns.keys()


def ring_seconds(ringing_at: float | None, *ends: float | None) -> float:
    """How long a phone rang until the first of `ends` that is known: its answer, its end, the end of the call."""
    until = next((at for at in ends if at is not None), None)
    return 0.0 if ringing_at is None or until is None else max(0.0, until - ringing_at)


def _call_seconds(call: Call) -> tuple[float, float, float]:
    # Durations come of the monotonic clock, which no one sets.
    user, destination = call.user_leg, call.destination_leg
    return (
        ring_seconds(user.ringing_at, user.answered_at, user.ended_at, call.ended_at),
        ring_seconds(destination.ringing_at, destination.answered_at, destination.ended_at, call.ended_at),
        call.talk_seconds,
    )


def _identity(call: Call) -> Row:
    return (
        call.id,
        call.account_id,
        call.key_id,
        call.user.number,
        call.destination.number,
        call.accepted_utc,
        None if call.metadata is None else json.dumps(dict(call.metadata), ensure_ascii=False),
        call.webhook,
    )


def _progress(call: Call) -> Row:
    # A reason that is still being spoken to the user is not yet the call's end.
    ending = call.ending if call.state is State.ENDED else None
    return (
        call.state.value,
        None if ending is None else ending.outcome.value,
        None if ending is None else ending.cause.value,
        None if ending is None else ending.by.value,
        _time(call, call.ended_at),
        *_leg_row(call, LegName.USER),
        *_leg_row(call, LegName.DESTINATION),
    )


def _leg_row(call: Call, name: LegName) -> Row:
    leg, route = call.leg(name), call.route(name)
    return (
        leg.state.value,
        route.target,
        route.trunk,
        route.caller_number,
        _time(call, leg.dialed_at),
        _time(call, leg.ringing_at),
        _time(call, leg.answered_at),
        _time(call, leg.ended_at),
        None if leg.cause is None else leg.cause.value,
        leg.sip_status,
        leg.q850,
    )


def _event_row(call: Call, event: CallEvent) -> Row:
    return (
        event.call_id,
        event.sequence,
        event.name,
        call.utc(event.at),
        call.state.value,
        call.user_leg.state.value,
        call.destination_leg.state.value,
    )


def _time(call: Call, at: float | None) -> float | None:
    return None if at is None else call.utc(at)


def _record_of_call(dialect: Dialect) -> UpdateBase:
    """A record is the call's row as it is in the same transaction, and the durations, which are given."""
    values = [
        bindparam(name, type_=Double)
        if name in _RECORD_SECONDS
        else calls.c["id" if name == "call_id" else name]
        for name in _RECORD_COLUMNS
    ]
    source = select(*values).where(calls.c.id == bindparam("of_call"))
    return _tolerant_insert(records, dialect).from_select(_RECORD_COLUMNS, source).on_conflict_do_nothing()


def _tolerant_insert(table: Table, dialect: Dialect) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can be told what to do with a row that is there; the two databases spell it alike, in classes of their own."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)
