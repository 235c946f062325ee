"""Whose pages an account lets call through this server."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "allowed_origins",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("allowed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "origin", name="pk_allowed_origins"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_allowed_origins_account_id_accounts"
        ),
        sqlite_with_rowid=False,
    )
