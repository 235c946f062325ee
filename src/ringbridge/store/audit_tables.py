"""The tables of the audit log, beside those in `tables` and in the same metadata."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text

from ringbridge.store.tables import metadata

# Rows are added and nothing else. No reference to accounts, nor to anything that was changed: it may be gone. before, after:
# JSON as text, because the hash is over its letters.
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text),
    Column("actor_address", Text),
    Column("account_id", Text),
    Column("action", Text, nullable=False),
    Column("target_id", Text),
    Column("before", Text),
    Column("after", Text),
    Column("hash", Text, nullable=False),
    Index(None, "account_id", "sequence"),
)

# One row: the last entry. Its lock lets those who add entries go one behind the other, so the chain never forks.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)
