"""Lines in SQL as their account reads and changes them: the port `LineStore`."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, Engine, delete, select, update

from ringbridge.call.audit import Action
from ringbridge.call.directory import Line
from ringbridge.call.errors import NotFound
from ringbridge.store.administration import Administration
from ringbridge.store.audit import note
from ringbridge.store.database import reading, storable
from ringbridge.store.part import Part
from ringbridge.store.revision import changing
from ringbridge.store.row import line_of, line_row
from ringbridge.store.tables import lines


class SqlLines:
    """LineStore over `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._administration = Administration(engine)

    def page(self, account_id: str, after: str | None, limit: int) -> list[Line]:
        """The account's lines with a number behind `after` (None: from the first), `limit` at most."""
        statement = select(lines).where(lines.c.account_id == account_id)
        if after is not None:
            statement = statement.where(lines.c.number > after)
        with reading(self._engine) as connection:
            rows = connection.execute(statement.order_by(lines.c.number).limit(limit)).mappings()
            return [line_of(row) for row in rows]

    def find(self, account_id: str, line_id: str) -> Line | None:
        """The account's line with this id."""
        with reading(self._engine) as connection:
            return _find(connection, account_id, line_id)

    def add(self, line: Line, device_digests: Mapping[str, str]) -> None:
        """A new line whose phone registers. Raises AlreadyExists."""
        self._administration.add_line(line, device_digests=dict(device_digests))

    def change(
        self,
        account_id: str,
        line_id: str,
        change: Callable[[Line], Line],
        digests_of: Callable[[Line], Mapping[str, str]] | None = None,
    ) -> Line:
        """Put what `change` makes of a line in its place, and return it; what that raises leaves all as it was.

        digests_of: gives the new ones of the changed line; without it its phone keeps its password. Raises NotFound.
        """
        with changing(self._engine, Part.LINES) as connection:
            before = _require(connection, account_id, line_id)
            changed = change(before)
            values = line_row(changed, None if digests_of is None else dict(digests_of(changed)))
            if digests_of is None:
                del values["device_digests"]
            connection.execute(update(lines).where(lines.c.id == line_id).values(values))
            note(
                connection,
                Action.LINE_CHANGED,
                account_id=account_id,
                target_id=line_id,
                before=line_row(before, None),
                after=values,
            )
        return changed

    def remove(self, account_id: str, line_id: str, check: Callable[[Line], object]) -> None:
        """Forget a line, unless `check` raises something. Raises NotFound."""
        with changing(self._engine, Part.LINES) as connection:
            line = _require(connection, account_id, line_id)
            check(line)
            connection.execute(delete(lines).where(lines.c.id == line_id))
            before = line_row(line, None)
            note(connection, Action.LINE_REMOVED, account_id=account_id, target_id=line_id, before=before)


def _find(connection: Connection, account_id: str, line_id: str) -> Line | None:
    if not storable(line_id):
        return None
    statement = select(lines).where(lines.c.account_id == account_id, lines.c.id == line_id)
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else line_of(row)


def _require(connection: Connection, account_id: str, line_id: str) -> Line:
    line = _find(connection, account_id, line_id)
    if line is None:
        raise NotFound("There is no line with this id.")
    return line
