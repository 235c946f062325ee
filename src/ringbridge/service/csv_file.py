"""CSV files as people upload them: the rows of one, and what is wrong with a row."""

import csv
import io
from collections.abc import Iterator

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
    # Spreadsheets write a byte order mark before UTF-8, and semicolons where a comma stands before decimals.
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableFile("not_text") from None
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield [cell.strip() for cell in cells]
    except csv.Error:
        raise UnusableFile("not_csv", reader.line_num) from None
