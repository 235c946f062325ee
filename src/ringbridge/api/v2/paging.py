"""Long lists, a page at a time: each page names the next by a cursor.

A cursor says where the page ended, not how many rows came before, so rows that come or go meanwhile make nobody miss
or see twice one that stays. It belongs to the list and the filters that it was made for. It is no secret and gives no
right: whose rows are listed is decided by the credentials, whatever a cursor says.
"""

import binascii
import hashlib
import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from ringbridge.call.errors import RequestRefused

MOST_PER_PAGE = 200

Item = TypeVar("Item")
Position = tuple[str | float, ...]
"""The values by which a list is sorted, of the last row of a page."""

Limit = Annotated[int, Query(ge=1, le=MOST_PER_PAGE, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=1024, description="The `next_cursor` of the page before; its filters go along."),
]


class InvalidCursor(RequestRefused):
    """The cursor was not made by this list with these filters."""

    code = "invalid_cursor"

    def __init__(self) -> None:
        super().__init__("This cursor does not belong to this list and these filters.")


class Page(BaseModel, Generic[Item]):
    """Some of a list, and where it goes on."""

    items: list[Item]
    next_cursor: str | None = Field(description="For the next page; null when this is the last.")


def cursor_at(position: Position, list_name: str, filters: Mapping[str, object]) -> str:
    """The cursor of a page of the list whose last row is at `position`."""
    text = json.dumps([_mark(list_name, filters), *position], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position_of(
    cursor: str | None, list_name: str, filters: Mapping[str, object], kinds: Sequence[type[str | float]]
) -> Position | None:
    """Where the page before ended; None without a cursor. `kinds` are the types of the values. Raises InvalidCursor."""
    if cursor is None:
        return None
    try:
        values = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise InvalidCursor from None
    if not isinstance(values, list) or values[:1] != [_mark(list_name, filters)]:
        raise InvalidCursor
    position = tuple(values[1:])
    if [type(value) for value in position] != list(kinds):
        raise InvalidCursor
    # JSON as Python reads it knows numbers that are none.
    if not all(math.isfinite(value) for value in position if isinstance(value, float)):
        raise InvalidCursor
    return position


def _mark(list_name: str, filters: Mapping[str, object]) -> str:
    """What tells the cursors of one list and its filters from others."""
    given = {name: value for name, value in filters.items() if value is not None}
    text = json.dumps([list_name, given], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
