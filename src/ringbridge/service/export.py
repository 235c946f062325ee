"""Records as documents and as tables: what leaves as JSON or as CSV, through the API or the command line."""

import asyncio
import csv
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from enum import Enum
from io import StringIO
from typing import Any

from ringbridge.call.money import amount_text
from ringbridge.call.record import Record
from ringbridge.call.third import StoredThird

_FIELDS = tuple(item.name for item in fields(Record) if item.name != "legs_micros")

COLUMNS = (*_FIELDS, "test", "cost")

_SIDES = ("user", "destination")
_LEG = (
    "number",
    "trunk",
    "caller_number",
    "dialed_at",
    "ringing_at",
    "answered_at",
    "ended_at",
    "cause",
    "sip_status",
    "q850",
    "ring_seconds",
)
_CALL = (
    "call_id",
    "key_id",
    "outcome",
    "cause",
    "ended_by",
    "accepted_at",
    "ended_at",
    "talk_seconds",
    "metadata",
)
_THIRD = (
    "number",
    "trunk",
    "outcome",
    "dialed_at",
    "ringing_at",
    "answered_at",
    "ended_at",
    "cause",
    "sip_status",
    "q850",
    "talk_seconds",
)

# With these a spreadsheet takes a cell for a formula, and runs it. An apostrophe in front says that it is text.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ExportForm(Enum):
    """How records are written: a table with a row of names, or a list of documents. Either can be sent as it grows."""

    CSV = "csv"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """What HTTP calls it."""
        return "text/csv; charset=utf-8" if self is ExportForm.CSV else "application/json"

    @property
    def head(self) -> str:
        """What stands before the first record."""
        return table_row(COLUMNS) if self is ExportForm.CSV else "["

    @property
    def tail(self) -> str:
        """What stands behind the last record."""
        return "" if self is ExportForm.CSV else "\n]\n"

    async def texts(self, first: list[Record], others: AsyncIterator[list[Record]]) -> AsyncGenerator[str]:
        """The whole, batch by batch."""
        # In a thread: to write some hundred records takes longer than a call that is being placed should wait.
        yield self.head
        yield await asyncio.to_thread(self.body, first, is_first=True)
        async for batch in others:
            yield await asyncio.to_thread(self.body, batch, is_first=False)
        yield self.tail

    def body(self, records: Sequence[Record], *, is_first: bool) -> str:
        """Some records; `is_first` when none was written before."""
        if self is ExportForm.CSV:
            return "".join(
                table_row(
                    [
                        *(_value(name, getattr(record, name)) for name in _FIELDS),
                        _word(record.is_test),
                        cost_text(record.micros),
                    ]
                )
                for record in records
            )
        texts = [f"\n{json.dumps(as_document(record), ensure_ascii=False)}" for record in records]
        return ("" if is_first or not texts else ",") + ",".join(texts)


def as_document(record: Record) -> dict[str, Any]:
    """A record as JSON has it: the call, and in it each side by itself."""
    document = {name: _value(name, getattr(record, name)) for name in _CALL}
    document["metadata"] = dict(record.metadata or {})
    for side in _SIDES:
        document[side] = {name: _value(name, getattr(record, f"{side}_{name}")) for name in _LEG}
    return document | {
        "thirds": [third_document(third) for third in record.thirds],
        "test": record.is_test,
        "cost": cost_text(record.micros),
    }


def third_document(third: StoredThird) -> dict[str, Any]:
    """A third as JSON has it."""
    document = {name: _value(name, getattr(third, name)) for name in _THIRD}
    if third.ended_at is None:
        document["talk_seconds"] = None
    return document | {"cost": cost_text(third.micros)}


def cost_text(micros: int | None) -> str | None:
    """What something cost, as text: a binary fraction is not exact. None where nobody knows."""
    return None if micros is None else amount_text(micros)


def _value(name: str, value: Any) -> Any:
    """Times as RFC 3339 has them, and seconds, to the millisecond."""
    if value is None:
        return None
    if name == "thirds":
        return [third_document(third) for third in value] or None
    if name.endswith("_at"):
        return moment_text(value)
    return round(value, 3) if name.endswith("_seconds") else value


def _word(is_so: bool) -> str:
    """As JSON has it."""
    return "true" if is_so else "false"


def moment_text(utc_seconds: float) -> str:
    """A point in time as RFC 3339 has it, to the millisecond."""
    text = datetime.fromtimestamp(round(utc_seconds, 3), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def table_row(cells: Iterable[Any]) -> str:
    """A row of a CSV file that a spreadsheet may open."""
    text = StringIO()
    csv.writer(text).writerow([_cell(cell) for cell in cells])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping):
        value = dict(value)
    shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
    if isinstance(shown, str) and shown.startswith(_FORMULA_STARTS):
        return f"'{shown}"
    return shown
