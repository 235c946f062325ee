"""The tables of scheduled calls, beside those in `tables` and in the same metadata."""

from sqlalchemy import JSON, Boolean, Column, Double, ForeignKey, Integer, Table, Text, exists

from ringbridge.store.tables import calls
from ringbridge.store.tables import metadata as metadata

# What a row of `calls` waits for that has the state `scheduled`, or had it. request: what each attempt asks for; empty at
# the end, because it names numbers. due_at: when the next attempt is due; null while one is up, and at the end.
schedules = Table(
    "schedules",
    metadata,
    Column("call_id", Text, ForeignKey(calls.c.id, ondelete="CASCADE"), primary_key=True),
    Column("at", Double, nullable=False),
    Column("when_user_is_free", Boolean, nullable=False),
    Column("window_seconds", Double, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("after_seconds", Double, nullable=False),
    Column("retry_on", JSON, nullable=False),
    Column("request", JSON, nullable=False),
    Column("due_at", Double),
    Column("is_canceled", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# Which calls are attempts of which. No reference to the schedule: an attempt may be kept for longer.
schedule_attempts = Table(
    "schedule_attempts",
    metadata,
    Column("call_id", Text, ForeignKey(calls.c.id, ondelete="CASCADE"), primary_key=True),
    Column("schedule_id", Text, nullable=False, index=True),
    sqlite_with_rowid=False,
)

IS_DIALLED = ~exists().where(schedules.c.call_id == calls.c.id)
"""Whether a row of `calls` is one itself: a scheduled call is none, its attempts are."""
