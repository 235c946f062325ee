"""The portal's users in SQL: the port `UserStore`."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, delete, func, insert, or_, select, update

from ringbridge.call.audit import Action
from ringbridge.call.directory import Account
from ringbridge.call.errors import AlreadyExists, NotFound
from ringbridge.call.user import LastOwner, Role, User
from ringbridge.store.administration import Administration
from ringbridge.store.audit import note
from ringbridge.store.database import reading, storable, writing
from ringbridge.store.revision import require_account
from ringbridge.store.user_tables import user_recovery_codes, users


class SqlUsers:
    """UserStore over `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._administration = Administration(engine)

    def owner_exists(self) -> bool:
        """Whether there is an owner, of any account, who has a password."""
        is_owner = (users.c.role == Role.OWNER.value) & users.c.password_hash.is_not(None)
        with reading(self._engine) as connection:
            return connection.scalar(select(users.c.id).where(is_owner).limit(1)) is not None

    def find(self, user_id: str) -> User | None:
        """The user with this id."""
        return self._one(users.c.id == user_id) if storable(user_id) else None

    def by_login(self, login: str) -> User | None:
        """The user who signs in under this name."""
        return self._one(users.c.login == login) if storable(login) else None

    def of_account(self, account_id: str, after: str | None, limit: int) -> list[User]:
        """The account's users behind the login `after` (None: from the first), by login, `limit` at most."""
        statement = select(users).where(users.c.account_id == account_id)
        if after is not None:
            statement = statement.where(users.c.login > after)
        with reading(self._engine) as connection:
            return [
                user_of(row)
                for row in connection.execute(statement.order_by(users.c.login).limit(limit)).mappings()
            ]

    def add(self, user: User) -> None:
        """Keep a new user. Raises AlreadyExists, and NotFound when there is no such account."""
        with writing(self._engine) as connection:
            require_account(connection, user.account_id)
            if connection.scalar(select(users.c.id).where(users.c.login == user.login)) is not None:
                raise AlreadyExists(f"Somebody signs in as {user.login} already.")
            connection.execute(insert(users), _row(user))
            note(
                connection,
                Action.USER_CREATED,
                account_id=user.account_id,
                target_id=user.id,
                after=_row(user),
            )

    def change(self, user_id: str, change: Callable[[User], User]) -> User:
        """Put what `change` makes of a user in their place, and return it. Raises NotFound and LastOwner."""
        with writing(self._engine) as connection:
            # On PostgreSQL the owners of an account are changed one behind the other: of two, each taken for the other's
            # successor, none would be left.
            found = connection.execute(select(users).where(users.c.id == user_id)).mappings().one_or_none()
            if found is None:
                raise NotFound("There is no user with this id.")
            owners = select(users.c.id).where(users.c.account_id == found["account_id"], _can_own())
            others = set(connection.scalars(owners.with_for_update())) - {user_id}
            # Locked, too, where they are no owner: a code that is taken meanwhile stays taken.
            row = connection.execute(select(users).where(users.c.id == user_id).with_for_update())
            before = user_of(row.mappings().one())
            after = change(before)
            if _owns(before) and not _owns(after) and not others:
                raise LastOwner("The account would have no owner who can sign in.")
            connection.execute(update(users).where(users.c.id == user_id).values(_row(after)))
            note(
                connection,
                _action(before, after),
                account_id=after.account_id,
                target_id=user_id,
                before=_row(before),
                after=_row(after),
            )
        return after

    def take_step(self, user_id: str, step: int) -> bool:
        """Note that the code of this time step was taken; False if that step or a later one was taken before."""
        is_new = or_(users.c.totp_step.is_(None), users.c.totp_step < step)
        with writing(self._engine) as connection:
            statement = update(users).where(users.c.id == user_id, is_new).values(totp_step=step)
            return connection.execute(statement).rowcount == 1

    def put_recovery_codes(self, user_id: str, digests: Iterable[str]) -> None:
        """Put these in place of all the user's recovery codes."""
        rows = [{"user_id": user_id, "digest": digest} for digest in digests]
        with writing(self._engine) as connection:
            connection.execute(delete(user_recovery_codes).where(user_recovery_codes.c.user_id == user_id))
            if rows:
                connection.execute(insert(user_recovery_codes), rows)

    def take_recovery_code(self, user_id: str, digest: str) -> bool:
        """Use one up; False where there is none such."""
        is_it = (user_recovery_codes.c.user_id == user_id) & (user_recovery_codes.c.digest == digest)
        with writing(self._engine) as connection:
            is_taken = connection.execute(delete(user_recovery_codes).where(is_it)).rowcount == 1
            if is_taken:
                account_id = connection.scalar(select(users.c.account_id).where(users.c.id == user_id))
                note(
                    connection,
                    Action.USER_RECOVERY_CODE_USED,
                    account_id=account_id,
                    target_id=user_id,
                )
            return is_taken

    def count_recovery_codes(self, user_id: str) -> int:
        """How many are left."""
        of_user = user_recovery_codes.c.user_id == user_id
        with reading(self._engine) as connection:
            statement = select(func.count()).select_from(user_recovery_codes).where(of_user)
            return connection.scalar(statement) or 0

    def accounts(self) -> list[Account]:
        """All accounts, by id."""
        return self._administration.accounts()

    def add_account(self, name: str, *, country: str, language: str, main_number: str | None) -> Account:
        """A new account with an id of its own choosing."""
        return self._administration.add_account(
            name, country=country, language=language, main_number=main_number
        )

    def _one(self, condition: Any) -> User | None:
        with reading(self._engine) as connection:
            return find_user(connection, condition)


def find_user(connection: Connection, condition: Any) -> User | None:
    """The one user for whom `condition` holds."""
    row = connection.execute(select(users).where(condition)).mappings().one_or_none()
    return None if row is None else user_of(row)


def user_of(row: RowMapping) -> User:
    """The user of a row that has the columns of the table."""
    return User(**{**row, "role": Role(row["role"])})


def _row(user: User) -> dict[str, Any]:
    return asdict(user) | {"role": user.role.value}


def _action(before: User, after: User) -> Action:
    """What the audit log calls this change: by the most telling of what differs."""
    if before.disabled is not after.disabled:
        return Action.USER_DISABLED if after.disabled else Action.USER_ENABLED
    if before.password_hash != after.password_hash:
        return Action.USER_PASSWORD_SET
    if before.totp_seed != after.totp_seed:
        return Action.USER_SECOND_FACTOR_ENDED if after.totp_seed is None else Action.USER_SECOND_FACTOR_BEGUN
    return Action.USER_CHANGED


def _owns(user: User) -> bool:
    return user.role is Role.OWNER and not user.disabled and user.password_hash is not None


def _can_own() -> Any:
    return (
        (users.c.role == Role.OWNER.value) & users.c.password_hash.is_not(None) & users.c.disabled.is_(False)
    )
