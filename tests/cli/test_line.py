"""Lines on the command line, one by one and by the thousand."""

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from ringbridge.sip.registrar import device_digests
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
    assert (status, said["SIP user name"]) == (0, "1009683-201")
    assert said["server address"] == "127.0.0.1:5060"
    assert err == ""
    with sqlite3.connect(tmp_path / "data" / "ringbridge.db") as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert said["password"] not in dump
    assert device_digests("1009683-201", said["password"])["SHA-256"] in dump


def test_who_is_asked_to_press_1_is_told_by_the_line_and_else_by_its_kind(
    ringbridge: Ringbridge, account: str
) -> None:
    ringbridge("trunk", "add", "--name", "pbx", "--uri", "sip:192.0.2.1")
    for number, words in {
        "201": ("--uri", "sip:x@127.0.0.1"),
        "202": ("--uri", "sip:x@127.0.0.1", "--confirm"),
        "203": ("--trunk", "pbx"),
        "204": ("--trunk", "pbx", "--no-confirm"),
    }.items():
        assert ringbridge("line", "add", "--account", account, "--number", number, *words) == (0, "", "")

    rows = json.loads(ringbridge("line", "list", "--account", account, "--json").out)
    assert [row["confirm"] for row in rows] == [False, True, True, False]


def test_how_a_phone_is_to_be_treated_is_listed(ringbridge: Ringbridge, account: str) -> None:
    words = ("--device", "--auto-answer", "--srtp", "required", "--nat")
    ringbridge("line", "add", "--account", account, "--number", "201", *words)

    (row,) = json.loads(ringbridge("line", "list", "--account", account, "--json").out)
    assert (row["auto_answer"], row["srtp"], row["nat"]) == (True, "required", True)


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
        (
            ("--number", "201", "--uri", "sip:x@127.0.0.1", "--srtp", "optional"),
            "--srtp needs TLS: write --uri sip:USER@HOST;transport=tls",
        ),
        (
            ("--number", "201", "--trunk", "carrier", "--auto-answer"),
            "--auto-answer, --srtp and --nat are for phones of your own: --uri or --device",
        ),
        (("--number", "911", "--device"), "'911' is an emergency number in US"),
        (("--number", "999", "--device"), "'999' is an emergency number in US"),
        (("--number", "1911", "--device"), "'1911' is an emergency number in US"),
        (
            ("--number", "201", "--name", "Ada\x1b[2J", "--device"),
            r"'Ada\x1b[2J' is no name: it contains control characters",
        ),
    ],
)
def test_what_is_no_line_is_refused(
    ringbridge: Ringbridge, account: str, words: tuple[str, ...], sentence: str
) -> None:
    assert ringbridge("line", "add", "--account", account, *words) == (2, "", f"ringbridge: {sentence}\n")
    assert numbers(ringbridge, account) == []


def test_a_line_that_has_an_emergency_number_already_can_be_removed(
    ringbridge: Ringbridge, account: str, tmp_path: Path
) -> None:
    ringbridge("line", "add", "--account", account, "--number", "201", "--device")
    with sqlite3.connect(tmp_path / "data" / "ringbridge.db") as database:
        database.execute("UPDATE lines SET number = '911'")
    database.close()

    assert ringbridge("line", "remove", "--account", account, "--number", "911") == (0, "", "")


def test_addresses_that_the_server_has_no_way_to_are_warned_of(
    ringbridge: Ringbridge, account: str, tmp_path: Path
) -> None:
    file = tmp_path / "lines.csv"
    file.write_text("number,uri\n202,sip:x@[2001:db8::2]\n203,sip:x@[2001:db8::3]\n204,sip:x@192.0.2.4\n")
    sentence = "ringbridge: warning: 2001:db8::2 is an IPv6 address, but RINGBRIDGE_SIP_HOST is not"

    one = ringbridge("line", "add", "--account", account, "--number", "201", "--uri", "sip:x@[2001:db8::2]")
    many = ringbridge("line", "import", str(file), "--account", account)

    assert one == (0, "", f"{sentence}: no call gets there\n")
    assert many == (0, "3 lines added\n", f"{sentence} (and 1 more): no call gets there\n")
    assert numbers(ringbridge, account) == ["201", "202", "203", "204"]


def test_thousands_are_imported_at_once(ringbridge: Ringbridge, account: str, tmp_path: Path) -> None:
    rows = [f"+1817562{index:04},Person {index},sip:{index}@192.0.2.7" for index in range(3000)]
    file = tmp_path / "lines.csv"
    file.write_text("\ufeffNumber,Name,URI\r\n" + "\r\n".join(rows) + "\r\n\r\n", encoding="utf-8")

    assert ringbridge("line", "import", str(file), "--account", account) == (0, "3000 lines added\n", "")
    assert len(numbers(ringbridge, account)) == 3000


