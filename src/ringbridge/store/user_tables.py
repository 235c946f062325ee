"""The tables of the portal's users, beside those in `tables` and in the same metadata. What they hold: `ringbridge.call.user`."""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Table, Text

from ringbridge.store.tables import accounts
from ringbridge.store.tables import metadata as metadata

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey(accounts.c.id), nullable=False, index=True),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("line", Text),
    Column("language", Text),
    Column("runs_server", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("password_hash", Text),
    Column("totp_seed", Text),
    Column("totp_step", BigInteger),
)

# digest: SHA-256 of a code with its user's id, in hexadecimal; a code that was used is gone.
user_recovery_codes = Table(
    "user_recovery_codes",
    metadata,
    Column("user_id", Text, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, primary_key=True),
    sqlite_with_rowid=False,
)

user_sessions = Table(
    "user_sessions",
    metadata,
    Column("token_digest", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("user_id", Text, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("fresh_at", Double, nullable=False),
    Column("awaits_code", Boolean, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
)

# user_id: none for the link that makes the first owner.
user_links = Table(
    "user_links",
    metadata,
    Column("token_digest", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("user_id", Text, ForeignKey(users.c.id, ondelete="CASCADE"), index=True),
    Column("expires_at", Double, nullable=False),
)

# What they call often, by E.164 number.
user_favourites = Table(
    "user_favourites",
    metadata,
    Column("user_id", Text, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("number", Text, primary_key=True),
    Column("name", Text, nullable=False),
    sqlite_with_rowid=False,
)

# credential_id and public_key: what authenticators give, in base64url. origin: the only place where it opens.
user_passkeys = Table(
    "user_passkeys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("credential_id", Text, nullable=False, unique=True),
    Column("public_key", Text, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("used_at", Double),
)
