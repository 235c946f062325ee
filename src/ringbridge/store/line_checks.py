"""Whether lines can be added: each number once in its account, each SIP user name once, over trunks that there are."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from ringbridge.call.directory import Line
from ringbridge.call.errors import AlreadyExists, NotFound
from ringbridge.store.revision import require_account
from ringbridge.store.tables import lines, trunks

# Lines that are asked for at a time: a statement has room for so many on both databases.
_ASKED = 500


def require_addable(connection: Connection, line: Line) -> None:
    """Raises AlreadyExists and NotFound if `line` cannot be added. Of the other lines, however many, it reads none."""
    require_account(connection, line.account_id)
    of_number = (lines.c.account_id == line.account_id, lines.c.number == line.number)
    of_username = lines.c.sip_username == line.sip_username
    _refuse(
        line,
        has_number=connection.scalar(select(lines.c.id).where(*of_number)) is not None,
        has_username=line.sip_username is not None
        and connection.scalar(select(lines.c.id).where(of_username)) is not None,
        has_trunk=connection.scalar(select(trunks.c.id).where(trunks.c.name == line.trunk)) is not None,
    )


class LineChecks:
    """Whether these lines can be added, in one transaction. Of the other lines, however many, it reads only what they would meet."""

    def __init__(self, connection: Connection, new_lines: Sequence[Line]) -> None:
        self._connection = connection
        self._accounts: set[str] = set()
        self._trunks: Sequence[str] = connection.scalars(select(trunks.c.name)).all()
        self._numbers: set[tuple[str, str]] = set()
        self._usernames: set[str] = set()
        for first in range(0, len(new_lines), _ASKED):
            asked = new_lines[first : first + _ASKED]
            # With the account, since the index begins with it.
            statement = select(lines.c.account_id, lines.c.number).where(
                lines.c.account_id.in_({line.account_id for line in asked}),
                lines.c.number.in_([line.number for line in asked]),
            )
            self._numbers.update((row.account_id, row.number) for row in connection.execute(statement))
            usernames = [line.sip_username for line in asked if line.sip_username is not None]
            of_usernames = lines.c.sip_username.in_(usernames)
            self._usernames.update(connection.scalars(select(lines.c.sip_username).where(of_usernames)))

    def check(self, line: Line) -> None:
        """Count `line`, one of them, among those that there are. Raises AlreadyExists and NotFound."""
        if line.account_id not in self._accounts:
            require_account(self._connection, line.account_id)
            self._accounts.add(line.account_id)
        number = (line.account_id, line.number)
        _refuse(
            line,
            has_number=number in self._numbers,
            has_username=line.sip_username in self._usernames,
            has_trunk=line.trunk in self._trunks,
        )
        self._numbers.add(number)
        if line.sip_username is not None:
            self._usernames.add(line.sip_username)


def _refuse(line: Line, *, has_number: bool, has_username: bool, has_trunk: bool) -> None:
    """Raises AlreadyExists and NotFound by whether its number, its SIP user name and its trunk are there already."""
    if has_number:
        raise AlreadyExists(
            f"{line.number} is a line of account {line.account_id} already. Remove that line first."
        )
    if has_username:
        raise AlreadyExists(f"The SIP user name {line.sip_username} is taken. Give another one.")
    if line.trunk is not None and not has_trunk:
        raise NotFound(f"There is no trunk {line.trunk}. Add it first.")
