"""How long whoever answers the user's phone is asked to press 1."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "account_limits",
        sa.Column("confirm_s", sa.Double(), nullable=False, server_default=sa.text("10")),
    )
