"""Changes of scheduled calls as values, and their statements for the writer's thread."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Dialect, bindparam, insert, update
from sqlalchemy.engine.interfaces import DBAPICursor

from ringbridge.call.history import CallEvent
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.model import Call
from ringbridge.call.schedule import ScheduledCall
from ringbridge.store.schedule_tables import schedule_attempts, schedules
from ringbridge.store.statement import execute, statement_text
from ringbridge.store.tables import calls

_END = ("state", "outcome", "cause", "ended_by", "ended_at")


class NewSchedule(NamedTuple):
    """A scheduled call, its first event, and the key of the request where it had one."""

    scheduled: ScheduledCall
    event: CallEvent
    key: IdempotencyKey | None = None

    @property
    def call(self) -> Call:
        """The call as it is shown."""
        return self.scheduled.call


class ChangedSchedule(NamedTuple):
    """A scheduled call as it stands now, and what is told of it."""

    scheduled: ScheduledCall
    event: CallEvent

    @property
    def call(self) -> Call:
        """The call as it is shown."""
        return self.scheduled.call


class ScheduleStatements:
    """The statements for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self._add = statement_text(insert(schedules), dialect, schedules.columns.keys())
        self._claim = statement_text(
            update(schedules)
            .where(schedules.c.call_id == bindparam("of_call"))
            .values(due_at=bindparam("new_due_at")),
            dialect,
            ["new_due_at", "of_call"],
        )
        self._add_attempt = statement_text(
            insert(schedule_attempts), dialect, schedule_attempts.columns.keys()
        )
        self._change = statement_text(
            update(schedules)
            .where(schedules.c.call_id == bindparam("of_call"))
            .values(due_at=bindparam("new_due_at"), is_canceled=bindparam("new_is_canceled")),
            dialect,
            ["new_due_at", "new_is_canceled", "of_call"],
        )
        self._end = statement_text(
            update(calls)
            .where(calls.c.id == bindparam("of_call"))
            .values({name: bindparam(f"new_{name}") for name in _END}),
            dialect,
            [*(f"new_{name}" for name in _END), "of_call"],
        )
        self._forget_request = statement_text(
            update(schedules)
            .where(schedules.c.call_id == bindparam("of_call"))
            .values(request=bindparam("nothing")),
            dialect,
            ["nothing", "of_call"],
        )

    def add(self, cursor: DBAPICursor, added: Sequence[ScheduledCall]) -> None:
        """Keep what these new calls, which are in their table already, wait for."""
        execute(
            cursor,
            self._add,
            [
                (
                    one.call.id,
                    one.schedule.at,
                    one.schedule.when_user_is_free,
                    one.schedule.window_seconds,
                    1 if one.schedule.retry is None else one.schedule.retry.max_attempts,
                    0.0 if one.schedule.retry is None else one.schedule.retry.after_seconds,
                    json.dumps(
                        [] if one.schedule.retry is None else [on.value for on in one.schedule.retry.on]
                    ),
                    json.dumps(dict(one.request), ensure_ascii=False),
                    one.due_at,
                    one.is_canceled,
                )
                for one in added
            ],
        )

    def claim(self, cursor: DBAPICursor, attempts: Sequence[Call]) -> None:
        """These new calls are attempts: what they are attempts of has nothing due as long as they are up."""
        execute(cursor, self._add_attempt, [(call.id, call.attempt_of) for call in attempts])
        execute(cursor, self._claim, [(None, call.attempt_of) for call in attempts])

    def change(self, cursor: DBAPICursor, changed: Sequence[ScheduledCall]) -> None:
        """Keep how these stand now."""
        execute(cursor, self._change, [(one.due_at, one.is_canceled, one.call.id) for one in changed])
        ended = [(one.call, one.call.ending) for one in changed]
        execute(
            cursor,
            self._end,
            [
                (
                    call.state.value,
                    ending.outcome.value,
                    ending.cause.value,
                    ending.by.value,
                    call.ended_at,
                    call.id,
                )
                for call, ending in ended
                if ending is not None
            ],
        )
        execute(
            cursor, self._forget_request, [("{}", call.id) for call, ending in ended if ending is not None]
        )
