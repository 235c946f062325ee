"""The tables of webhooks, beside those in `tables` and in the same metadata."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    false,
    text,
)

from ringbridge.store.tables import accounts, call_events
from ringbridge.store.tables import metadata as metadata

# events: names, none for all. The secret signs, so it is kept as it is; the previous one signs beside it for a while.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey(accounts.c.id), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("name", Text),
    Column("format", Text, nullable=False),
    Column("events", JSON, nullable=False),
    Column("secret", Text, nullable=False),
    Column("previous_secret", Text),
    Column("previous_secret_until", Double),
    Column("created_at", Double, nullable=False),
    Column("disabled_at", Double),
    Column("disabled_reason", Text),
    Column("is_test", Boolean, nullable=False, server_default=false()),
)

# The outbox, and afterwards the log: one row for each event and webhook. What is sent is read from the call and its event,
# so that nothing about people is kept twice, and goes with them. No reference to webhooks: the writer may add a row for one
# that was removed a moment ago. next_attempt_at: when it is due; null once it was taken or given up.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("webhook_id", Text, primary_key=True),
    Column("call_id", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("created_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Double),
    Column("last_attempt_at", Double),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("delivered_at", Double),
    ForeignKeyConstraint(
        ["call_id", "sequence"], [call_events.c.call_id, call_events.c.sequence], ondelete="CASCADE"
    ),
    # For the cascade.
    Index(None, "call_id"),
    Index(
        "ix_webhook_deliveries_due",
        "webhook_id",
        "next_attempt_at",
        "call_id",
        "sequence",
        sqlite_where=text("next_attempt_at IS NOT NULL"),
        postgresql_where=text("next_attempt_at IS NOT NULL"),
    ),
    # What was given up, for the log: few rows, so that it costs nothing where receivers take what they are sent.
    Index(
        "ix_webhook_deliveries_failed",
        "webhook_id",
        "created_at",
        sqlite_where=text("next_attempt_at IS NULL AND delivered_at IS NULL"),
        postgresql_where=text("next_attempt_at IS NULL AND delivered_at IS NULL"),
    ),
    sqlite_with_rowid=False,
)
