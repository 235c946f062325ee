"""Whether the calls of a key or an account that are up end with its revocation or suspension."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    for table in ("api_keys", "accounts"):
        op.add_column(table, sa.Column("ends_calls", sa.Boolean(), nullable=False, server_default=sa.false()))
