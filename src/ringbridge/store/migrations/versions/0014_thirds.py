"""Whom calls were transferred to, and what that cost."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "thirds",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=False),
        sa.Column("micros_per_minute", sa.BigInteger(), nullable=True),
        sa.Column("reserved_micros", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trunk", sa.Text(), nullable=True),
        sa.Column("dialed_at", sa.Double(), nullable=True),
        sa.Column("ringing_at", sa.Double(), nullable=True),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("sip_status", sa.Integer(), nullable=True),
        sa.Column("q850", sa.Integer(), nullable=True),
        sa.Column("settled_micros", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "position", name="pk_thirds"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_thirds_asked_at", "thirds", ["asked_at"])
    op.create_index("ix_thirds_account_id_number", "thirds", ["account_id", "number"])