def the_line(ringbridge: Ringbridge, account: str) -> dict[str, object]:
    [row] = json.loads(ringbridge("line", "list", "--account", account, "--json").out)
    return dict(row)


def test_what_is_given_of_a_line_changes_and_nothing_else(ringbridge: Ringbridge, account: str) -> None:
    line = ("--account", account, "--number", "201")
    ringbridge("trunk", "add", "--name", "pbx", "--uri", "sip:192.0.2.1")
    ringbridge("line", "add", *line, "--name", "Ada", "--uri", "sip:x@127.0.0.1", "--nat", "--confirm")
    before = the_line(ringbridge, account)

    assert ringbridge("line", "set", *line, "--uri", "sip:y@127.0.0.1", "--auto-answer") == (0, "", "")
    changed = before | {"uri": "sip:y@127.0.0.1", "auto_answer": True}
    assert the_line(ringbridge, account) == changed

    words = ("--trunk", "pbx", "--no-nat", "--no-auto-answer", "--unset", "name", "--no-confirm")
    assert ringbridge("line", "set", *line, *words) == (0, "", "")
    over_trunk = {"kind": "trunk", "uri": None, "trunk": "pbx", "nat": False, "confirm": False, "name": None}
    assert the_line(ringbridge, account) == before | over_trunk


def test_a_line_that_becomes_a_device_gets_a_password_and_each_time_another(
    ringbridge: Ringbridge, account: str, tmp_path: Path
) -> None:
    line = ("--account", account, "--number", "201")
    ringbridge("line", "add", *line, "--uri", "sip:x@127.0.0.1")

    def digests() -> dict[str, str] | None:
        with sqlite3.connect(tmp_path / "data" / "ringbridge.db") as database:
            [(text,)] = database.execute("SELECT device_digests FROM lines").fetchall()
        database.close()
        found: dict[str, str] | None = json.loads(text or "null")
        return found

    passwords = []
    for _ in range(2):
        said = dict(
            row.split(": ", 1) for row in ringbridge("line", "set", *line, "--device").out.splitlines()
        )
        assert said["SIP user name"] == "1009683-201"
        assert digests() == device_digests("1009683-201", said["password"])
        passwords.append(said["password"])
    assert passwords[0] != passwords[1]

    assert ringbridge("line", "set", *line, "--name", "Ada") == (0, "", "")
    assert digests() == device_digests("1009683-201", passwords[1])
    assert ringbridge("line", "set", *line, "--uri", "sip:x@127.0.0.1") == (0, "", "")
    assert digests() is None
    assert the_line(ringbridge, account)["sip_username"] is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("201",), "nothing to change: give the options that are to be different"),
        (("202", "--nat"), "Account 1009683 has no line 202."),
        (("201", "--trunk", "pbx"), "There is no trunk pbx."),
        (("201", "--device", "--trunk", "pbx"), "a line is reached by one of --uri, --device and --trunk"),
        (
            ("201", "--srtp", "required"),
            "--srtp needs TLS: write --uri sip:USER@HOST;transport=tls",
        ),
    ],
)
def test_a_change_after_which_a_line_could_not_be_called_is_refused(
    ringbridge: Ringbridge, account: str, words: tuple[str, ...], sentence: str
) -> None:
    ringbridge("line", "add", "--account", account, "--number", "201", "--uri", "sip:x@127.0.0.1")
    before = the_line(ringbridge, account)

    refused = ringbridge("line", "set", "--account", account, "--number", *words)

    assert refused == (2, "", f"ringbridge: {sentence}\n")
    assert the_line(ringbridge, account) == before


@pytest.mark.parametrize("srtp", ["optional", "required"])
def test_a_device_that_encrypts_audio_is_sent_to_the_port_for_tls(
    ringbridge: Ringbridge, account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, srtp: str
) -> None:
    line = ("--account", account, "--number", "201", "--device")
    added = ringbridge("line", "add", *line, "--srtp", srtp)
    monkeypatch.setenv("RINGBRIDGE_SIP_TLS_CERTIFICATE", str(tmp_path / "certificate.pem"))
    changed = ringbridge("line", "set", *line)

    for said in (added, changed):
        assert said.out.startswith("server address: 127.0.0.1:5061\ntransport: TLS\n")
    assert "set RINGBRIDGE_SIP_TLS_CERTIFICATE" in added.err
    assert changed.err == ""
