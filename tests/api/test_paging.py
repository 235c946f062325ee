"""Cursors: a page's end comes back as it was, and only to the list and the filters that it was made for."""

from base64 import urlsafe_b64encode

import pytest

from ringbridge.api.v2.paging import InvalidCursor, Position, cursor_at, position_of

FILTERS = {"state": "ended", "outcome": None}
KINDS = (float, str)


def read(
    cursor: str | None, filters: dict[str, object] | None = None, name: str = "calls"
) -> Position | None:
    return position_of(cursor, name, FILTERS if filters is None else filters, KINDS)


def test_a_position_comes_back_exactly() -> None:
    position = (1_795_000_000.1234567, "019ab2c4")
    assert read(cursor_at(position, "calls", FILTERS)) == position


def test_without_a_cursor_there_is_no_position() -> None:
    assert read(None) is None


def test_a_filter_that_is_not_set_is_none() -> None:
    cursor = cursor_at((1.0, "a"), "calls", {"state": "ended"})
    assert read(cursor) == (1.0, "a")


def test_a_cursor_needs_nothing_escaped_in_an_address() -> None:
    assert all(
        cursor_at((float(number), "?" * number), "calls", {}).replace("-", "").replace("_", "").isalnum()
        for number in range(64)
    )


@pytest.mark.parametrize(
    ("filters", "name"),
    [({"state": "ended", "outcome": "completed"}, "calls"), ({}, "calls"), (FILTERS, "records")],
)
def test_a_cursor_of_another_list_or_other_filters_is_refused(filters: dict[str, object], name: str) -> None:
    cursor = cursor_at((1.0, "a"), "calls", FILTERS)
    with pytest.raises(InvalidCursor):
        read(cursor, filters, name)


def forged(text: bytes) -> str:
    return urlsafe_b64encode(text).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "\ud800",
        "=" * 5,
        "%%%%",
        forged(b"{}"),
        forged(b"[]"),
        forged(b"[" * 700),
        forged(b"\xff"),
        forged(b"1"),
    ],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        read(cursor)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_position_at_no_number_is_refused(number: float) -> None:
    """JSON as Python reads it has them, and no database can compare with them."""
    cursor = cursor_at((number, "a"), "calls", FILTERS)
    with pytest.raises(InvalidCursor):
        read(cursor)


@pytest.mark.parametrize(
    "position", [(1.0,), ("a", "a"), (1.0, "a", "b"), (True, "a"), (1.0, None), (None, "a")]
)
def test_a_position_of_other_kinds_is_refused(position: tuple[object, ...]) -> None:
    cursor = cursor_at(position, "calls", FILTERS)  # type: ignore[arg-type]
    with pytest.raises(InvalidCursor):
        read(cursor)
