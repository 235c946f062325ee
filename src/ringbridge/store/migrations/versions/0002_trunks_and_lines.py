"""What trunks and lines can say beyond an address."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # The defaults stay: SQLite can add a column that may not be empty only with one, and cannot take it away again.
    for column in (
        sa.Column("registers", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("prefixes", sa.JSON(), nullable=True),
        sa.Column("weight", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("channels", sa.Integer(), nullable=True),
        sa.Column("calls_per_second", sa.Integer(), nullable=True),
        sa.Column("number_format", sa.Text(), nullable=False, server_default="e164+"),
        sa.Column("number_prefix", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("caller_id", sa.Text(), nullable=False, server_default="from"),
        sa.Column("srtp", sa.Text(), nullable=False, server_default="off"),
        sa.Column("nat", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("tls_ca", sa.Text(), nullable=True),
        sa.Column("tls_certificate", sa.Text(), nullable=True),
        sa.Column("tls_key", sa.Text(), nullable=True),
    ):
        op.add_column("trunks", column)
    for column in (
        sa.Column("confirm", sa.Boolean(), nullable=True),
        sa.Column("auto_answer", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("srtp", sa.Text(), nullable=False, server_default="off"),
        sa.Column("nat", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("lines", column)
