"""Webhooks that test keys made hear of test calls only. Who made those that are there is not known: they stay the account's."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("is_test", sa.Boolean(), nullable=False, server_default=sa.false()))
