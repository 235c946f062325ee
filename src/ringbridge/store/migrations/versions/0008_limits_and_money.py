"""More limits of accounts, what calls cost, what was spent, and whom not to call."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    # The defaults stay: SQLite can add a column that may not be empty only with one, and cannot take it away again.
    for column in (
        sa.Column("per_minute", sa.Integer(), nullable=True),
        sa.Column("user_per_minute", sa.Integer(), nullable=True),
        sa.Column("destination_per_10_minutes", sa.Integer(), nullable=True),
        sa.Column("refused_prefixes", sa.JSON(), nullable=True),
        sa.Column("quiet_hours", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("spend_per_call", sa.BigInteger(), nullable=True),
        sa.Column("spend_per_hour", sa.BigInteger(), nullable=True),
        sa.Column("spend_per_day", sa.BigInteger(), nullable=True),
        sa.Column("spend_per_month", sa.BigInteger(), nullable=True),
        sa.Column("short_calls_per_hour", sa.Integer(), nullable=True),
    ):
        op.add_column("account_limits", column)
    op.create_table(
        "rates",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("micros_per_minute", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name="pk_rates"),
    )
    op.create_table(
        "charges",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.Double(), nullable=False),
        sa.Column("user_micros_per_minute", sa.BigInteger(), nullable=False),
        sa.Column("destination_micros_per_minute", sa.BigInteger(), nullable=False),
        sa.Column("reserved_micros", sa.BigInteger(), nullable=False),
        sa.Column("settled_micros", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", name="pk_charges"),
    )
    op.create_index("ix_charges_accepted_at", "charges", ["accepted_at"])
    op.create_table(
        "do_not_call",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("added_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_do_not_call_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", "number", name="pk_do_not_call"),
        sqlite_with_rowid=False,
    )
