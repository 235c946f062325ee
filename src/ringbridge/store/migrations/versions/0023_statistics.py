"""What is counted of calls that are over."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_COUNTS = (
    "calls",
    "blocked",
    "user_rang",
    "user_answered",
    "confirmed",
    "destination_rang",
    "destination_answered",
    "talked",
)


def upgrade() -> None:
    op.create_table(
        "statistics",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.Column("talk_seconds", sa.Double(), nullable=False),
        sa.Column("vain_user_seconds", sa.Double(), nullable=False),
        sa.Column("vain_destination_seconds", sa.Double(), nullable=False),
        sa.Column("times", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "seconds", "start", name="pk_statistics"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "statistics_shares",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("talk_seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "seconds", "kind", "start", "name", name="pk_statistics_shares"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "statistics_progress",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_statistics_progress"),
        sqlite_with_rowid=False,
    )
