"""Lines in a CSV file: what each row would become, or what is wrong with it. Nothing is stored."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from ringbridge.call.directory import Account, Line, LineKind
from ringbridge.call.errors import InvalidOption
from ringbridge.call.number import InvalidNumber
from ringbridge.call.provisioning import new_line_number, shown_name
from ringbridge.service.csv_file import csv_rows

COLUMNS = ("number", "name", "uri", "trunk")


class ImportedRow(NamedTuple):
    """A row, counted as spreadsheets count: the first is the one with the names of the columns, and is faulty or not there.

    line: what it would become, None if something is wrong: `option` says with which column, "" for the whole, and `code` what.
    """

    number: int
    values: dict[str, str]
    line: Line | None
    option: str = ""
    code: str = ""


def read_import(
    texts: Iterable[str],
    account: Account,
    trunks: AbstractSet[str],
    taken: Callable[[str], bool],
    address: Callable[[str], str],
) -> Iterator[ImportedRow]:
    """The rows of a file whose lines are `texts`, one after the other; empty ones are passed over.

    trunks: the names of all trunks. taken: whether a number is a line of the account. address: raises InvalidOption for
    what is no SIP address. Raises csv.Error for what is no CSV.
    """
    numbers: set[str] = set()
    for number, cells, names in _cells(texts):
        values = dict(zip(names, cells, strict=False))
        if number == 1:
            yield ImportedRow(1, {"columns": ",".join(names)}, None, "", "unknown_columns")
        elif len(cells) > len(names):
            counts = {"cells": str(len(cells)), "columns": str(len(names))}
            yield ImportedRow(number, values | counts, None, "", "too_many_cells")
        else:
            yield _read(ImportedRow(number, values, None), account, trunks, taken, address, numbers)


def _cells(texts: Iterable[str]) -> Iterator[tuple[int, list[str], list[str]]]:
    """The number, the cells and the columns' names of each row; row 1 only if its names are wrong, and then no other."""
    reader = csv_rows(texts)
    names = [name.strip().lower() for name in next(reader, [])]
    if "number" not in names or not {"uri", "trunk"} & set(names) or not set(names) <= set(COLUMNS):
        yield 1, [], names
        return
    for number, cells in enumerate(reader, start=2):
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            yield number, stripped, names


def _read(
    row: ImportedRow,
    account: Account,
    trunks: AbstractSet[str],
    taken: Callable[[str], bool],
    address: Callable[[str], str],
    numbers: set[str],
) -> ImportedRow:
    """The row with its line or its fault; a number without fault is one of `numbers` from now on."""
    uri, trunk = row.values.get("uri") or None, row.values.get("trunk") or None
    try:
        if (uri is None) == (trunk is None):
            raise InvalidOption("", "uri_or_trunk")
        try:
            number = new_line_number(row.values.get("number", ""), account.country)
        except InvalidNumber as error:
            raise InvalidOption("number", error.code) from error
        name = row.values.get("name") or None
        line = Line(
            id=secrets.token_hex(8),
            account_id=account.id,
            number=number,
            name=None if name is None else shown_name(name),
            kind=LineKind.TRUNK if uri is None else LineKind.URI,
            uri=None if uri is None else address(uri),
            trunk=trunk,
        )
        if number in numbers:
            raise InvalidOption("number", "twice_in_file")
        if taken(number):
            raise InvalidOption("number", "already_exists")
        if trunk is not None and trunk not in trunks:
            raise InvalidOption("trunk", "unknown_trunk")
    except InvalidOption as error:
        return row._replace(option=error.option, code=error.code)
    numbers.add(number)
    return row._replace(line=line)
