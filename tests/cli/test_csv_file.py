"""Files of lines: which row is wrong, and nothing stored if one is."""

from pathlib import Path

import pytest

from ringbridge.call.directory import Account, LineKind
from ringbridge.cli.csv_file import read_lines
from ringbridge.cli.errors import CommandError

ACCOUNT = Account(id="1009683", name="Blue Bottle")


def test_a_row_names_an_address_or_a_trunk(tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text("trunk,number,uri\n,201,sip:201@192.0.2.7\ncarrier,(817) 562-9656,\n")

    first, second = read_lines(file, ACCOUNT, set(), {"carrier"})

    assert (first.number, first.kind, first.uri, first.trunk) == (
        "201",
        LineKind.URI,
        "sip:201@192.0.2.7",
        None,
    )
    assert (second.number, second.kind, second.uri, second.trunk) == (
        "+18175629656",
        LineKind.TRUNK,
        None,
        "carrier",
    )


def test_semicolons_part_columns_as_well_as_commas(tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text('number;name;uri\n201;"Lovelace, Ada";"sip:201@192.0.2.7;transport=tcp"\n')

    [line] = read_lines(file, ACCOUNT, set(), set())

    assert (line.number, line.name, line.uri) == ("201", "Lovelace, Ada", "sip:201@192.0.2.7;transport=tcp")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "row 1: the columns are number, name and uri (or trunk), not ''"),
        ("number,phone\n", "row 1: the columns are number, name and uri (or trunk), not 'number,phone'"),
        (
            "number,uri\n201,sip:x@192.0.2.7\n\n12345678,sip:x@192.0.2.7\n",
            "row 4: '12345678' is not a telephone number in US; no line was added",
        ),
        (
            "number,uri\n201,x@192.0.2.7\n",
            "row 2: 'x@192.0.2.7' is not a SIP address: write sip:USER@HOST:PORT; no line was added",
        ),
        ("number,uri\n201,\n", "row 2: a line takes a uri or a trunk, and not both; no line was added"),
        (
            "number,uri\n201,sip:x@192.0.2.7\n201,sip:x@192.0.2.7\n",
            "row 3: 201 is in an earlier row already; no line was added",
        ),
        (
            "number,uri\n300,sip:x@192.0.2.7\n",
            "row 2: 300 is a line of the account already; no line was added",
        ),
        ("number,uri\n112,sip:x@192.0.2.7\n", "row 2: '112' is an emergency number in US; no line was added"),
        (
            "number,name,uri\n201,A\x07da,sip:x@192.0.2.7\n",
            r"row 2: 'A\x07da' is no name: it contains control characters; no line was added",
        ),
        ("number,trunk\n201,elsewhere\n", "row 2: there is no trunk elsewhere; no line was added"),
        ("number,uri\n201,sip:x@192.0.2.7,b\n", "row 2: 3 cells for 2 columns; no line was added"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(text)

    with pytest.raises(CommandError) as error:
        read_lines(file, ACCOUNT, {"300"}, {"carrier"})

    assert str(error.value) == f"{file}, {sentence}"


def test_a_file_that_is_not_there_or_not_text_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"

    with pytest.raises(CommandError) as missing:
        read_lines(file, ACCOUNT, set(), set())
    file.write_bytes(b"number,uri\n\xff\xfe")
    with pytest.raises(CommandError) as binary:
        read_lines(file, ACCOUNT, set(), set())

    assert str(missing.value) == f"cannot read {file}: No such file or directory"
    assert str(binary.value) == f"{file} is not UTF-8 text: save it as CSV UTF-8"
