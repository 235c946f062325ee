"""For how long accounts keep what is stored of their calls."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "record_retentions",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_record_retentions_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_record_retentions"),
    )
