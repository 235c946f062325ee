"""Records of a line and of a number are found by an index."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    for column in ("user_number", "destination_number"):
        op.create_index(
            f"ix_records_account_id_{column}_ended_at", "records", ["account_id", column, "ended_at"]
        )
