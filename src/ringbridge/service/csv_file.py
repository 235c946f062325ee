"""CSV files as people upload them: the rows of one, and what is wrong with a row."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain

from ringbridge.call.errors import CallError

MOST_FILE_OCTETS = 16 * 1024 * 1024


class UnusableFile(CallError):
    """A file that cannot be taken; nothing of it was. `code` says why, `row` where, counted from 1; 0 for all of it."""

    def __init__(self, code: str, row: int = 0, text: str = "") -> None:
        super().__init__(f"row {row}: {code}" if row else code)
        self.code = code
        self.row = row
        self.text = text[:64]


def rows_of(data: bytes) -> Iterator[list[str]]:
    """The cells of each row, without blanks around them. Raises UnusableFile, also for what turns out not to be CSV."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UnusableFile("not_text") from None
    read = 0
    try:
        for cells in csv_rows(io.StringIO(text, newline="")):
            read += 1
            yield [cell.strip() for cell in cells]
    except csv.Error:
        raise UnusableFile("not_csv", read + 1) from None


def csv_rows(lines: Iterable[str]) -> Iterator[list[str]]:
    """The cells of each row; semicolons part them where they part the first row's. Raises csv.Error."""
    rest = iter(lines)
    first = next(rest, None)
    if first is None:
        return iter(())
    first = first.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    # Spreadsheets write a byte order mark first, and semicolons where a comma stands before decimals.
    delimiter = ";" if ";" in first and "," not in first else ","
    return csv.reader(chain((first,), rest), delimiter=delimiter)
