"""The tables of what is counted of calls, beside those in `tables` and in the same metadata."""

from sqlalchemy import JSON, BigInteger, Column, Double, Integer, Table, Text

from ringbridge.store.tables import metadata as metadata

# What calls of an account that ended in a slice of time add up to; the columns are those of `call.statistics.Sums`.
# seconds: how long the slice is; start: UTC. times: stage -> bucket -> calls, as JSON.
statistics = Table(
    "statistics",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("seconds", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("calls", BigInteger, nullable=False),
    Column("blocked", BigInteger, nullable=False),
    Column("user_rang", BigInteger, nullable=False),
    Column("user_answered", BigInteger, nullable=False),
    Column("confirmed", BigInteger, nullable=False),
    Column("destination_rang", BigInteger, nullable=False),
    Column("destination_answered", BigInteger, nullable=False),
    Column("talked", BigInteger, nullable=False),
    Column("talk_seconds", Double, nullable=False),
    Column("vain_user_seconds", Double, nullable=False),
    Column("vain_destination_seconds", Double, nullable=False),
    Column("times", JSON, nullable=False),
    sqlite_with_rowid=False,
)

# The same by line (its number) and by trunk (its name).
statistics_shares = Table(
    "statistics_shares",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("seconds", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("answered", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("talk_seconds", Double, nullable=False),
    sqlite_with_rowid=False,
)

# The last record of each account that is counted, in the order of their ends. revision grows with every change to what is
# counted of the account: whoever read before it must read again.
statistics_progress = Table(
    "statistics_progress",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("ended_at", Double, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
