"""The table of thirds, beside those in `tables` and in the same metadata."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text

from ringbridge.store.tables import metadata as metadata

# Whom calls were transferred to, or were to be; position counts from 0 in each call. asked_at: UTC, and the money counts in the
# periods of then; the amounts are null where no rate was known. No reference to calls: a third belongs to the record as well.
thirds = Table(
    "thirds",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("account_id", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("asked_at", Double, nullable=False, index=True),
    Column("micros_per_minute", BigInteger),
    Column("reserved_micros", BigInteger),
    Column("state", Text, nullable=False),
    Column("trunk", Text),
    Column("dialed_at", Double),
    Column("ringing_at", Double),
    Column("answered_at", Double),
    Column("ended_at", Double),
    Column("cause", Text),
    Column("sip_status", Integer),
    Column("q850", Integer),
    Column("settled_micros", BigInteger),
    Index(None, "account_id", "number"),
    sqlite_with_rowid=False,
)
