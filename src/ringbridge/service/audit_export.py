"""Entries of the audit log as documents and as a table: what leaves through the API or the command line."""

import json
from collections.abc import Iterable
from enum import Enum
from typing import Any

from ringbridge.call.audit import AuditEntry
from ringbridge.service.export import moment_text, table_row

COLUMNS = (
    "sequence",
    "at",
    "actor_kind",
    "actor_id",
    "actor_address",
    "account_id",
    "action",
    "target_id",
    "before",
    "after",
    "hash",
)


class AuditForm(Enum):
    """How entries are written: a table with a row of names, or one JSON object on each line."""

    CSV = "csv"
    JSON = "json"

    @property
    def head(self) -> str:
        """What stands before the first entry."""
        return table_row(COLUMNS) if self is AuditForm.CSV else ""

    def body(self, entries: Iterable[AuditEntry]) -> str:
        """Some entries."""
        if self is AuditForm.CSV:
            return "".join(table_row(_fields(entry).values()) for entry in entries)
        return "".join(f"{json.dumps(as_document(entry), ensure_ascii=False)}\n" for entry in entries)


def as_document(entry: AuditEntry) -> dict[str, Any]:
    """An entry as JSON has it."""
    given = {"before": _value(entry.before), "after": _value(entry.after)}
    return _fields(entry) | given


def _fields(entry: AuditEntry) -> dict[str, Any]:
    kind, actor_id, address = entry.actor
    values = (
        entry.sequence,
        moment_text(entry.at),
        kind.value,
        actor_id,
        address,
        entry.account_id,
        entry.action,
        entry.target_id,
        entry.before,
        entry.after,
        entry.hash,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)
