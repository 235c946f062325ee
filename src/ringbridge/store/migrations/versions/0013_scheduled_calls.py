"""What scheduled calls wait for, and which calls are their attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("when_user_is_free", sa.Boolean(), nullable=False),
        sa.Column("window_seconds", sa.Double(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("after_seconds", sa.Double(), nullable=False),
        sa.Column("retry_on", sa.JSON(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("is_canceled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_schedules_call_id_calls", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", name="pk_schedules"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "schedule_attempts",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("schedule_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_schedule_attempts_call_id_calls", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", name="pk_schedule_attempts"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_schedule_attempts_schedule_id", "schedule_attempts", ["schedule_id"])
