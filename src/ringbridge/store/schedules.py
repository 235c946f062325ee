"""Scheduled calls in SQL: the port `ScheduleStore`. They are written by the writer's thread, as all calls are."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, func, select

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.history import StoredAttempt, StoredSchedule
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.model import Call, Ending, Party, Route, State
from ringbridge.call.schedule import Retry, Schedule, ScheduledCall, ScheduleStep
from ringbridge.call.schedule_ports import OpenSchedule
from ringbridge.store.change import Change, ErasedCall
from ringbridge.store.database import reading
from ringbridge.store.schedule_change import ChangedSchedule, NewSchedule
from ringbridge.store.schedule_tables import schedule_attempts, schedules
from ringbridge.store.simulated import test_row
from ringbridge.store.tables import call_events, calls

Write = Callable[[Change, Change], Awaitable[None]]


class SqlSchedules:
    """ScheduleStore over `engine`. write: makes a change durable; its second argument is written where that is not known."""

    def __init__(self, engine: Engine, write: Write) -> None:
        self._engine = engine
        self._write = write

    async def add(self, step: ScheduleStep, key: IdempotencyKey | None) -> None:
        """A new scheduled call, its first event and the key of its request; durable on return. Raises StoreUnavailable."""
        await self._write(NewSchedule(*step, key), ErasedCall(step.after.call.id))

    async def change(self, step: ScheduleStep) -> None:
        """How it stands now, and the event of that. Raises StoreUnavailable, and may be stored all the same."""
        change = ChangedSchedule(*step)
        # It says how things are, so it may be written twice.
        await self._write(change, change)

    async def find(self, call_id: str) -> ScheduledCall | None:
        """A scheduled call with what is known of its attempts. Raises StoreUnavailable."""
        return await asyncio.to_thread(self._find, call_id)

    async def open(self) -> list[OpenSchedule]:
        """All that are not over. Raises StoreUnavailable."""
        return await asyncio.to_thread(self._open)

    def _open(self) -> list[OpenSchedule]:
        statement = (
            select(calls.c.id, calls.c.account_id, schedules.c.due_at, test_row(calls))
            .join(schedules, schedules.c.call_id == calls.c.id)
            # In these words the index of open calls has it.
            .where(calls.c.state != State.ENDED.value)
        )
        with reading(self._engine) as connection:
            return [
                OpenSchedule(call_id, account_id, due_at, bool(is_test))
                for call_id, account_id, due_at, is_test in connection.execute(statement)
            ]

    def _find(self, call_id: str) -> ScheduledCall | None:
        statement = (
            select(calls, *(column for column in schedules.columns if column.name != "call_id"))
            .join(schedules, schedules.c.call_id == calls.c.id)
            .where(calls.c.id == call_id)
        )
        told = select(
            func.max(call_events.c.sequence),
            func.max(call_events.c.at),
            func.count().filter(call_events.c.name == "attempt_started"),
        ).where(call_events.c.call_id == call_id)
        with reading(self._engine) as connection:
            row = connection.execute(statement).mappings().one_or_none()
            if row is None:
                return None
            attempts = _attempts(connection, [call_id])
            sequence, event_at, told_attempts = connection.execute(told).one()
        last = attempts[-1] if attempts else None
        return ScheduledCall(
            call=_call(row),
            schedule=_schedule(row),
            request=row["request"],
            due_at=row["due_at"],
            is_canceled=row["is_canceled"],
            attempts=len(attempts),
            told_attempts=told_attempts,
            attempt_id=None if last is None else last["id"],
            attempt_ending=None if last is None else _ending(last),
            sequence=sequence,
            event_at=event_at,
        )


def read_schedules(connection: Connection, call_ids: Sequence[str]) -> dict[str, StoredSchedule]:
    """What is shown of the scheduled calls among these besides the calls, by their ids."""
    found = connection.execute(select(schedules).where(schedules.c.call_id.in_(call_ids))).mappings().all()
    if not found:
        return {}
    attempts: dict[str, list[RowMapping]] = {row["call_id"]: [] for row in found}
    for one in _attempts(connection, list(attempts)):
        attempts[one["schedule_id"]].append(one)
    return {row["call_id"]: _stored_schedule(row, attempts[row["call_id"]]) for row in found}


def _stored_schedule(row: RowMapping, attempts: Sequence[RowMapping]) -> StoredSchedule:
    return StoredSchedule(
        at=row["at"],
        when_user_is_free=row["when_user_is_free"],
        window_seconds=row["window_seconds"],
        max_attempts=row["max_attempts"],
        after_seconds=row["after_seconds"],
        retry_on=tuple(row["retry_on"]),
        next_attempt_at=row["due_at"],
        attempts=tuple(
            StoredAttempt(one["id"], one["state"], one["outcome"], one["accepted_at"]) for one in attempts
        ),
    )


def _attempts(connection: Connection, schedule_ids: Sequence[str]) -> list[RowMapping]:
    """The calls that are their attempts, the first ones first."""
    statement = (
        select(
            calls.c.id,
            calls.c.state,
            calls.c.outcome,
            calls.c.cause,
            calls.c.ended_by,
            calls.c.accepted_at,
            schedule_attempts.c.schedule_id,
        )
        .join(schedule_attempts, schedule_attempts.c.call_id == calls.c.id)
        .where(schedule_attempts.c.schedule_id.in_(schedule_ids))
        .order_by(calls.c.id)
    )
    return list(connection.execute(statement).mappings().all())


def _call(row: RowMapping) -> Call:
    # Nothing is dialled for the scheduled call itself: its attempts find their own ways. The trunk says whether they are tests.
    ways = (Route(target="", caller_number="", trunk=row["user_trunk"]),)
    return Call(
        id=row["id"],
        account_id=row["account_id"],
        key_id=row["key_id"],
        user=Party(number=row["user_number"], routes=ways),
        destination=Party(number=row["destination_number"], routes=ways),
        accepted_at=row["accepted_at"],
        accepted_utc=row["accepted_at"],
        metadata=row["metadata"],
        webhook=row["webhook"],
        state=State(row["state"]),
        ended_at=row["ended_at"],
        ending=_ending(row),
    )


def _ending(row: RowMapping) -> Ending | None:
    """How a call ended; None as long as it has not."""
    if row["outcome"] is None:
        return None
    return Ending(outcome=Outcome(row["outcome"]), cause=Cause(row["cause"]), by=EndedBy(row["ended_by"]))


def _schedule(row: RowMapping) -> Schedule:
    retry: dict[str, Any] = {
        "max_attempts": row["max_attempts"],
        "after_seconds": row["after_seconds"],
        "on": tuple(map(Outcome, row["retry_on"])),
    }
    return Schedule(
        at=row["at"],
        when_user_is_free=row["when_user_is_free"],
        window_seconds=row["window_seconds"],
        retry=Retry(**retry) if row["retry_on"] else None,
    )
