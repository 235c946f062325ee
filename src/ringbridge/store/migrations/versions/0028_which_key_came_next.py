"""Which key a key was exchanged for: what was scheduled with the one goes on with the other."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("successor_id", sa.Text()))
