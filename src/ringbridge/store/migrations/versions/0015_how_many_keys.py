"""How many keys an account may have."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("account_limits", sa.Column("keys", sa.Integer(), nullable=False, server_default="20"))
