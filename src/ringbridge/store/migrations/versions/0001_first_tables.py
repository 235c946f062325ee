"""The first tables.

A snapshot: it stays as it is when `ringbridge.store.tables` goes on. There is no way down but the backup.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_directory()
    _create_calls()
    _create_records()


def _create_directory() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("main_number", sa.Text(), nullable=True),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
    )
    op.create_table(
        "account_limits",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("concurrent", sa.Integer(), nullable=False),
        sa.Column("per_user", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("duplicates_s", sa.Double(), nullable=False),
        sa.Column("countries", sa.JSON(), nullable=False),
        sa.Column("user_ring_s", sa.Double(), nullable=False),
        sa.Column("destination_ring_s", sa.Double(), nullable=False),
        sa.Column("call_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_account_limits_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_account_limits"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_api_keys_account_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_account_id", "api_keys", ["account_id"])
    op.create_table(
        "trunks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trunks"),
        sa.UniqueConstraint("name", name="uq_trunks_name"),
    )
    op.create_table(
        "lines",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.Column("trunk", sa.Text(), nullable=True),
        sa.Column("sip_username", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("device_digests", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_lines_account_id_accounts"),
        sa.ForeignKeyConstraint(["trunk"], ["trunks.name"], name="fk_lines_trunk_trunks"),
        sa.PrimaryKeyConstraint("id", name="pk_lines"),
        sa.UniqueConstraint("account_id", "number", name="uq_lines_account_id_number"),
        sa.UniqueConstraint("sip_username", name="uq_lines_sip_username"),
    )
    op.create_index("ix_lines_trunk", "lines", ["trunk"])
    op.create_table(
        "directory_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_directory_revision"),
    )
    op.execute("INSERT INTO directory_revision (id, revision) VALUES (1, 0)")


def _create_calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("user_number", sa.Text(), nullable=False),
        sa.Column("user_target", sa.Text(), nullable=False),
        sa.Column("user_trunk", sa.Text(), nullable=True),
        sa.Column("user_caller_number", sa.Text(), nullable=False),
        sa.Column("destination_number", sa.Text(), nullable=False),
        sa.Column("destination_target", sa.Text(), nullable=False),
        sa.Column("destination_trunk", sa.Text(), nullable=True),
        sa.Column("destination_caller_number", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("user_state", sa.Text(), nullable=False),
        sa.Column("user_dialed_at", sa.Double(), nullable=True),
        sa.Column("user_ringing_at", sa.Double(), nullable=True),
        sa.Column("user_answered_at", sa.Double(), nullable=True),
        sa.Column("user_ended_at", sa.Double(), nullable=True),
        sa.Column("user_cause", sa.Text(), nullable=True),
        sa.Column("user_sip_status", sa.Integer(), nullable=True),
        sa.Column("user_q850", sa.Integer(), nullable=True),
        sa.Column("destination_state", sa.Text(), nullable=False),
        sa.Column("destination_dialed_at", sa.Double(), nullable=True),
        sa.Column("destination_ringing_at", sa.Double(), nullable=True),
        sa.Column("destination_answered_at", sa.Double(), nullable=True),
        sa.Column("destination_ended_at", sa.Double(), nullable=True),
        sa.Column("destination_cause", sa.Text(), nullable=True),
        sa.Column("destination_sip_status", sa.Integer(), nullable=True),
        sa.Column("destination_q850", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_account_id_accepted_at", "calls", ["account_id", "accepted_at"])
    op.create_index(
        "ix_calls_open",
        "calls",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state != 'ended'"),
        postgresql_where=sa.text("state != 'ended'"),
    )
    op.create_table(
        "call_events",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("user_leg", sa.Text(), nullable=False),
        sa.Column("destination_leg", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_call_events_call_id_calls", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "sequence", name="pk_call_events"),
        sqlite_with_rowid=False,
    )


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("user_number", sa.Text(), nullable=False),
        sa.Column("user_target", sa.Text(), nullable=False),
        sa.Column("user_trunk", sa.Text(), nullable=True),
        sa.Column("user_caller_number", sa.Text(), nullable=False),
        sa.Column("destination_number", sa.Text(), nullable=False),
        sa.Column("destination_target", sa.Text(), nullable=False),
        sa.Column("destination_trunk", sa.Text(), nullable=True),
        sa.Column("destination_caller_number", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.Double(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("user_dialed_at", sa.Double(), nullable=True),
        sa.Column("user_ringing_at", sa.Double(), nullable=True),
        sa.Column("user_answered_at", sa.Double(), nullable=True),
        sa.Column("user_ended_at", sa.Double(), nullable=True),
        sa.Column("user_cause", sa.Text(), nullable=True),
        sa.Column("user_sip_status", sa.Integer(), nullable=True),
        sa.Column("user_q850", sa.Integer(), nullable=True),
        sa.Column("destination_dialed_at", sa.Double(), nullable=True),
        sa.Column("destination_ringing_at", sa.Double(), nullable=True),
        sa.Column("destination_answered_at", sa.Double(), nullable=True),
        sa.Column("destination_ended_at", sa.Double(), nullable=True),
        sa.Column("destination_cause", sa.Text(), nullable=True),
        sa.Column("destination_sip_status", sa.Integer(), nullable=True),
        sa.Column("destination_q850", sa.Integer(), nullable=True),
        sa.Column("user_ring_seconds", sa.Double(), nullable=False),
        sa.Column("destination_ring_seconds", sa.Double(), nullable=False),
        sa.Column("talk_seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_records"),
    )
    op.create_index("ix_records_account_id_ended_at", "records", ["account_id", "ended_at"])
