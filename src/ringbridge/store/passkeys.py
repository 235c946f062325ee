"""Passkeys of the portal's users in SQL: the port `PasskeyStore`. Each method is one transaction."""

from dataclasses import asdict

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from ringbridge.call.audit import Action
from ringbridge.call.errors import AlreadyExists, NotFound
from ringbridge.call.passkey import MOST_PASSKEYS, Passkey, TooManyPasskeys
from ringbridge.call.user import User
from ringbridge.store.audit import Row, note
from ringbridge.store.database import reading, storable, writing
from ringbridge.store.user_tables import user_passkeys, users
from ringbridge.store.users import find_user

_rows = user_passkeys.c


class SqlPasskeys:
    """PasskeyStore over `engine`. All methods raise StoreUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_user(self, user_id: str) -> list[Passkey]:
        """Those of the user, the oldest first."""
        statement = select(user_passkeys).where(_rows.user_id == user_id)
        with reading(self._engine) as connection:
            found = connection.execute(statement.order_by(_rows.created_at, _rows.id)).mappings()
            return [Passkey(**row) for row in found]

    def find(self, credential_id: str) -> tuple[Passkey, User] | None:
        """The passkey with this id of its authenticator, and whose it is."""
        if not storable(credential_id):
            return None
        statement = select(user_passkeys).where(_rows.credential_id == credential_id)
        with reading(self._engine) as connection:
            row = connection.execute(statement).mappings().one_or_none()
            user = None if row is None else find_user(connection, users.c.id == row["user_id"])
            return None if row is None or user is None else (Passkey(**row), user)

    def add(self, passkey: Passkey) -> None:
        """Keep a new one. Raises AlreadyExists, TooManyPasskeys, and NotFound without such a user."""
        with writing(self._engine) as connection:
            # Locked, so that who adds another one at the same time counts this one.
            user = select(users.c.id).where(users.c.id == passkey.user_id).with_for_update()
            if connection.scalar(user) is None:
                raise NotFound("There is no user with this id.")
            count = select(func.count()).select_from(user_passkeys).where(_rows.user_id == passkey.user_id)
            if (connection.scalar(count) or 0) >= MOST_PASSKEYS:
                raise TooManyPasskeys(f"You have {MOST_PASSKEYS} passkeys, which is the most.")
            same = select(_rows.id).where(_rows.credential_id == passkey.credential_id)
            if connection.scalar(same) is not None:
                raise AlreadyExists("This passkey is here already.")
            connection.execute(insert(user_passkeys), asdict(passkey))
            told = {"name": passkey.name, "origin": passkey.origin}
            _note(connection, Action.USER_PASSKEY_ADDED, passkey.user_id, after=told)

    def use(self, passkey_id: str, sign_count: int, used_at: float) -> bool:
        """Note a use; False where the count is none that comes after the last one, or the passkey is gone."""
        # Web Authentication section 6.1.1: it grows with each use, or is always 0.
        is_next = _rows.sign_count < sign_count if sign_count else _rows.sign_count == 0
        statement = update(user_passkeys).where(_rows.id == passkey_id, is_next)
        with writing(self._engine) as connection:
            noted = connection.execute(statement.values(sign_count=sign_count, used_at=used_at))
            return noted.rowcount == 1

    def remove(self, user_id: str, passkey_id: str) -> bool:
        """Forget one of the user's; False where there is none such."""
        if not storable(passkey_id):
            return False
        is_it = (_rows.user_id == user_id) & (_rows.id == passkey_id)
        with writing(self._engine) as connection:
            removed = connection.execute(
                delete(user_passkeys).where(is_it).returning(_rows.name, _rows.origin)
            )
            row = removed.mappings().one_or_none()
            if row is not None:
                _note(connection, Action.USER_PASSKEY_REMOVED, user_id, before=row)
            return row is not None

    def remove_all(self, user_id: str) -> None:
        """Forget all of the user's."""
        with writing(self._engine) as connection:
            removed = connection.execute(delete(user_passkeys).where(_rows.user_id == user_id)).rowcount
            if removed:
                _note(connection, Action.USER_PASSKEY_REMOVED, user_id, before={"passkeys": removed})


def _note(
    connection: Connection,
    action: Action,
    user_id: str,
    *,
    before: Row | None = None,
    after: Row | None = None,
) -> None:
    account_id = connection.scalar(select(users.c.account_id).where(users.c.id == user_id))
    note(connection, action, account_id=account_id, target_id=user_id, before=before, after=after)
