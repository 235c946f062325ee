"""Whether lines can be added: each number once in its account, each SIP user name once, over trunks that there are."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from ringbridge.call.directory import Line
from ringbridge.call.errors import AlreadyExists, NotFound
from ringbridge.store.revision import require_account
from ringbridge.store.tables import lines, trunks


class LineChecks:
    """Whether lines can be added, in one transaction; what was asked once is remembered for the thousands that follow."""

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
        if line.number in numbers:
            raise AlreadyExists(
                f"{line.number} is a line of account {line.account_id} already. Remove that line first."
            )
        if line.sip_username is not None and line.sip_username in self._usernames:
            raise AlreadyExists(f"The SIP user name {line.sip_username} is taken. Give another one.")
        if line.trunk is not None and line.trunk not in self._trunks:
            raise NotFound(f"There is no trunk {line.trunk}. Add it first.")
        numbers.add(line.number)
        if line.sip_username is not None:
            self._usernames.add(line.sip_username)
