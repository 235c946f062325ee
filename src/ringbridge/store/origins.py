"""The origins that accounts allow: the port `OriginStore` in SQL. Each method is one transaction."""

from sqlalchemy import Column, Double, Engine, ForeignKey, Table, Text, delete, func, insert, select

from ringbridge.call.audit import Action
from ringbridge.call.errors import NotFound
from ringbridge.call.origin import MOST_ORIGINS, AllowedOrigin, TooManyOrigins
from ringbridge.store.audit import note
from ringbridge.store.database import reading, storable, writing
from ringbridge.store.tables import accounts
from ringbridge.store.tables import metadata as metadata

allowed_origins = Table(
    "allowed_origins",
    metadata,
    Column("account_id", Text, ForeignKey(accounts.c.id), primary_key=True),
    Column("origin", Text, primary_key=True),
    Column("allowed_at", Double, nullable=False),
    sqlite_with_rowid=False,
)
_rows = allowed_origins.c


class SqlOrigins:
    """OriginStore over `engine`. All methods raise StoreUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def origins(self, account_id: str) -> list[AllowedOrigin]:
        """Those of the account, in the order of the alphabet."""
        statement = select(_rows.origin, _rows.allowed_at).where(_rows.account_id == account_id)
        with reading(self._engine) as connection:
            # By code point, which databases do each in their own way.
            return sorted(AllowedOrigin(*row) for row in connection.execute(statement))

    def allow_origin(self, account_id: str, allowed: AllowedOrigin) -> None:
        """Add one, unless it is there. Raises TooManyOrigins, and NotFound without such an account."""
        own = _rows.account_id == account_id
        with writing(self._engine) as connection:
            # Locked, so that who adds another one at the same time counts this one.
            account = select(accounts.c.id).where(accounts.c.id == account_id).with_for_update()
            if connection.scalar(account) is None:
                raise NotFound(f"There is no account {account_id}.")
            if connection.scalar(select(_rows.origin).where(own, _rows.origin == allowed.origin)) is not None:
                return
            count = connection.scalar(select(func.count()).select_from(allowed_origins).where(own)) or 0
            if count >= MOST_ORIGINS:
                raise TooManyOrigins(f"An account has {MOST_ORIGINS} origins at most. Remove one first.")
            row = {"account_id": account_id, **allowed._asdict()}
            connection.execute(insert(allowed_origins), row)
            note(
                connection, Action.ORIGIN_ALLOWED, account_id=account_id, target_id=allowed.origin, after=row
            )

    def forbid_origin(self, account_id: str, origin: str) -> bool:
        """Take one away; False where it is not there."""
        if not storable(origin):
            return False
        with writing(self._engine) as connection:
            removed = connection.execute(
                delete(allowed_origins).where(_rows.account_id == account_id, _rows.origin == origin)
            )
            if removed.rowcount == 0:
                return False
            note(connection, Action.ORIGIN_FORBIDDEN, account_id=account_id, target_id=origin)
            return True
