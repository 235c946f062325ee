"""Lines in SQL as their account reads and changes them: the port `LineStore`."""

from collections.abc import Mapping

from sqlalchemy import Engine, select, update

from ringbridge.call.directory import Line
from ringbridge.call.errors import NotFound
from ringbridge.store.administration import Administration
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
        if not storable(line_id):
            return None
        statement = select(lines).where(lines.c.account_id == account_id, lines.c.id == line_id)
        with reading(self._engine) as connection:
            row = connection.execute(statement).mappings().one_or_none()
            return None if row is None else line_of(row)

    def add(self, line: Line, device_digests: Mapping[str, str]) -> None:
        """A new line whose phone registers. Raises AlreadyExists."""
        self._administration.add_line(line, device_digests=dict(device_digests))

    def change(self, line: Line, device_digests: Mapping[str, str] | None) -> None:
        """Keep a line as it is now; without digests its phone keeps its password. Raises NotFound."""
        values = line_row(line, None if device_digests is None else dict(device_digests))
        if device_digests is None:
            del values["device_digests"]
        with changing(self._engine, Part.LINES) as connection:
            changed = connection.execute(
                update(lines)
                .where(lines.c.account_id == line.account_id, lines.c.id == line.id)
                .values(values)
            )
            if changed.rowcount == 0:
                raise NotFound("There is no line with this id.")

    def remove(self, line: Line) -> None:
        """Forget a line. Raises NotFound."""
        self._administration.remove_line(line.account_id, line.number)
