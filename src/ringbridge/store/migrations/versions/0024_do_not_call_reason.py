"""Why a number must not be called, as whoever put it on the list said."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("do_not_call", sa.Column("reason", sa.Text()))
