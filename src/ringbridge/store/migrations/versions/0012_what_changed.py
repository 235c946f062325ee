"""Which part of the directory changed, so that running servers read no other again."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    for part in ("accounts", "keys", "lines", "trunks", "limits", "do_not_call", "rates", "webhooks"):
        op.add_column("directory_revision", sa.Column(part, sa.Integer(), nullable=False, server_default="0"))
