"""Where phones are, kept for the next process: written behind the answers to their REGISTERs, read when a server starts.

What the last moments before a crash brought may be lost; a phone registers anew within the hour.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from sqlalchemy import Engine, bindparam, delete, insert, select
from sqlalchemy.engine.interfaces import DBAPICursor

from ringbridge.sip.contact import Contact
from ringbridge.sip.grammar import split_list
from ringbridge.sip.hop import Hop
from ringbridge.store.database import reading
from ringbridge.store.statement import Row, execute, statement_text
from ringbridge.store.tables import registrations
from ringbridge.store.writer import GroupCommitWriter


class _ChangedLine(NamedTuple):
    """All phones of a line, as rows."""

    line_id: str
    rows: tuple[Row, ...]


class SqlRegistrations:
    """The contacts of lines over `engine`, from entry to exit. Contacts count monotonic seconds, the table UTC.

    now: monotonic seconds. utc_now: UTC seconds since 1970.
    """

    def __init__(self, engine: Engine, *, now: Callable[[], float], utc_now: Callable[[], float]) -> None:
        self._engine = engine
        self._now = now
        self._utc_now = utc_now
        self._delete = statement_text(
            delete(registrations).where(registrations.c.line_id == bindparam("of_line")),
            engine.dialect,
            ["of_line"],
        )
        self._insert = statement_text(insert(registrations), engine.dialect, registrations.columns.keys())
        # A writer of its own: what registers in a flood must not stand in a queue with calls.
        self._writer: GroupCommitWriter[_ChangedLine] = GroupCommitWriter(
            engine, self._apply, lambda change: None
        )

    async def __aenter__(self) -> Self:
        await self._writer.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._writer.__aexit__(kind, error, traceback)

    def save(self, line_id: str, contacts: Sequence[Contact]) -> None:
        """Keep these as all contacts of the line. Not awaited."""
        utc_offset = self._utc_now() - self._now()
        rows = tuple(
            [_row(line_id, position, contact, utc_offset) for position, contact in enumerate(contacts)]
        )
        self._writer.submit(_ChangedLine(line_id, rows))

    async def load(self) -> dict[str, tuple[Contact, ...]]:
        """The contacts of each line that have not expired. Raises StoreUnavailable."""
        return await asyncio.to_thread(self._load)

    def _load(self) -> dict[str, tuple[Contact, ...]]:
        utc_now = self._utc_now()
        utc_offset = utc_now - self._now()
        statement = (
            select(registrations)
            .where(registrations.c.expires_at > utc_now)
            .order_by(registrations.c.line_id, registrations.c.position)
        )
        found: dict[str, tuple[Contact, ...]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(statement).mappings():
                contact = Contact(
                    uri=row["uri"],
                    hop=Hop(row["transport"], row["host"], row["port"]),
                    path=tuple(split_list(row["path"])) if row["path"] else (),
                    user_agent=row["user_agent"],
                    instance=row["instance"],
                    flow=row["flow"],
                    call_id=row["call_id"],
                    sequence=row["sequence"],
                    expires_at=row["expires_at"] - utc_offset,
                )
                found[row["line_id"]] = (*found.get(row["line_id"], ()), contact)
        return found

    def _apply(self, cursor: DBAPICursor, changes: Sequence[_ChangedLine]) -> None:
        latest = {change.line_id: change.rows for change in changes}
        execute(cursor, self._delete, [(line_id,) for line_id in latest])
        execute(cursor, self._insert, [row for rows in latest.values() for row in rows])


def _row(line_id: str, position: int, contact: Contact, utc_offset: float) -> Row:
    return (
        line_id,
        position,
        contact.uri,
        *contact.hop,
        ", ".join(contact.path),
        contact.user_agent,
        contact.instance,
        contact.flow,
        contact.call_id,
        contact.sequence,
        contact.expires_at + utc_offset,
    )
