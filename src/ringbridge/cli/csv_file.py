"""CSV files, and the lines in one: every row checked before the first is stored."""

import csv
import sys
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ringbridge.addresses import sip_address
from ringbridge.call.directory import Account, Line
from ringbridge.cli.errors import CommandError
from ringbridge.cli.name import shown_name
from ringbridge.cli.number import new_line_number
from ringbridge.cli.progress import progress
from ringbridge.cli.target import sip_uri
from ringbridge.service.line_import import ImportedRow, read_import


def read_lines(file: Path, account: Account, taken: AbstractSet[str], trunks: AbstractSet[str]) -> list[Line]:
    """New lines of the account in `file`, whose first row names the columns. Raises CommandError that names the row.

    taken: the numbers of the lines that the account has. trunks: the names of all trunks.
    """
    lines: list[Line] = []
    with opened_csv(file) as stream:
        texts = _with_progress(file, stream)
        for row in read_import(texts, account, trunks, taken.__contains__, sip_address):
            if row.line is None:
                raise CommandError(f"{file}, row {row.number}: {_sentence(row, account)}")
            lines.append(row.line)
    return lines


def _sentence(row: ImportedRow, account: Account) -> str:
    """What is wrong with a row."""
    values = row.values
    if row.code == "unknown_columns":
        return f"the columns are number, name and uri (or trunk), not {values['columns']!r}"
    return f"{_fault(row, account)}; no line was added"


def _fault(row: ImportedRow, account: Account) -> str:
    values = row.values
    match row.code:
        case "too_many_cells":
            return f"{values['cells']} cells for {values['columns']} columns"
        case "uri_or_trunk":
            return "a line takes a uri or a trunk, and not both"
        case "twice_in_file":
            return f"{new_line_number(values['number'], account.country)} is in an earlier row already"
        case "already_exists":
            return f"{new_line_number(values['number'], account.country)} is a line of the account already"
        case "unknown_trunk":
            return f"there is no trunk {values['trunk']}"
    # The other codes are those of one value each, whose sentence is what refuses it here.
    try:
        _READERS[row.option](values.get(row.option, ""), account)
    except CommandError as error:
        return str(error)
    return row.code


_READERS: dict[str, Callable[[str, Account], str]] = {
    "number": lambda text, account: new_line_number(text, account.country),
    "name": lambda text, account: shown_name(text),
    "uri": lambda text, account: sip_uri(text),
}


@contextmanager
def opened_csv(file: Path) -> Iterator[TextIO]:
    """The text of a CSV file. Raises CommandError, also for what turns out not to be one."""
    # Spreadsheets write a byte order mark before UTF-8.
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            yield stream
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8 text: save it as CSV UTF-8") from error
    except csv.Error as error:
        raise CommandError(f"{file} is not CSV: {error}") from error


def _with_progress(file: Path, rows: TextIO) -> Iterator[str]:
    """The lines of the file; on a terminal a bar shows how far they are read."""
    total = 0
    if sys.stderr.isatty():
        with file.open("rb") as stream:
            total = sum(1 for _ in stream)
    yield from progress(rows, "reading", total)
