"""The tables, as SQLAlchemy Core sees them. What they hold is described in `ringbridge.call`; how they came to be, in `migrations`.

Every point in time is UTC, in seconds since 1970, as a double: no driver converts it, and both databases order it alike.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from ringbridge.store.part import Part

# Constraints need names of their own, or no later migration could change them on both databases.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("main_number", Text),
    Column("suspended", Boolean, nullable=False),
    Column("ends_calls", Boolean, nullable=False, server_default=false()),
)

account_limits = Table(
    "account_limits",
    metadata,
    Column("account_id", Text, ForeignKey(accounts.c.id), primary_key=True),
    Column("concurrent", Integer, nullable=False),
    Column("per_user", Integer, nullable=False),
    Column("rate", Integer, nullable=False),
    Column("duplicates_s", Double, nullable=False),
    Column("countries", JSON, nullable=False),
    Column("user_ring_s", Double, nullable=False),
    Column("confirm_s", Double, nullable=False, server_default=text("10")),
    Column("destination_ring_s", Double, nullable=False),
    Column("call_s", Double, nullable=False),
    Column("per_minute", Integer),
    Column("user_per_minute", Integer),
    Column("destination_per_10_minutes", Integer),
    Column("refused_prefixes", JSON),
    Column("quiet_hours", Text, nullable=False, server_default=text("''")),
    Column("spend_per_call", BigInteger),
    Column("spend_per_hour", BigInteger),
    Column("spend_per_day", BigInteger),
    Column("spend_per_month", BigInteger),
    Column("short_calls_per_hour", Integer),
    Column("keys", Integer, nullable=False, server_default=text("20")),
)

# Whom an account must not call, whoever asks: E.164 with plus.
do_not_call = Table(
    "do_not_call",
    metadata,
    Column("account_id", Text, ForeignKey(accounts.c.id), primary_key=True),
    Column("number", Text, primary_key=True),
    Column("added_at", Double, nullable=False),
    Column("reason", Text),
    sqlite_with_rowid=False,
)

# What a minute to numbers that begin so costs, in millionths of the currency.
rates = Table(
    "rates",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("micros_per_minute", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey(accounts.c.id), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("secret_digest", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("revoked_at", Double),
    Column("not_before", Double),
    Column("scopes", JSON),
    Column("lines", JSON),
    Column("networks", JSON),
    Column("is_test", Boolean, nullable=False, server_default=false()),
    Column("ends_calls", Boolean, nullable=False, server_default=false()),
    Column("successor_id", Text),
)

# Apart from the keys: what is written here every minute is no change that a server would have to notice.
api_key_uses = Table(
    "api_key_uses",
    metadata,
    Column("key_id", Text, ForeignKey(api_keys.c.id), primary_key=True),
    Column("used_at", Double, nullable=False),
    Column("address", Text, nullable=False),
)

trunks = Table(
    "trunks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("uri", Text, nullable=False),
    Column("username", Text),
    Column("password", Text),
    Column("position", Integer, nullable=False),
    Column("registers", Boolean, nullable=False, server_default=false()),
    Column("prefixes", JSON),
    Column("weight", Integer, nullable=False, server_default="1"),
    Column("channels", Integer),
    Column("calls_per_second", Integer),
    Column("number_format", Text, nullable=False, server_default="e164+"),
    Column("number_prefix", Text, nullable=False, server_default=text("''")),
    Column("caller_id", Text, nullable=False, server_default="from"),
    Column("srtp", Text, nullable=False, server_default="off"),
    Column("nat", Boolean, nullable=False, server_default=false()),
    Column("tls_ca", Text),
    Column("tls_certificate", Text),
    Column("tls_key", Text),
)

# device_digests: digest algorithm -> HA1 in hexadecimal; the password of a phone is not kept.
lines = Table(
    "lines",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey(accounts.c.id), nullable=False),
    Column("number", Text, nullable=False),
    Column("name", Text),
    Column("kind", Text, nullable=False),
    Column("uri", Text),
    Column("trunk", Text, ForeignKey(trunks.c.name), index=True),
    Column("sip_username", Text, unique=True),
    Column("language", Text),
    Column("device_digests", JSON),
    Column("confirm", Boolean),
    Column("auto_answer", Boolean, nullable=False, server_default=false()),
    Column("srtp", Text, nullable=False, server_default="off"),
    Column("nat", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("account_id", "number"),
)

# Where the phones of lines of kind device are. No reference to lines: the server forgets the phones of a line that is gone,
# and may write of one a moment after it went. path: as Route fields, parted by commas. expires_at: UTC.
registrations = Table(
    "registrations",
    metadata,
    Column("line_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("uri", Text, nullable=False),
    Column("transport", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("user_agent", Text),
    Column("instance", Text),
    Column("flow", Integer),
    Column("call_id", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("expires_at", Double, nullable=False),
    sqlite_with_rowid=False,
)

# One row. Whoever changes a table above, but for the one of registrations, adds one to `revision` and to the column of what
# was changed, in the same transaction; a server that sees them grow forgets what it keeps of that.
directory_revision = Table(
    "directory_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
    *(Column(part.value, Integer, nullable=False, server_default="0") for part in Part),
)


def _leg_columns(leg: str) -> list[Column[Any]]:
    """The way that a leg took last, how far it came and how it ended; in the table of calls and again in that of records."""
    return [
        Column(f"{leg}_target", Text, nullable=False),
        Column(f"{leg}_trunk", Text),
        Column(f"{leg}_caller_number", Text, nullable=False),
        Column(f"{leg}_dialed_at", Double),
        Column(f"{leg}_ringing_at", Double),
        Column(f"{leg}_answered_at", Double),
        Column(f"{leg}_ended_at", Double),
        Column(f"{leg}_cause", Text),
        Column(f"{leg}_sip_status", Integer),
        Column(f"{leg}_q850", Integer),
    ]


# metadata: JSON of texts by their names. What comes before `state` stays as it was accepted, the rest goes on.
calls = Table(
    "calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("user_number", Text, nullable=False),
    Column("destination_number", Text, nullable=False),
    Column("accepted_at", Double, nullable=False),
    Column("metadata", JSON),
    Column("webhook", Text),
    Column("state", Text, nullable=False),
    Column("outcome", Text),
    Column("cause", Text),
    Column("ended_by", Text),
    Column("ended_at", Double),
    Column("user_state", Text, nullable=False),
    *_leg_columns("user"),
    Column("destination_state", Text, nullable=False),
    *_leg_columns("destination"),
    Index(None, "account_id", "accepted_at"),
    Index(
        "ix_calls_open",
        "id",
        sqlite_where=text("state != 'ended'"),
        postgresql_where=text("state != 'ended'"),
    ),
)

# Without a rowid the primary key is the table: one tree to write instead of two. So for the other small rows below.
call_events = Table(
    "call_events",
    metadata,
    Column("call_id", Text, ForeignKey(calls.c.id, ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("user_leg", Text, nullable=False),
    Column("destination_leg", Text, nullable=False),
    sqlite_with_rowid=False,
)

# What a call may cost at most and what it did cost, of calls whose rates were known. No reference to calls: as for records below.
charges = Table(
    "charges",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("accepted_at", Double, nullable=False, index=True),
    Column("user_micros_per_minute", BigInteger, nullable=False),
    Column("destination_micros_per_minute", BigInteger, nullable=False),
    Column("reserved_micros", BigInteger, nullable=False),
    Column("settled_micros", BigInteger),
)

# The keys by which clients tell a repeated request from a new one, each for a day. body_digest: SHA-256 in hexadecimal.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_digest", Text, nullable=False),
    Column("call_id", Text, ForeignKey(calls.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Double, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# No reference to calls: a record is kept for the books long after the call and its history may have been deleted.
records = Table(
    "records",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("user_number", Text, nullable=False),
    Column("destination_number", Text, nullable=False),
    Column("accepted_at", Double, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("ended_by", Text, nullable=False),
    Column("ended_at", Double, nullable=False),
    *_leg_columns("user"),
    *_leg_columns("destination"),
    Column("user_ring_seconds", Double, nullable=False),
    Column("destination_ring_seconds", Double, nullable=False),
    Column("talk_seconds", Double, nullable=False),
    Column("metadata", JSON),
    Index(None, "account_id", "ended_at"),
    # Of one line, or of one number, in the same order.
    Index(None, "account_id", "user_number", "ended_at"),
    Index(None, "account_id", "destination_number", "ended_at"),
)

# For how long an account keeps its calls; without a row for good.
record_retentions = Table(
    "record_retentions",
    metadata,
    Column("account_id", Text, ForeignKey(accounts.c.id), primary_key=True),
    Column("days", Integer, nullable=False),
)
