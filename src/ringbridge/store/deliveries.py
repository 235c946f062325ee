"""The rows of the outbox: how they come and change with calls, and how those that are due are found.

An event is due when it is told, unless an earlier one of its call is to be tried again: then with that. So what waits
behind a receiver that is down is never looked through for what could be sent.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    Dialect,
    Double,
    Engine,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from ringbridge.call.history import CallEvent
from ringbridge.call.model import Call, State
from ringbridge.call.webhook import Attempt, DeliveryKey, DueDelivery, Notice
from ringbridge.store.schedule_tables import schedule_attempts
from ringbridge.store.statement import Row, execute, reading, statement_text
from ringbridge.store.tables import call_events, calls, lines, records
from ringbridge.store.webhook_tables import webhook_deliveries

DUE_AT_ONCE = 0.0
"""When a first try is due. Not now: the clock on the wall may be set back a moment later."""

Wanting = Callable[[Call, CallEvent], Sequence[str]]
"""The webhooks that want an event of a call: their ids."""

_KEY = ["webhook_id", "call_id", "sequence"]
_PROGRESS = ["attempts", "next_attempt_at", "last_attempt_at", "last_status", "last_error", "delivered_at"]


def no_webhook(call: Call, event: CallEvent) -> Sequence[str]:
    """Nobody wants to be told."""
    return ()


class DeliveryStatements:
    """The statements for one kind of database. `wanting` is asked once for each event, in the thread that executes them."""

    def __init__(self, dialect: Dialect, wanting: Wanting) -> None:
        self._wanting = wanting
        rows = webhook_deliveries.c
        tolerant = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        waits_until = (
            select(func.coalesce(func.max(rows.next_attempt_at), bindparam("at_once", type_=Double)))
            .where(rows.webhook_id == bindparam("of_webhook"), rows.call_id == bindparam("of_call"))
            .scalar_subquery()
        )
        given = ["webhook_id", "call_id", "sequence", "created_at", "attempts"]
        values = [bindparam(name, type_=webhook_deliveries.c[name].type) for name in given]
        source = select(*values, waits_until)
        columns = [*given, "next_attempt_at"]
        self._insert = statement_text(
            tolerant(webhook_deliveries).from_select(columns, source).on_conflict_do_nothing(),
            dialect,
            [*given, "at_once", "of_webhook", "of_call"],
        )
        self._update = statement_text(
            update(webhook_deliveries)
            .where(*(webhook_deliveries.c[name] == bindparam(f"of_{name}") for name in _KEY))
            .values({name: bindparam(f"new_{name}") for name in _PROGRESS}),
            dialect,
            [*(f"new_{name}" for name in _PROGRESS), *(f"of_{name}" for name in _KEY)],
        )
        self._postpone = statement_text(
            update(webhook_deliveries)
            .where(
                rows.webhook_id == bindparam("of_webhook_id"),
                rows.call_id == bindparam("of_call_id"),
                rows.sequence > bindparam("after_sequence"),
                # An expression, so that no database takes the index of all that is due for the way to a call's few rows.
                func.coalesce(rows.next_attempt_at, bindparam("never", type_=Double))
                < bindparam("until", type_=Double),
            )
            .values(next_attempt_at=bindparam("new_next_attempt_at")),
            dialect,
            ["new_next_attempt_at", "of_webhook_id", "of_call_id", "after_sequence", "never", "until"],
        )

    def tell(self, cursor: DBAPICursor, told: Sequence[tuple[Call, CallEvent]]) -> None:
        """Add a row for each webhook that wants one of these events, which are in their tables already."""
        rows = [
            (webhook_id, call.id, event.sequence, call.utc(event.at), 0, DUE_AT_ONCE, webhook_id, call.id)
            for call, event in told
            for webhook_id in self._wanting(call, event)
        ]
        execute(cursor, self._insert, rows)

    def keep(self, cursor: DBAPICursor, attempts: Sequence[Attempt]) -> None:
        """Keep how these tries went."""
        execute(cursor, self._update, [_attempt_row(attempt) for attempt in attempts])
        again = [(attempt.next_attempt_at, attempt.key) for attempt in attempts if attempt.next_attempt_at]
        execute(cursor, self._postpone, [(at, *key, at, at) for at, key in again])


class DueDeliveries:
    """Finds what is to be sent, straight over the driver: webhook by webhook, so that none waits for another's backlog."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # For SQLite, SQLAlchemy writes an offset behind each limit.
        self._offset = (0,) if engine.dialect.name == "sqlite" else ()
        parameters = ["of_webhook", "now", "still_now", "most", *("param_1" for _ in self._offset)]
        self._text = statement_text(_DUE, engine.dialect, parameters)

    def find(self, webhook_ids: Sequence[str], utc_now: float, limit: int) -> list[DueDelivery]:
        """What is due at these webhooks, at most `limit` rows for each, by call and sequence. Raises StoreUnavailable."""
        found: list[DueDelivery] = []
        with reading(self._engine) as cursor:
            for webhook_id in webhook_ids:
                cursor.execute(self._text, (webhook_id, utc_now, utc_now, limit, *self._offset))
                rows = [_due_delivery(webhook_id, row) for row in cursor.fetchall()]
                found += sorted(rows, key=lambda one: one.key)
        return found


