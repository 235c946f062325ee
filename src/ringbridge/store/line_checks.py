"""Whether lines can be added: each number once in its account, each SIP user name once, over trunks that there are."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from ringbridge.call.directory import Line
from ringbridge.call.errors import AlreadyExists, NotFound
from ringbridge.store.revision import require_account
from ringbridge.store.tables import lines, trunks


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
    """Whether many lines can be added, in one transaction; what was asked once is remembered for the thousands that follow."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, set[str]] = {}
        self._trunks: Sequence[str] = connection.scalars(select(trunks.c.name)).all()
        self._usernames = set(
            connection.scalars(select(lines.c.sip_username).where(lines.c.sip_username.is_not(None)))
        )

    def check(self, line: Line) -> None:
        """Count `line` among those that there are. Raises AlreadyExists and NotFound."""
        if line.account_id not in self._numbers:
            require_account(self._connection, line.account_id)
            of_account = select(lines.c.number).where(lines.c.account_id == line.account_id)
            self._numbers[line.account_id] = set(self._connection.scalars(of_account))
        numbers = self._numbers[line.account_id]
        _refuse(
            line,
            has_number=line.number in numbers,
            has_username=line.sip_username in self._usernames,
            has_trunk=line.trunk in self._trunks,
        )
        numbers.add(line.number)
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
