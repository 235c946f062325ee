"""Calls, their history and their records in SQL: the port `CallStore`.

Changes go through the writer's thread and keep their order; look-ups, and the repair after a crash, hop to other threads.
"""

import asyncio
from types import TracebackType
from typing import Any

from sqlalchemy import ColumnElement, Engine, case, func, insert, select, update

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.history import CallEvent, CallFilter, CallHistory, CallPlace, StoredCall
from ringbridge.call.idempotency import IdempotencyKey, KeptKey
from ringbridge.call.model import Call, LegName, LegState, State
from ringbridge.call.webhook import Attempt
from ringbridge.store.call_reading import has_calls_between, read_call, read_calls, read_histories
from ringbridge.store.change import (
    BlockedCall,
    Change,
    ChangedCall,
    ChangeStatements,
    ErasedCall,
    NewCall,
    ring_seconds,
    without_peers_values,
)
from ringbridge.store.charges import settle_interrupted
from ringbridge.store.database import reading, storable, writing
from ringbridge.store.errors import StoreInUse
from ringbridge.store.idempotency import read_key
from ringbridge.store.lock import ServerLock
from ringbridge.store.outbox import Outbox
from ringbridge.store.tables import call_events, calls
from ringbridge.store.thirds import close_thirds
from ringbridge.store.writer import GroupCommitWriter


