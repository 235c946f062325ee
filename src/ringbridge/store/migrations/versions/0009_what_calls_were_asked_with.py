"""What a call was asked for with: words of the client's own, a webhook, a key that makes a repetition known."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("calls", sa.Column("metadata", sa.JSON(), nullable=True))
    op.add_column("calls", sa.Column("webhook", sa.Text(), nullable=True))
    op.add_column("records", sa.Column("metadata", sa.JSON(), nullable=True))
    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_digest", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_idempotency_keys_call_id_calls", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "key", name="pk_idempotency_keys"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_keys_call_id", "idempotency_keys", ["call_id"])
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
