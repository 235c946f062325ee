"""What an administrator changes: accounts, keys, lines, limits and trunks. Synchronous: the command line uses it.

Each method is one transaction, and each change tells running servers of itself by the revision of the directory.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, replace

from sqlalchemy import Connection, delete, func, insert, select, update

from ringbridge.call.audit import Action, Deed
from ringbridge.call.directory import Account, AccountLimits, Line, LineKind, RegisteredDevice, Trunk
from ringbridge.call.errors import AlreadyExists, InvalidSetting, NotFound
from ringbridge.call.record import Record
from ringbridge.store.audit import Row, note, note_all
from ringbridge.store.database import reading
from ringbridge.store.keys import SqlKeys
from ringbridge.store.line_checks import LineChecks, require_addable
from ringbridge.store.part import Part
from ringbridge.store.revision import changing, require_account
from ringbridge.store.row import (
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
    lines,
    records,
    registrations,
    trunks,
)


class Administration(SqlKeys):
    """Reads and changes the directory over `engine`.

    All methods raise StoreUnavailable; those that take an account's id raise NotFound when there is no such account.
    """

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
            _note_account(connection, Action.ACCOUNT_CREATED, account_id, None, asdict(account))
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
            _note_account(connection, Action.ACCOUNT_CHANGED, account_id, row, asdict(changed))

    def suspend(self, account_id: str, *, suspended: bool = True, ends_calls: bool = False) -> None:
        """Let an account place no more calls, or let it again. Calls that are up go on unless `ends_calls`."""
        with changing(self._engine, Part.ACCOUNTS) as connection:
            require_account(connection, account_id)
            is_it = accounts.c.id == account_id
            columns = (accounts.c.suspended, accounts.c.ends_calls)
            before = connection.execute(select(*columns).where(is_it)).mappings().one()
            after = {"suspended": suspended, "ends_calls": ends_calls}
            connection.execute(update(accounts).where(is_it).values(after))
            action = Action.ACCOUNT_SUSPENDED if suspended else Action.ACCOUNT_RESUMED
            _note_account(connection, action, account_id, before, after)

    def add_line(self, line: Line, *, device_digests: dict[str, str] | None = None) -> None:
        """A new line. `device_digests` (digest algorithm -> HA1) is what its phone's password is checked against.

        Raises AlreadyExists, and NotFound for an unknown trunk.
        """
        with changing(self._engine, Part.LINES) as connection:
            require_addable(connection, line)
            row = line_row(line, device_digests)
            connection.execute(insert(lines), row)
            note(
                connection,
                Action.LINE_CREATED,
                account_id=line.account_id,
                target_id=line.id,
                after=row,
            )

    def add_lines(self, new_lines: Sequence[Line]) -> int:
        """New lines, all or none; returns how many. Errors are those of `add_line`."""
        with changing(self._engine, Part.LINES) as connection:
            checks = LineChecks(connection, new_lines)
            for line in new_lines:
                checks.check(line)
            if new_lines:
                connection.execute(insert(lines), [line_row(line, None) for line in new_lines])
                # One entry, not thousands: while they are written no call is.
                counts = Counter(line.account_id for line in new_lines)
                note_all(connection, [_imported(*count) for count in counts.items()])
        return len(new_lines)

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
            after = line_row(changed, device_digests)
            connection.execute(update(lines).where(is_it).values(after))
            note(
                connection,
                Action.LINE_CHANGED,
                account_id=account_id,
                target_id=changed.id,
                before=row,
                after=after,
            )
        return changed

    def remove_line(self, account_id: str, number: str) -> None:
        """Forget a line. Raises NotFound."""
        with changing(self._engine, Part.LINES) as connection:
            require_account(connection, account_id)
            is_it = (lines.c.account_id == account_id) & (lines.c.number == number)
            row = connection.execute(select(lines).where(is_it)).mappings().one_or_none()
            if row is None:
                raise NotFound(f"Account {account_id} has no line {number}.")
            connection.execute(delete(lines).where(is_it))
            note(connection, Action.LINE_REMOVED, account_id=account_id, target_id=row["id"], before=row)

    def registered_devices(
        self, now_utc: float, line_ids: Collection[str] | None = None
    ) -> dict[str, list[RegisteredDevice]]:
        """The phones that are registered at `now_utc`, UTC seconds since 1970, by the id of their line; of these lines, or of all."""
        columns = [registrations.c[name] for name in ("line_id", *RegisteredDevice._fields)]
        statement = (
            select(*columns)
            .where(registrations.c.expires_at > now_utc)
            .order_by(registrations.c.line_id, registrations.c.position)
        )
        if line_ids is not None:
            statement = statement.where(registrations.c.line_id.in_(line_ids))
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
            note(connection, Action.TRUNK_CREATED, target_id=trunk.name, after=trunk_row(stored))
        return stored

    def change_trunk(self, name: str, change: Callable[[Trunk], Trunk]) -> Trunk:
        """Put what `change` makes of a trunk in its place, and return it; what that raises leaves all as it was.

        Raises NotFound.
        """
        with changing(self._engine, Part.TRUNKS) as connection:
            _require_trunk(connection, name)
            row = connection.execute(select(trunks).where(trunks.c.name == name)).mappings().one()
            before = trunk_of(row)
            changed = change(before)
            after = trunk_row(changed)
            connection.execute(update(trunks).where(trunks.c.name == name).values(after))
            note(connection, Action.TRUNK_CHANGED, target_id=name, before=trunk_row(before), after=after)
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
            row = connection.execute(select(trunks).where(trunks.c.name == name)).mappings().one_or_none()
            if row is None:
                raise NotFound(f"There is no trunk {name}.")
            connection.execute(delete(trunks).where(trunks.c.name == name))
            note(connection, Action.TRUNK_REMOVED, target_id=name, before=row)

    def limits(self, account_id: str) -> AccountLimits:
        """What the account may do; the defaults where nothing was set."""
        statement = select(account_limits).where(account_limits.c.account_id == account_id)
        with reading(self._engine) as connection:
            require_account(connection, account_id)
            row = connection.execute(statement).mappings().one_or_none()
            return AccountLimits() if row is None else limits_of(row)

    def set_limits(self, account_id: str, limits: AccountLimits) -> None:
        """Set all limits of the account."""
        self.change_limits(account_id, lambda _: limits)

    def change_limits(
        self, account_id: str, change: Callable[[AccountLimits], AccountLimits]
    ) -> AccountLimits:
        """Keep what `change` makes of the account's limits; what it raises leaves them as they are."""
        of_account = account_limits.c.account_id == account_id
        with changing(self._engine, Part.LIMITS) as connection:
            require_account(connection, account_id)
            row = connection.execute(select(account_limits).where(of_account)).mappings().one_or_none()
            before = AccountLimits() if row is None else limits_of(row)
            limits = change(before)
            after = limits_row(account_id, limits)
            if row is None:
                connection.execute(insert(account_limits), after)
            else:
                connection.execute(update(account_limits).where(of_account).values(after))
            note(
                connection,
                Action.LIMITS_CHANGED,
                account_id=account_id,
                before=limits_row(account_id, before),
                after=after,
            )
        return limits

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


def _note_account(
    connection: Connection,
    action: Action,
    account_id: str,
    before: Row | None,
    after: Row,
) -> None:
    note(connection, action, account_id=account_id, target_id=account_id, before=before, after=after)


def _imported(account_id: str, count: int) -> Deed:
    return Deed(action=Action.LINE_IMPORTED, account_id=account_id, after={"lines": count})


def _require_trunk(connection: Connection, name: str) -> None:
    if connection.scalar(select(trunks.c.id).where(trunks.c.name == name)) is None:
        raise NotFound(f"There is no trunk {name}.")
