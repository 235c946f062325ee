"""What was given up of a webhook's deliveries is found among a million that were taken."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    failed = sa.text("next_attempt_at IS NULL AND delivered_at IS NULL")
    op.create_index(
        "ix_webhook_deliveries_failed",
        "webhook_deliveries",
        ["webhook_id", "created_at"],
        sqlite_where=failed,
        postgresql_where=failed,
    )
