"""The audit log in SQL. Entries are written in the transaction of the change that they tell of."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, insert, or_, select, update

from ringbridge.call.actor import Actor, ActorKind, acting
from ringbridge.call.audit import EVERY_ENTRY, Action, AuditEntry, AuditFilter, BrokenChain, Chain, Deed
from ringbridge.store.audit_tables import audit_entries, audit_head
from ringbridge.store.database import reading, writing

Row = Mapping[str, Any] | RowMapping

# Rows that are read at a time.
_BATCH = 1000


def note(
    connection: Connection,
    action: Action,
    *,
    account_id: str | None = None,
    target_id: str | None = None,
    before: Row | None = None,
    after: Row | None = None,
) -> None:
    """Add an entry, unless nothing differs, of whoever acts now, in the transaction of `connection`; the last thing that is done in it, for others wait."""
    deed = Deed(
        action=action,
        account_id=account_id,
        target_id=target_id,
        before=None if before is None else dict(before),
        after=None if after is None else dict(after),
    )
    note_all(connection, [deed])


def note_all(connection: Connection, deeds: Sequence[Deed]) -> None:
    """Add an entry for each of `deeds` that made a difference; see `note`."""
    if not deeds:
        return
    # PostgreSQL locks the row; a writer on SQLite has the whole file.
    row = connection.execute(select(audit_head.c.sequence, audit_head.c.hash).with_for_update()).one()
    chain, actor, at = Chain(*row), acting(), time.time()
    entries = []
    for deed in deeds:
        entry = chain.entry(deed, actor, at)
        if not entry.is_idle:
            entries.append(entry)
            chain = Chain(entry.sequence, entry.hash)
    if entries:
        connection.execute(insert(audit_entries), [_row_of(entry) for entry in entries])
        connection.execute(update(audit_head).values(chain._asdict()))


class SqlAuditLog:
    """AuditLog and AuditNotes over `engine`, and what an administrator asks of the whole log. All methods raise StoreUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(
        self,
        action: Action,
        *,
        account_id: str | None = None,
        target_id: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an entry of something that is not in the database."""
        with writing(self._engine) as connection:
            note(connection, action, account_id=account_id, target_id=target_id, before=before, after=after)

    def page(
        self, account_id: str, before: int | None, limit: int, wanted: AuditFilter = EVERY_ENTRY
    ) -> list[AuditEntry]:
        """The account's entries with a lower sequence than `before` (None: from the last), the newest first, `limit` at most."""
        row = audit_entries.c
        is_own = row.account_id == account_id
        if wanted.with_server:
            is_own = or_(is_own, row.account_id.is_(None))
        statement = select(audit_entries).where(is_own)
        if before is not None:
            statement = statement.where(row.sequence < before)
        if wanted.target_kind is not None:
            statement = statement.where(row.action.startswith(f"{wanted.target_kind}.", autoescape=True))
        if wanted.actor_kind is not None:
            statement = statement.where(row.actor_kind == wanted.actor_kind.value)
        if wanted.since is not None:
            statement = statement.where(row.at >= wanted.since)
        if wanted.until is not None:
            statement = statement.where(row.at < wanted.until)
        return self._read(statement.order_by(audit_entries.c.sequence.desc()).limit(limit))

    def last(self, limit: int, account_id: str | None = None) -> list[AuditEntry]:
        """The last entries, of one account if it is given, the newest first."""
        statement = select(audit_entries).order_by(audit_entries.c.sequence.desc()).limit(limit)
        if account_id is not None:
            statement = statement.where(audit_entries.c.account_id == account_id)
        return self._read(statement)

    def batches(self) -> Iterator[list[AuditEntry]]:
        """All entries that there are now, the oldest first, some hundred at a time."""
        sequence, end = 0, self.head().sequence
        while sequence < end:
            statement = select(audit_entries).where(
                audit_entries.c.sequence > sequence, audit_entries.c.sequence <= end
            )
            batch = self._read(statement.order_by(audit_entries.c.sequence).limit(_BATCH))
            if not batch:
                return
            yield batch
            sequence = batch[-1].sequence

    def head(self) -> Chain:
        """Where the chain ends."""
        with reading(self._engine) as connection:
            return Chain(*connection.execute(select(audit_head.c.sequence, audit_head.c.hash)).one())

    def verify(self, known_hash: str | None = None) -> Chain:
        """Read the whole log; returns where it ends. Raises BrokenChain if it is not as it was written.

        known_hash: of an entry that was noted elsewhere, and must be there still.
        """
        chain, head, is_known = Chain(), self.head(), known_hash is None
        for batch in self.batches():
            for entry in batch:
                chain = chain.followed_by(entry)
                is_known = is_known or entry.hash == known_hash
        if chain.sequence < head.sequence:
            raise BrokenChain(f"Entry {chain.sequence + 1} of the audit log is missing.")
        if not is_known:
            raise BrokenChain(
                "No entry of the audit log has that hash: it was written anew, or is another one."
            )
        return chain

    def _read(self, statement: Any) -> list[AuditEntry]:
        with reading(self._engine) as connection:
            return [_entry_of(row) for row in connection.execute(statement).mappings()]


def _row_of(entry: AuditEntry) -> dict[str, Any]:
    row = entry._asdict()
    actor: Actor = row.pop("actor")
    return row | {"actor_kind": actor.kind.value, "actor_id": actor.id, "actor_address": actor.address}


def _entry_of(row: RowMapping) -> AuditEntry:
    values = dict(row)
    actor = Actor(ActorKind(values.pop("actor_kind")), values.pop("actor_id"), values.pop("actor_address"))
    return AuditEntry(actor=actor, **values)