def _query() -> Select[tuple[Any, ...]]:
    rows, earlier = webhook_deliveries, webhook_deliveries.alias()
    waits_for_earlier = exists().where(
        earlier.c.webhook_id == rows.c.webhook_id,
        earlier.c.call_id == rows.c.call_id,
        earlier.c.sequence < rows.c.sequence,
        earlier.c.next_attempt_at > bindparam("still_now", type_=Double),
    )
    first = (
        select(rows.c.webhook_id, rows.c.call_id, rows.c.sequence, rows.c.created_at, rows.c.attempts)
        .where(
            rows.c.webhook_id == bindparam("of_webhook"),
            rows.c.next_attempt_at <= bindparam("now", type_=Double),
            ~waits_for_earlier,
        )
        .order_by(rows.c.next_attempt_at, rows.c.call_id, rows.c.sequence)
        .limit(bindparam("most", type_=Integer))
        .subquery()
    )
    of_event = and_(call_events.c.call_id == first.c.call_id, call_events.c.sequence == first.c.sequence)
    of_line = and_(lines.c.account_id == calls.c.account_id, lines.c.number == calls.c.user_number)
    return (
        select(
            first.c.created_at,
            first.c.attempts,
            calls.c.webhook,
            calls.c.account_id,
            first.c.call_id,
            first.c.sequence,
            call_events.c.name,
            call_events.c.at,
            call_events.c.state,
            calls.c.user_number,
            lines.c.name.label("user_name"),
            call_events.c.user_leg,
            calls.c.user_trunk,
            calls.c.destination_number,
            calls.c.destination_caller_number,
            call_events.c.destination_leg,
            schedule_attempts.c.schedule_id.label("attempt_of"),
            calls.c.metadata,
            calls.c.outcome,
            calls.c.cause,
            calls.c.ended_by,
            records.c.talk_seconds,
        )
        .join(calls, calls.c.id == first.c.call_id)
        .join(call_events, of_event)
        .outerjoin(lines, of_line)
        .outerjoin(records, records.c.call_id == first.c.call_id)
        .outerjoin(schedule_attempts, schedule_attempts.c.call_id == first.c.call_id)
    )


_DUE = _query()
_NAMES = _DUE.selected_columns.keys()


def _due_delivery(webhook_id: str, row: Sequence[Any]) -> DueDelivery:
    values = dict(zip(_NAMES, row, strict=True))
    created_at, attempts, url = (values.pop(name) for name in ("created_at", "attempts", "webhook"))
    if isinstance(values["metadata"], str):
        # SQLite keeps JSON as text.
        values["metadata"] = json.loads(values["metadata"])
    if values["name"] != State.ENDED.value:
        values.update(outcome=None, cause=None, ended_by=None, talk_seconds=None)
    key = DeliveryKey(webhook_id, values["call_id"], values["sequence"])
    return DueDelivery(key, created_at, attempts, Notice(**values), url)


def _attempt_row(attempt: Attempt) -> Row:
    delivered_at = attempt.at if attempt.is_delivered else None
    progress = (
        attempt.attempts,
        attempt.next_attempt_at,
        attempt.at,
        attempt.status,
        attempt.error,
        delivered_at,
    )
    return (*progress, *attempt.key)
