"""The numbers that users of the portal call often."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "user_favourites",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "number", name="pk_user_favourites"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_user_favourites_user_id_users", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
