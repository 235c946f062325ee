"""Lines on the command line, one by one and by the thousand."""

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from ringbridge.cli.line import device_digests
from tests.cli.conftest import Ringbridge


def numbers(ringbridge: Ringbridge, account: str) -> list[str]:
    return [
        row["number"] for row in json.loads(ringbridge("line", "list", "--account", account, "--json").out)
    ]


def test_a_number_is_kept_as_e164_and_an_extension_as_it_is(ringbridge: Ringbridge, account: str) -> None:
    for number in ("+1 (817) 562-9657", "8175629656", "201"):
        added = ringbridge(
            "line", "add", "--account", account, "--number", number, "--uri", "sip:x@127.0.0.1"
        )
        assert added == (0, "", "")

    assert numbers(ringbridge, account) == ["+18175629656", "+18175629657", "201"]


def test_a_removed_line_is_gone(ringbridge: Ringbridge, account: str) -> None:
    ringbridge("line", "add", "--account", account, "--number", "201", "--uri", "sip:x@127.0.0.1")

    assert ringbridge("line", "remove", "--account", account, "--number", "201").status == 0
    assert numbers(ringbridge, account) == []


def test_a_device_gets_a_password_that_is_stored_as_digests_only(
    ringbridge: Ringbridge, account: str, tmp_path: Path
) -> None:
    status, out, err = ringbridge("line", "add", "--account", account, "--number", "201", "--device")

    said = dict(line.split(": ", 1) for line in out.splitlines())
    assert (status, said["username"]) == (0, "1009683-201")
    assert err.startswith("ringbridge: note: this version takes no registrations yet")
    with sqlite3.connect(tmp_path / "data" / "ringbridge.db") as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert said["password"] not in dump
    assert device_digests("1009683-201", said["password"])["SHA-256"] in dump


def test_digests_are_those_of_rfc_7616() -> None:
    secret = b"1009683-201:ringbridge:s3cret"

    assert device_digests("1009683-201", "s3cret") == {
        "MD5": hashlib.md5(secret).hexdigest(),
        "SHA-256": hashlib.sha256(secret).hexdigest(),
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--number", "201"), "a line is reached by one of --uri, --device and --trunk"),
        (
            ("--number", "201", "--uri", "sip:x@127.0.0.1", "--device"),
            "a line is reached by one of --uri, --device and --trunk",
        ),
        (("--number", "12345678", "--device"), "'12345678' is not a telephone number in US"),
        (
            ("--number", "+18175629656 x12", "--device"),
            "'+18175629656 x12' has an extension: a line is a number that can be dialled directly",
        ),
        (("--number", "201", "--trunk", "carrier"), "There is no trunk carrier. Add it first."),
        (
            ("--number", "201", "--uri", "sip:u:pw@127.0.0.1"),
            "'sip:u:pw@127.0.0.1' carries a password or headers; write sip:USER@HOST:PORT",
        ),
    ],
)
def test_what_is_no_line_is_refused(
    ringbridge: Ringbridge, account: str, words: tuple[str, ...], sentence: str
) -> None:
    assert ringbridge("line", "add", "--account", account, *words) == (2, "", f"ringbridge: {sentence}\n")
    assert numbers(ringbridge, account) == []


def test_thousands_are_imported_at_once(ringbridge: Ringbridge, account: str, tmp_path: Path) -> None:
    rows = [f"+1817562{index:04},Person {index},sip:{index}@192.0.2.7" for index in range(3000)]
    file = tmp_path / "lines.csv"
    file.write_text("\ufeffNumber,Name,URI\r\n" + "\r\n".join(rows) + "\r\n\r\n", encoding="utf-8")

    assert ringbridge("line", "import", str(file), "--account", account) == (0, "3000 lines added\n", "")
    assert len(numbers(ringbridge, account)) == 3000
