"""The do-not-call list on the command line."""

import re
from pathlib import Path

from tests.cli.conftest import Ringbridge


def exported(ringbridge: Ringbridge, account: str) -> list[str]:
    """The numbers of the list."""
    head, *rows = ringbridge("do-not-call", "export", "--account", account).out.splitlines()
    assert head == "number,added_at,reason"
    assert all(re.fullmatch(r"\+\d+,\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ,[a-z ]*", row) for row in rows)
    return [row.partition(",")[0] for row in rows]


def test_numbers_are_put_on_the_list_and_taken_off(ringbridge: Ringbridge, account: str) -> None:
    words = ("do-not-call", "add", "--account", account)
    assert ringbridge(*words, "(512) 529-2329", "+44 20 7946 0958") == (0, "2 numbers added\n", "")
    assert ringbridge(*words, "+15125292329") == (0, "0 numbers added\n", "")
    assert exported(ringbridge, account) == ["+15125292329", "+442079460958"]

    removing = ("do-not-call", "remove", "--account", account, "512 529 2329")
    assert ringbridge(*removing) == (0, "", "")
    assert ringbridge(*removing).err == (
        f"ringbridge: +15125292329 is not on the do-not-call list of account {account}\n"
    )


def test_what_is_exported_can_be_imported(ringbridge: Ringbridge, account: str, tmp_path: Path) -> None:
    ringbridge("do-not-call", "add", "--account", account, "+15125292329", "+442079460958")
    ringbridge("do-not-call", "add", "--account", account, "+15125292330", "--reason", "asked us")
    file = tmp_path / "list.csv"
    file.write_text(ringbridge("do-not-call", "export", "--account", account).out)
    other = ringbridge("account", "add", "--name", "Other").out.strip()

    assert ringbridge("do-not-call", "import", "--account", other, str(file)).out == "3 numbers added\n"
    assert ",asked us\n" in ringbridge("do-not-call", "export", "--account", other).out
    assert exported(ringbridge, other) == exported(ringbridge, account)


def test_a_file_with_a_row_that_is_no_number_adds_none(
    ringbridge: Ringbridge, account: str, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("+15125292329\n\nhello\n")
    refused = ringbridge("do-not-call", "import", "--account", account, str(file))

    assert refused.status == 2
    assert "list.csv, row 3: 'hello' is not a telephone number in US; no number was added" in refused.err
    assert exported(ringbridge, account) == []


def test_there_is_no_list_without_an_account(ringbridge: Ringbridge) -> None:
    for words in (("export",), ("add", "+15125292329")):
        refused = ringbridge("do-not-call", words[0], "--account", "7", *words[1:])
        assert (refused.status, refused.out, refused.err) == (2, "", "ringbridge: There is no account 7.\n")
