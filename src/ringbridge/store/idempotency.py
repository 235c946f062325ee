"""The keys by which repeated requests are known, in SQL. They are written with the calls that they led to."""

from collections.abc import Sequence

from sqlalchemy import Dialect, Engine, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from ringbridge.call.idempotency import KEPT_SECONDS, IdempotencyKey, KeptKey
from ringbridge.call.model import Call
from ringbridge.store.database import reading
from ringbridge.store.statement import execute, statement_text
from ringbridge.store.tables import idempotency_keys

_COLUMNS = idempotency_keys.columns.keys()


class KeyStatements:
    """The statements for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        statement = insert(idempotency_keys)
        # A key that is there has expired, or the service would not have come here.
        kept = statement.on_conflict_do_update(
            index_elements=["account_id", "key"],
            set_={name: statement.excluded[name] for name in _COLUMNS[2:]},
        )
        self._keep = statement_text(kept, dialect, _COLUMNS)
        expired = delete(idempotency_keys).where(idempotency_keys.c.created_at < bindparam("until"))
        self._forget = statement_text(expired, dialect, ["until"])

    def keep(self, cursor: DBAPICursor, used: Sequence[tuple[Call, IdempotencyKey]]) -> None:
        """Write the keys of new calls, which are written already, and forget those that have expired."""
        if used:
            execute(cursor, self._forget, [(used[0][0].accepted_utc - KEPT_SECONDS,)])
            rows = [
                (call.account_id, key.text, key.body_digest, call.id, call.accepted_utc) for call, key in used
            ]
            execute(cursor, self._keep, rows)


def read_key(engine: Engine, account_id: str, text: str) -> KeptKey | None:
    """What is known of the account's key. It blocks. Raises StoreUnavailable."""
    columns = idempotency_keys.c
    statement = select(columns.body_digest, columns.call_id, columns.created_at).where(
        columns.account_id == account_id, columns.key == text
    )
    with reading(engine) as connection:
        row = connection.execute(statement).one_or_none()
        return None if row is None else KeptKey(*row)
