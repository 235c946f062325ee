"""API keys in SQL: the port `KeyStore`, and what only an administrator does with keys. Each method is one transaction."""

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    and_,
    func,
    insert,
    not_,
    select,
    tuple_,
    update,
)

from ringbridge.call.audit import Action, Deed
from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import InvalidCredentials, NotFound
from ringbridge.call.key import ApiKey, KeyUse, KnownKey, TooManyKeys
from ringbridge.store.audit import note, note_all
from ringbridge.store.database import reading, storable
from ringbridge.store.part import Part
from ringbridge.store.revision import changing, require_account
from ringbridge.store.row import key_of, key_row
from ringbridge.store.tables import account_limits, api_key_uses, api_keys


class SqlKeys:
    """KeyStore over `engine`.

    All methods raise StoreUnavailable; those that take an account's id raise NotFound when there is no such account.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_key(self, key: ApiKey, *, by_key: str | None = None) -> None:
        """A new API key, made by an older one where `by_key` names it. Raises TooManyKeys and InvalidCredentials."""
        with changing(self._engine, Part.KEYS) as connection:
            require_account(connection, key.account_id)
            _require_open(connection, by_key, key.created_at)
            _require_room(connection, key)
            connection.execute(insert(api_keys), key_row(key))
            note_all(connection, [_created(key)])

    def exchange_key(self, old_id: str, new: ApiKey, *, old_until: float, by_key: str | None = None) -> None:
        """A new key in place of an older one of its account, which ends at `old_until`, UTC seconds since 1970, if not sooner.

        by_key: the key that asked for it, if any. Raises NotFound where the older one is not valid any more, TooManyKeys,
        InvalidCredentials.
        """
        with changing(self._engine, Part.KEYS) as connection:
            require_account(connection, new.account_id)
            _require_open(connection, by_key, new.created_at)
            of_account = (
                api_keys.c.id == old_id,
                api_keys.c.account_id == new.account_id,
                _is_open(new.created_at),
            )
            expires_at = connection.scalar(select(api_keys.c.expires_at).where(*of_account))
            if expires_at is None:
                raise NotFound(f"There is no valid key {old_id}.")
            # Each of them may be exchanged at once.
            _require_room(connection, new, times=2)
            ends_at = min(expires_at, old_until)
            connection.execute(
                update(api_keys).where(*of_account).values(expires_at=ends_at, successor_id=new.id)
            )
            connection.execute(insert(api_keys), key_row(new))
            exchanged = Deed(
                action=Action.KEY_EXCHANGED,
                account_id=new.account_id,
                target_id=old_id,
                before={"expires_at": expires_at},
                after={"expires_at": ends_at, "successor": new.id},
            )
            note_all(connection, [exchanged, _created(new)])

    def keys(self, account_id: str) -> list[ApiKey]:
        """The account's keys, the oldest first, with those that are not valid any more."""
        statement = (
            select(api_keys)
            .where(api_keys.c.account_id == account_id)
            .order_by(api_keys.c.created_at, api_keys.c.id)
        )
        with reading(self._engine) as connection:
            require_account(connection, account_id)
            return [key_of(row) for row in connection.execute(statement).mappings()]

    def key_page(
        self,
        account_id: str,
        after: tuple[float, str] | None,
        limit: int,
        *,
        ended: bool | None = None,
        at: float = 0.0,
        of_tests: bool = False,
    ) -> list[KnownKey]:
        """The account's keys, the oldest first, that follow the one made at `after` with that id; `limit` at most.

        ended: only those that are (not) over `at` that time, UTC seconds since 1970. of_tests: test keys alone.
        """
        statement = _KNOWN.where(api_keys.c.account_id == account_id)
        if ended is not None:
            statement = statement.where(not_(_is_open(at)) if ended else _is_open(at))
        if of_tests:
            statement = statement.where(api_keys.c.is_test)
        if after is not None:
            statement = statement.where(tuple_(api_keys.c.created_at, api_keys.c.id) > after)
        with reading(self._engine) as connection:
            rows = connection.execute(statement.order_by(api_keys.c.created_at, api_keys.c.id).limit(limit))
            return [_known(row) for row in rows.mappings()]

    def known_key(self, account_id: str, key_id: str) -> KnownKey | None:
        """The account's key with this id."""
        if not storable(key_id):
            return None
        statement = _KNOWN.where(api_keys.c.account_id == account_id, api_keys.c.id == key_id)
        with reading(self._engine) as connection:
            row = connection.execute(statement).mappings().one_or_none()
            return None if row is None else _known(row)

    def key(self, key_id: str) -> ApiKey:
        """The key with this id. Raises NotFound."""
        with reading(self._engine) as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).mappings().one_or_none()
            if row is None:
                raise NotFound(f"There is no key {key_id}.")
            return key_of(row)

    def key_uses(self, account_id: str) -> dict[str, KeyUse]:
        """When and from where the account's keys were used last, by their ids; without those that never were."""
        statement = (
            select(api_key_uses)
            .join(api_keys, api_keys.c.id == api_key_uses.c.key_id)
            .where(api_keys.c.account_id == account_id)
        )
        with reading(self._engine) as connection:
            return {key_id: KeyUse(*values) for key_id, *values in connection.execute(statement)}

    def has_keys(self) -> bool:
        """Whether there is a key, of any account, that is not revoked."""
        with reading(self._engine) as connection:
            in_force = select(api_keys.c.id).where(api_keys.c.revoked_at.is_(None)).limit(1)
            return connection.scalar(in_force) is not None

    def revoke_all_keys(self, *, at: float, ends_calls: bool = False) -> int:
        """End the validity of all keys of all accounts at `at`, UTC seconds since 1970; returns how many it was."""
        with changing(self._engine, Part.KEYS) as connection:
            in_force = api_keys.c.revoked_at.is_(None)
            found = connection.execute(select(api_keys.c.id, api_keys.c.account_id).where(in_force)).all()
            after = {"revoked_at": at, "ends_calls": ends_calls}
            connection.execute(update(api_keys).where(in_force).values(after))
            note_all(
                connection,
                [
                    Deed(
                        action=Action.KEY_REVOKED,
                        account_id=account_id,
                        target_id=key_id,
                        before={},
                        after=after,
                    )
                    for key_id, account_id in found
                ],
            )
            return len(found)

    def revoke_key(
        self, key_id: str, *, at: float, account_id: str | None = None, ends_calls: bool = False
    ) -> None:
        """End a key's validity at `at`, UTC seconds since 1970, unless it was revoked before.

        ends_calls: whether its calls that are up end as well.

        account_id: whose key it must be, where that is not the administrator's own choice. Raises NotFound.
        """
        of_account = () if account_id is None else (api_keys.c.account_id == account_id,)
        with changing(self._engine, Part.KEYS) as connection:
            columns = (api_keys.c.account_id, api_keys.c.revoked_at, api_keys.c.ends_calls)
            statement = select(*columns).where(api_keys.c.id == key_id, *of_account)
            before = connection.execute(statement).mappings().one_or_none()
            if before is None:
                raise NotFound(f"There is no key {key_id}.")
            revoked_at = at if before["revoked_at"] is None else before["revoked_at"]
            after = {"revoked_at": revoked_at, "ends_calls": ends_calls}
            connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(after))
            note(
                connection,
                Action.KEY_REVOKED,
                account_id=before["account_id"],
                target_id=key_id,
                before=before,
                after=after,
            )


