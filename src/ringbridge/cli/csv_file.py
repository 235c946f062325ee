"""CSV files, and the lines in one: every row checked before the first is stored."""

import csv
import secrets
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TextIO

from ringbridge.call.directory import Account, Line, LineKind
from ringbridge.cli.errors import CommandError
from ringbridge.cli.name import shown_name
from ringbridge.cli.number import new_line_number
from ringbridge.cli.target import sip_uri

COLUMNS = ("number", "name", "uri", "trunk")


def read_lines(file: Path, account: Account, taken: AbstractSet[str], trunks: AbstractSet[str]) -> list[Line]:
    """New lines of the account in `file`, whose first row names the columns. Raises CommandError that names the row.

    taken: the numbers of the lines that the account has. trunks: the names of all trunks.
    Rows are counted as spreadsheets count them: the first is the one with the names of the columns.
    """
    lines: dict[str, Line] = {}
    with opened_csv(file) as stream:
        for row, values in _rows(file, stream):
            try:
                line = _line(values, account)
                if line.number in lines:
                    raise CommandError(f"{line.number} is in an earlier row already")
                if line.number in taken:
                    raise CommandError(f"{line.number} is a line of the account already")
                if line.trunk is not None and line.trunk not in trunks:
                    raise CommandError(f"there is no trunk {line.trunk}")
            except CommandError as error:
                raise CommandError(f"{file}, row {row}: {error}; no line was added") from error
            lines[line.number] = line
    return list(lines.values())


def _rows(file: Path, stream: TextIO) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv_rows(stream)
    names = [name.strip().lower() for name in next(reader, [])]
    if "number" not in names or not {"uri", "trunk"} & set(names) or not set(names) <= set(COLUMNS):
        raise CommandError(
            f"{file}, row 1: the columns are number, name and uri (or trunk), not {','.join(names)!r}"
        )
    for row, cells in enumerate(_with_progress(file, reader), start=2):
        texts = [cell.strip() for cell in cells]
        if any(texts):
            if len(texts) > len(names):
                raise CommandError(
                    f"{file}, row {row}: {len(texts)} cells for {len(names)} columns; no line was added"
                )
            yield row, dict(zip(names, texts, strict=False))


def csv_rows(stream: TextIO) -> Iterator[list[str]]:
    """The cells of each row; semicolons part them where they part the first row's."""
    first = stream.readline()
    # Spreadsheets write semicolons where a comma stands before decimals.
    delimiter = ";" if ";" in first and "," not in first else ","
    return csv.reader(chain((first,), stream), delimiter=delimiter)


def _line(values: dict[str, str], account: Account) -> Line:
    uri, trunk = values.get("uri") or None, values.get("trunk") or None
    if (uri is None) == (trunk is None):
        raise CommandError("a line takes a uri or a trunk, and not both")
    return Line(
        id=secrets.token_hex(8),
        account_id=account.id,
        number=new_line_number(values.get("number", ""), account.country),
        name=shown_name(values["name"]) if values.get("name") else None,
        kind=LineKind.TRUNK if uri is None else LineKind.URI,
        uri=None if uri is None else sip_uri(uri),
        trunk=trunk,
    )


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


def _with_progress(file: Path, rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows; on a terminal a bar shows how far they are read."""
    if not sys.stderr.isatty():
        yield from rows
        return
    from rich.console import Console
    from rich.progress import track

    with file.open("rb") as stream:
        total = sum(1 for _ in stream) - 1
    yield from track(rows, "reading", total=total, console=Console(stderr=True), transient=True)
