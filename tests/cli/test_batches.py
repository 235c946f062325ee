"""Files of many rows: written some at a time, and what is said where that breaks off."""

from collections.abc import Sequence

import pytest

from ringbridge.call.errors import StoreUnavailable
from ringbridge.cli.batches import BATCH, write_in_batches
from ringbridge.cli.errors import CommandError

ROWS = range(2 * BATCH + 1)


def test_rows_are_written_in_batches_and_added_up() -> None:
    batches: list[Sequence[int]] = []

    def write(batch: Sequence[int]) -> int:
        batches.append(batch)
        return len(batch) - 1

    assert write_in_batches(ROWS, write, "line", "") == len(ROWS) - 3
    assert [row for batch in batches for row in batch] == list(ROWS)
    assert [len(batch) for batch in batches] == [BATCH, BATCH, 1]
    assert write_in_batches([], write, "line", "") == 0


@pytest.mark.parametrize(
    ("last", "error", "sentence"),
    [
        (0, StoreUnavailable, "The database is gone."),
        (
            BATCH,
            CommandError,
            f"The database is gone. The first {BATCH} lines of the file are stored: import the rest.",
        ),
    ],
)
def test_what_is_stored_is_said_where_it_breaks_off(last: int, error: type[Exception], sentence: str) -> None:
    def write(batch: Sequence[int]) -> int:
        if batch[0] >= last:
            raise StoreUnavailable("The database is gone.")
        return len(batch)

    with pytest.raises(error) as caught:
        write_in_batches(ROWS, write, "line", "import the rest")
    assert str(caught.value) == sentence