class SqlCallStore:
    """CallStore over `engine`, from entry to exit. It takes new calls only while `lock` is held; those it has, it keeps."""

    def __init__(self, engine: Engine, lock: ServerLock, outbox: Outbox | None = None) -> None:
        self._engine = engine
        self._lock = lock
        self._outbox = outbox or Outbox(engine)
        self._statements = ChangeStatements(engine.dialect, self._outbox.wanting)
        self._writer: GroupCommitWriter[Change] = GroupCommitWriter(
            engine, self._statements.apply, without_peers_values, on_commit=self._outbox.committed
        )

    async def __aenter__(self) -> "SqlCallStore":
        await self._writer.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._writer.__aexit__(kind, error, traceback)

    async def accept(self, call: Call, event: CallEvent, key: IdempotencyKey | None = None) -> None:
        """Store a new call, its first event and the key of its request; durable on return. Raises StoreUnavailable within two seconds."""
        await self._accept(NewCall(call, event, key), ErasedCall(call.id))

    async def write(self, change: Change, undo: Change) -> None:
        """Make a change durable, behind all that was saved. Raises StoreUnavailable within two seconds.

        `undo` is written where it may be stored then.
        """
        await self._accept(change, undo, in_order=True)

    async def _accept(self, change: Change, undo: Change, *, in_order: bool = False) -> None:
        if not self._lock.is_held:
            raise StoreInUse("This server has lost its hold on the database; the call was not stored.")
        await self._writer.accept(change, undo=undo, in_order=in_order)

    def save(self, call: Call, event: CallEvent) -> None:
        """Store a change and its event, with an ended call also its record."""
        self._writer.submit(ChangedCall(call, event))

    async def written(self) -> None:
        """Return when all that was saved before is durable. Raises StoreUnavailable when that takes longer than usual."""
        await self._writer.written()

    def block(self, call: Call) -> None:
        """Store a request that was refused, with its record."""
        event = CallEvent(call_id=call.id, sequence=1, name="blocked", at=call.accepted_at)
        self._writer.submit(BlockedCall(call, event))

    def save_attempt(self, attempt: Attempt) -> None:
        """Store how sending an event to a webhook went. Not awaited; the outbox tells when it is durable."""
        self._writer.submit(attempt)

    async def open_calls(self) -> list[str]:
        """The calls that an earlier process left without an end, in the order of their acceptance. Raises StoreUnavailable."""
        return await asyncio.to_thread(self._read_open_calls)

    async def close_interrupted(self, call_id: str, *, ended_at: float) -> None:
        """Give a call of an earlier process its end, at `ended_at` in UTC seconds since 1970. Raises StoreUnavailable."""
        await asyncio.to_thread(self._close_interrupted, call_id, ended_at)

    async def key(self, account_id: str, text: str) -> KeptKey | None:
        """What is known of a key that a request of the account had before. Raises StoreUnavailable."""
        return await asyncio.to_thread(read_key, self._engine, account_id, text)

    async def find(self, account_id: str, call_id: str) -> StoredCall | None:
        """The account's call with its history so far. Raises StoreUnavailable."""
        if not storable(call_id):
            return None
        return await asyncio.to_thread(read_call, self._engine, account_id, call_id)

    async def histories_since(
        self, account_id: str, since: float, after: CallPlace | None, limit: int
    ) -> list[CallHistory]:
        """What happened from `since` on to the account's calls behind a place, the oldest first. Raises StoreUnavailable."""
        return await asyncio.to_thread(read_histories, self._engine, account_id, since, after, limit)

    async def has_calls_between(self, account_id: str, start: float, end: float) -> bool:
        """Whether something happened to a call after `start` that was accepted before `end`. Raises StoreUnavailable."""
        return await asyncio.to_thread(has_calls_between, self._engine, account_id, start, end)

    async def page(
        self, account_id: str, wanted: CallFilter, after: CallPlace | None, limit: int
    ) -> list[StoredCall]:
        """The account's calls behind the place `after`, the newest first, without their histories. Raises StoreUnavailable."""
        return await asyncio.to_thread(read_calls, self._engine, account_id, wanted, after, limit)

    def healthy(self) -> bool:
        """Whether a new call would be taken: the database is ours, and the last write went through."""
        return self._lock.is_held and self._writer.healthy()

    def _read_open_calls(self) -> list[str]:
        statement = (
            select(calls.c.id)
            .where(calls.c.state != State.ENDED.value, calls.c.state != State.SCHEDULED.value)
            .order_by(calls.c.accepted_at, calls.c.id)
        )
        with reading(self._engine) as connection:
            return list(connection.scalars(statement))

    def _close_interrupted(self, call_id: str, ended_at: float) -> None:
        last_event = select(func.max(call_events.c.sequence), func.max(call_events.c.at)).where(
            call_events.c.call_id == call_id
        )
        with writing(self._engine) as connection:
            last_sequence, last_at = connection.execute(last_event).one()
            # The clock on the wall may have been set back since: no history runs backwards.
            ended_at = max(ended_at, last_at or ended_at)
            closed = connection.execute(
                update(calls)
                .where(calls.c.id == call_id, calls.c.state != State.ENDED.value)
                .values(
                    state=State.ENDED.value,
                    outcome=Outcome.INTERRUPTED.value,
                    cause=Cause.INTERRUPTED.value,
                    ended_by=EndedBy.SERVER.value,
                    ended_at=ended_at,
                    **_interrupted_leg(LegName.USER, ended_at),
                    **_interrupted_leg(LegName.DESTINATION, ended_at),
                )
            )
            if closed.rowcount == 0:
                return
            row = connection.execute(select(calls).where(calls.c.id == call_id)).mappings().one()
            connection.execute(
                insert(call_events).values(
                    call_id=call_id,
                    sequence=(last_sequence or 0) + 1,
                    name="ended",
                    at=ended_at,
                    state=row["state"],
                    user_leg=row["user_state"],
                    destination_leg=row["destination_state"],
                )
            )
            self._outbox.add_end(connection, row, (last_sequence or 0) + 1, ended_at)
            heard_at = last_at or row["accepted_at"]
            settle_interrupted(connection, row, heard_at)
            close_thirds(connection, call_id, heard_at=heard_at, ended_at=ended_at)
            connection.exec_driver_sql(
                self._statements.insert_record,
                (
                    ring_seconds(row["user_ringing_at"], row["user_answered_at"], ended_at),
                    ring_seconds(row["destination_ringing_at"], row["destination_answered_at"], ended_at),
                    max(0.0, ended_at - (row["destination_answered_at"] or ended_at)),
                    call_id,
                ),
            )


def _interrupted_leg(name: LegName, ended_at: float) -> dict[str, ColumnElement[Any]]:
    """What becomes of a leg of an interrupted call: ended, unless it was or had never begun."""
    state, ended, cause = (calls.c[f"{name.value}_{field}"] for field in ("state", "ended_at", "cause"))
    alive = state.not_in([LegState.NONE.value, LegState.ENDED.value])
    return {
        state.name: case((alive, LegState.ENDED.value), else_=state),
        ended.name: case((alive, ended_at), else_=ended),
        cause.name: case((alive, Cause.INTERRUPTED.value), else_=cause),
    }
