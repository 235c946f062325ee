"""What keys may do, over which lines, from where and when; and when each was used last."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for column in (
        sa.Column("not_before", sa.Double(), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=True),
        sa.Column("networks", sa.JSON(), nullable=True),
        sa.Column("is_test", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("api_keys", column)
    op.create_table(
        "api_key_uses",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_api_key_uses_key_id_api_keys"),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_key_uses"),
    )
