"""What an administrator changes: accounts, keys, lines, limits and trunks. Synchronous: the command line uses it.

Each method is one transaction, and each change tells running servers of itself by the revision of the directory.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, not_, select, update

from ringbridge.call.directory import Account, AccountLimits, Line, LineKind, Trunk
from ringbridge.call.errors import AlreadyExists, InvalidCredentials, InvalidSetting, NotFound
from ringbridge.call.key import MOST_ACTIVE_KEYS, ApiKey, KeyUse, TooManyKeys
from ringbridge.call.record import Record
from ringbridge.store.database import reading
from ringbridge.store.line_checks import LineChecks, require_addable
from ringbridge.store.part import Part
from ringbridge.store.registered_device import RegisteredDevice
from ringbridge.store.revision import changing, require_account
from ringbridge.store.row import (
    key_of,
    key_row,
    limits_of,
    limits_row,
    line_of,
    line_row,
    trunk_of,
    trunk_row,
)
from ringbridge.store.tables import (
    account_limits,
    accounts,
    api_key_uses,
    api_keys,
    lines,
    records,
    registrations,
    trunks,
)


class Administration:
    """Reads and changes the directory over `engine`.

    All methods raise StoreUnavailable; those that take an account's id raise NotFound when there is no such account.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_account(
        self,
        name: str,
        *,
        account_id: str | None = None,
        country: str = "US",
        language: str = "en",
        main_number: str | None = None,
    ) -> Account:
        """A new account; seven random digits are its id where none is given. Raises AlreadyExists."""
        with changing(self._engine, Part.ACCOUNTS) as connection:
            taken = set(connection.scalars(select(accounts.c.id)))
            if account_id in taken:
                raise AlreadyExists(f"There is an account {account_id} already. Give another id, or none.")
            while account_id is None or account_id in taken:
                account_id = str(1_000_000 + secrets.randbelow(9_000_000))
            account = Account(
                id=account_id, name=name, country=country, language=language, main_number=main_number
            )
            connection.execute(insert(accounts), asdict(account))
        return account

    def accounts(self) -> list[Account]:
        """All accounts, by id."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(accounts).order_by(accounts.c.id)).mappings()
            return [Account(**row) for row in rows]

    def change_account(self, account_id: str, change: Callable[[Account], Account]) -> None:
        """Put what `change` makes of an account in its place; what that raises leaves all as it was."""
        with changing(self._engine, Part.ACCOUNTS) as connection:
            require_account(connection, account_id)
            row = connection.execute(select(accounts).where(accounts.c.id == account_id)).mappings().one()
            changed = change(Account(**row))
            connection.execute(update(accounts).where(accounts.c.id == account_id).values(asdict(changed)))

    def suspend(self, account_id: str, *, suspended: bool = True, ends_calls: bool = False) -> None:
        """Let an account place no more calls, or let it again. Calls that are up go on unless `ends_calls`."""
        with changing(self._engine, Part.ACCOUNTS) as connection:
            require_account(connection, account_id)
            connection.execute(
                update(accounts)
                .where(accounts.c.id == account_id)
                .values(suspended=suspended, ends_calls=ends_calls)
            )

    def add_key(self, key: ApiKey, *, by_key: str | None = None) -> None:
        """A new API key, made by an older one where `by_key` names it. Raises TooManyKeys and InvalidCredentials."""
        with changing(self._engine, Part.KEYS) as connection:
            require_account(connection, key.account_id)
            _require_open(connection, by_key, key.created_at)
            _require_room(connection, key, MOST_ACTIVE_KEYS)
            connection.execute(insert(api_keys), key_row(key))

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
            _require_room(connection, new, 2 * MOST_ACTIVE_KEYS)
            connection.execute(
                update(api_keys).where(*of_account).values(expires_at=min(expires_at, old_until))
            )
            connection.execute(insert(api_keys), key_row(new))

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
            return connection.execute(
                update(api_keys).where(in_force).values(revoked_at=at, ends_calls=ends_calls)
            ).rowcount

    def revoke_key(
        self, key_id: str, *, at: float, account_id: str | None = None, ends_calls: bool = False
    ) -> None:
        """End a key's validity at `at`, UTC seconds since 1970, unless it was revoked before.

        ends_calls: whether its calls that are up end as well.

        account_id: whose key it must be, where that is not the administrator's own choice. Raises NotFound.
        """
        of_account = () if account_id is None else (api_keys.c.account_id == account_id,)
        with changing(self._engine, Part.KEYS) as connection:
            revoked = connection.execute(
                update(api_keys)
                .where(api_keys.c.id == key_id, *of_account)
                .values(revoked_at=func.coalesce(api_keys.c.revoked_at, at), ends_calls=ends_calls)
            )
            if revoked.rowcount == 0:
                raise NotFound(f"There is no key {key_id}.")

    def add_line(self, line: Line, *, device_digests: dict[str, str] | None = None) -> None:
        """A new line. `device_digests` (digest algorithm -> HA1) is what its phone's password is checked against.

        Raises AlreadyExists, and NotFound for an unknown trunk.
        """
        with changing(self._engine, Part.LINES) as connection:
            require_addable(connection, line)
            connection.execute(insert(lines), line_row(line, device_digests))

    def add_lines(self, new_lines: Iterable[Line]) -> int:
        """New lines, all or none; returns how many. Errors are those of `add_line` and name the row, counted from 1."""
        rows = []
        with changing(self._engine, Part.LINES) as connection:
            checks = LineChecks(connection)
            for number, line in enumerate(new_lines, start=1):
                try:
                    checks.check(line)
                except (AlreadyExists, NotFound) as error:
                    raise type(error)(f"Row {number}: {error} No line was added.") from None
                rows.append(line_row(line, None))
            if rows:
                connection.execute(insert(lines), rows)
        return len(rows)

    def lines(self, account_id: str) -> list[Line]:
        """The account's lines, by number."""
        statement = select(lines).where(lines.c.account_id == account_id).order_by(lines.c.number)
        with reading(self._engine) as connection:
            require_account(connection, account_id)
            return [line_of(row) for row in connection.execute(statement).mappings()]

    def change_line(
        self,
        account_id: str,
        number: str,
        change: Callable[[Line], Line],
        *,
        device_digests: dict[str, str] | None = None,
    ) -> Line:
        """Put what `change` makes of a line in its place, and return it; what that raises leaves all as it was.

        `device_digests` are new ones; without them a line that stays a device keeps its own. Raises NotFound and
        AlreadyExists.
        """
        with changing(self._engine, Part.LINES) as connection:
            require_account(connection, account_id)
            is_it = (lines.c.account_id == account_id) & (lines.c.number == number)
            row = connection.execute(select(lines).where(is_it)).mappings().one_or_none()
            if row is None:
                raise NotFound(f"Account {account_id} has no line {number}.")
            changed = change(line_of(row))
            if changed.sip_username is not None:
                is_others = (lines.c.sip_username == changed.sip_username) & (lines.c.id != changed.id)
                if connection.scalar(select(lines.c.id).where(is_others)) is not None:
                    raise AlreadyExists(f"The SIP user name {changed.sip_username} is taken.")
            if changed.trunk is not None:
                _require_trunk(connection, changed.trunk)
            if device_digests is None and changed.kind is LineKind.DEVICE:
                device_digests = row["device_digests"]
            connection.execute(update(lines).where(is_it).values(line_row(changed, device_digests)))
        return changed

    def remove_line(self, account_id: str, number: str) -> None:
        """Forget a line. Raises NotFound."""
        with changing(self._engine, Part.LINES) as connection:
            require_account(connection, account_id)
            removed = connection.execute(
                delete(lines).where(lines.c.account_id == account_id, lines.c.number == number)
            )
            if removed.rowcount == 0:
                raise NotFound(f"Account {account_id} has no line {number}.")

    def registered_devices(self, now_utc: float) -> dict[str, list[RegisteredDevice]]:
        """The phones that are registered at `now_utc`, UTC seconds since 1970, by the id of their line."""
        columns = [registrations.c[name] for name in ("line_id", *RegisteredDevice._fields)]
        statement = (
            select(*columns)
            .where(registrations.c.expires_at > now_utc)
            .order_by(registrations.c.line_id, registrations.c.position)
        )
        found: dict[str, list[RegisteredDevice]] = {}
        with reading(self._engine) as connection:
            for line_id, *values in connection.execute(statement):
                found.setdefault(line_id, []).append(RegisteredDevice(*values))
        return found

    def add_trunk(self, trunk: Trunk, *, position: int | None = None) -> Trunk:
        """A new trunk, as it was stored: at `position`, or behind the others. Raises AlreadyExists."""
        with changing(self._engine, Part.TRUNKS) as connection:
            if connection.scalar(select(trunks.c.id).where(trunks.c.name == trunk.name)) is not None:
                raise AlreadyExists(
                    f"There is a trunk {trunk.name} already. Give another name, or remove it first."
                )
            if position is None:
                last = connection.scalar(select(func.max(trunks.c.position)))
                position = 0 if last is None else last + 1
            stored = replace(trunk, position=position)
            connection.execute(insert(trunks), trunk_row(stored))
        return stored

    def change_trunk(self, name: str, change: Callable[[Trunk], Trunk]) -> Trunk:
        """Put what `change` makes of a trunk in its place, and return it; what that raises leaves all as it was.

        Raises NotFound.
        """
        with changing(self._engine, Part.TRUNKS) as connection:
            _require_trunk(connection, name)
            row = connection.execute(select(trunks).where(trunks.c.name == name)).mappings().one()
            changed = change(trunk_of(row))
            connection.execute(update(trunks).where(trunks.c.name == name).values(trunk_row(changed)))
        return changed

    def trunks(self) -> list[Trunk]:
        """All trunks, by position."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(trunks).order_by(trunks.c.position, trunks.c.name)).mappings()
            return [trunk_of(row) for row in rows]

    def remove_trunk(self, name: str) -> None:
        """Forget a trunk that no line uses; calls that are up on it go on. Raises NotFound and InvalidSetting."""
        with changing(self._engine, Part.TRUNKS) as connection:
            used = connection.scalar(select(func.count()).select_from(lines).where(lines.c.trunk == name))
            if used:
                raise InvalidSetting(f"Lines that use trunk {name}: {used}. Remove them first.")
            if connection.execute(delete(trunks).where(trunks.c.name == name)).rowcount == 0:
                raise NotFound(f"There is no trunk {name}.")

    def limits(self, account_id: str) -> AccountLimits:
        """What the account may do; the defaults where nothing was set."""
        statement = select(account_limits).where(account_limits.c.account_id == account_id)
        with reading(self._engine) as connection:
            require_account(connection, account_id)
            row = connection.execute(statement).mappings().one_or_none()
            return AccountLimits() if row is None else limits_of(row)

    def set_limits(self, account_id: str, limits: AccountLimits) -> None:
        """Set all limits of the account."""
        with changing(self._engine, Part.LIMITS) as connection:
            require_account(connection, account_id)
            connection.execute(delete(account_limits).where(account_limits.c.account_id == account_id))
            connection.execute(insert(account_limits), limits_row(account_id, limits))

    def records(self, account_id: str, limit: int) -> list[Record]:
        """The records of the account's last `limit` calls, the newest first."""
        statement = (
            select(records)
            .where(records.c.account_id == account_id)
            .order_by(records.c.ended_at.desc(), records.c.call_id.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            require_account(connection, account_id)
            return [Record(**row) for row in connection.execute(statement).mappings()]


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


def _require_room(connection: Connection, key: ApiKey, most: int) -> None:
    """Raises TooManyKeys if the account of the new `key` has as many active ones as it may."""
    active = connection.scalar(
        select(func.count())
        .select_from(api_keys)
        .where(api_keys.c.account_id == key.account_id, _is_open(key.created_at))
    )
    if (active or 0) >= most:
        raise TooManyKeys(f"Account {key.account_id} has {active} keys that are valid. Revoke one first.")


def _require_trunk(connection: Connection, name: str) -> None:
    if connection.scalar(select(trunks.c.id).where(trunks.c.name == name)) is None:
        raise NotFound(f"There is no trunk {name}.")
