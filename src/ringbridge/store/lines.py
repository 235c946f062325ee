"""Lines in SQL as their account reads and changes them: the port `LineStore`."""

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import Connection, Engine, delete, func, or_, select, update

from ringbridge.call.audit import Action
from ringbridge.call.directory import Line, LineKind, RegisteredDevice
from ringbridge.call.errors import NotFound
from ringbridge.store.administration import Administration
from ringbridge.store.audit import note
from ringbridge.store.database import reading, storable
from ringbridge.store.part import Part
from ringbridge.store.revision import changing
from ringbridge.store.row import line_of, line_row
from ringbridge.store.tables import lines, trunks


class SqlLines:
    """LineStore over `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._administration = Administration(engine)

    def page(self, account_id: str, after: str | None, limit: int, text: str = "") -> list[Line]:
        """The account's lines with a number behind `after` (None: from the first), `limit` at most.

        text: only those with it in their number or name, in letters of either case.
        """
        statement = select(lines).where(lines.c.account_id == account_id)
        if text:
            in_name = func.lower(lines.c.name).contains(text.lower(), autoescape=True)
            statement = statement.where(or_(lines.c.number.contains(text, autoescape=True), in_name))
        if after is not None:
            statement = statement.where(lines.c.number > after)
        with reading(self._engine) as connection:
            rows = connection.execute(statement.order_by(lines.c.number).limit(limit)).mappings()
            return [line_of(row) for row in rows]

    def find(self, account_id: str, line_id: str) -> Line | None:
        """The account's line with this id."""
        with reading(self._engine) as connection:
            return _find(connection, account_id, line_id)

    def taken(self, account_id: str, numbers: Collection[str]) -> set[str]:
        """Those of the numbers that are lines of the account already."""
        statement = select(lines.c.number).where(
            lines.c.account_id == account_id, lines.c.number.in_(numbers)
        )
        with reading(self._engine) as connection:
            return set(connection.scalars(statement))

    def devices(self, line_ids: Collection[str], now_utc: float) -> Mapping[str, Sequence[RegisteredDevice]]:
        """The phones that are registered for these lines at a time in UTC seconds since 1970, by the line's id."""
        return self._administration.registered_devices(now_utc, line_ids)

    def add(self, line: Line, device_digests: Mapping[str, str] | None) -> None:
        """A new line; with digests, one whose phone registers. Raises AlreadyExists and NotFound."""
        self._administration.add_line(
            line, device_digests=None if device_digests is None else dict(device_digests)
        )

    def add_all(self, new_lines: Sequence[Line]) -> int:
        """New lines, all or none; returns how many. Raises AlreadyExists and NotFound."""
        return self._administration.add_lines(new_lines)

    def change(
        self,
        account_id: str,
        line_id: str,
        change: Callable[[Line], Line],
        digests_of: Callable[[Line], Mapping[str, str]] | None = None,
    ) -> Line:
        """Put what `change` makes of a line in its place, and return it; what that raises leaves all as it was.

        digests_of: gives the new ones of the changed line; without it a phone keeps its password. Raises NotFound.
        """
        with changing(self._engine, Part.LINES) as connection:
            before = _require(connection, account_id, line_id)
            changed = change(before)
            values = line_row(changed, None if digests_of is None else dict(digests_of(changed)))
            if digests_of is None and changed.kind is LineKind.DEVICE:
                del values["device_digests"]
            if changed.trunk is not None:
                _require_trunk(connection, changed.trunk)
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


def _require_trunk(connection: Connection, name: str) -> None:
    if connection.scalar(select(trunks.c.id).where(trunks.c.name == name)) is None:
        raise NotFound(f"There is no trunk {name}.")


def _require(connection: Connection, account_id: str, line_id: str) -> Line:
    line = _find(connection, account_id, line_id)
    if line is None:
        raise NotFound("There is no line with this id.")
    return line