def _created(key: ApiKey) -> Deed:
    return Deed(action=Action.KEY_CREATED, account_id=key.account_id, target_id=key.id, after=key_row(key))


_KNOWN = select(api_keys, api_key_uses.c.used_at, api_key_uses.c.address).outerjoin(
    api_key_uses, api_keys.c.id == api_key_uses.c.key_id
)


def _known(row: RowMapping) -> KnownKey:
    values = dict(row)
    used_at, address = values.pop("used_at"), values.pop("address")
    return KnownKey(key_of(values), None if used_at is None else KeyUse(used_at, address))


def _is_open(utc: float) -> ColumnElement[bool]:
    """What is true of keys that open something at that time or will later."""
    return and_(api_keys.c.revoked_at.is_(None), api_keys.c.expires_at > utc)


def _require_open(connection: Connection, key_id: str | None, utc: float) -> None:
    """Raises InvalidCredentials if a key that asks for another has ended since its request was let in.

    Otherwise whoever stole a key could have another one made in the moment of its revocation.
    """
    ended = select(api_keys.c.id).where(api_keys.c.id == key_id, not_(_is_open(utc)))
    if key_id is not None and connection.scalar(ended) is not None:
        raise InvalidCredentials("invalid credentials")


def _require_room(connection: Connection, key: ApiKey, *, times: int = 1) -> None:
    """Raises TooManyKeys if the account of the new `key` has `times` as many active ones as its limit says."""
    of_account = account_limits.c.account_id == key.account_id
    most = connection.scalar(select(account_limits.c["keys"]).where(of_account))
    active = connection.scalar(
        select(func.count())
        .select_from(api_keys)
        .where(api_keys.c.account_id == key.account_id, _is_open(key.created_at))
    )
    if (active or 0) >= times * (AccountLimits().keys if most is None else most):
        raise TooManyKeys(
            f"Account {key.account_id} has {active} keys that are valid. Revoke one first, or have its limit `keys` raised."
        )
