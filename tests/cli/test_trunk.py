"""Trunks on the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ringbridge


def test_the_first_trunk_is_listed_first_and_no_password_is(ringbridge: Ringbridge) -> None:
    ringbridge("trunk", "add", "--name", "zeta", "--uri", "sip:192.0.2.1:5060;transport=udp")
    ringbridge(
        "trunk", "add", "--name", "alfa", "--uri", "sip:192.0.2.2", "--username", "u", "--password", "hunter2"
    )

    out = ringbridge("trunk", "list", "--json").out

    assert [row["name"] for row in json.loads(out)] == ["zeta", "alfa"]
    assert "hunter2" not in out


def test_what_a_trunk_is_told_is_listed(ringbridge: Ringbridge, tmp_path: Path) -> None:
    for name in ("ca.pem", "own.pem", "own.key"):
        (tmp_path / name).touch()
    added = ringbridge(
        *("trunk", "add", "--name", "europe", "--uri", "sip:192.0.2.1;transport=tls", "--register"),
        *("--username", "u", "--password", "p", "--prefix", "44", "--prefix", "+33", "--position", "3"),
        *("--weight", "5", "--channels", "30", "--calls-per-second", "2", "--number-format", "e164"),
        *("--number-prefix", "99#", "--caller-id", "anonymous", "--srtp", "required", "--nat"),
        *("--tls-ca", "ca.pem", "--tls-certificate", "own.pem", "--tls-key", "own.key"),
    )
    shown = ringbridge("trunk", "list").out.splitlines()

    assert (added.status, added.out) == (0, "")
    assert json.loads(ringbridge("trunk", "list", "--json").out) == [
        {
            "name": "europe",
            "uri": "sip:192.0.2.1;transport=tls",
            "username": "u",
            "registers": True,
            "prefixes": ["+44", "+33"],
            "position": 3,
            "weight": 5,
            "channels": 30,
            "calls_per_second": 2,
            "number_format": "e164",
            "number_prefix": "99#",
            "caller_id": "anonymous",
            "srtp": "required",
            "nat": True,
            "tls_ca": str(tmp_path / "ca.pem"),
            "tls_certificate": str(tmp_path / "own.pem"),
            "tls_key": str(tmp_path / "own.key"),
        }
    ]
    assert shown[1].split() == ["europe", "sip:192.0.2.1;transport=tls", "u", "yes", "+44", "+33", "3", "5"]


def test_a_trunk_is_by_default_one_for_all_numbers_behind_the_others(ringbridge: Ringbridge) -> None:
    for name, words in (("first", ()), ("second", ()), ("before", ("--position", "0"))):
        ringbridge("trunk", "add", "--name", name, "--uri", "sip:192.0.2.1", *words)

    rows = json.loads(ringbridge("trunk", "list", "--json").out)

    assert [(row["name"], row["position"]) for row in rows] == [("before", 0), ("first", 0), ("second", 1)]
    assert (rows[1]["number_format"], rows[1]["caller_id"], rows[1]["prefixes"]) == ("e164+", "from", [])


def test_a_file_that_is_not_there_is_told_of(ringbridge: Ringbridge) -> None:
    words = ("--name", "carrier", "--uri", "sips:192.0.2.1", "--tls-ca", "missing.pem")

    assert "'missing.pem' does not exist" in ringbridge("trunk", "add", *words).err


def test_an_ipv4_trunk_of_an_ipv6_server_is_warned_of(
    ringbridge: Ringbridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBRIDGE_SIP_HOST", "::1")

    assert ringbridge("trunk", "add", "--name", "six", "--uri", "sip:[2001:db8::1]") == (0, "", "")
    assert ringbridge("trunk", "add", "--name", "four", "--uri", "sip:192.0.2.1").err == (
        "ringbridge: warning: 192.0.2.1 is an IPv4 address, but RINGBRIDGE_SIP_HOST is not: no call gets there\n"
    )


def test_a_trunk_can_be_removed_when_no_line_uses_it(ringbridge: Ringbridge, account: str) -> None:
    ringbridge("trunk", "add", "--name", "carrier", "--uri", "sip:192.0.2.1")
    ringbridge("line", "add", "--account", account, "--number", "201", "--trunk", "carrier")

    assert ringbridge("trunk", "remove", "carrier").status == 2
    ringbridge("line", "remove", "--account", account, "--number", "201")
    assert ringbridge("trunk", "remove", "carrier").status == 0
    assert json.loads(ringbridge("trunk", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("--uri", "192.0.2.1"),
            "'192.0.2.1' is not a SIP address: write sip:USER@HOST:PORT",
        ),
        (
            ("--uri", "tel:+15125292329"),
            "'tel:+15125292329' begins with tel:, but calls can be sent to sip: and sips: addresses only",
        ),
        (
            ("--uri", "sip:192.0.2.1;transport=sctp"),
            "'sip:192.0.2.1;transport=sctp' asks for SCTP, but SIP is sent over UDP, TCP and TLS only",
        ),
        (
            ("--uri", "sips:192.0.2.1;transport=udp"),
            "'sips:192.0.2.1;transport=udp' asks for UDP, but sips: goes over TLS only",
        ),
        (
            ("--uri", "sip:carrier..example"),
            "'sip:carrier..example' names no host: 'carrier..example' is neither an IP address nor a host name",
        ),
        (
            ("--uri", "sip:192.0.2"),
            "'sip:192.0.2' names no host: '192.0.2' is neither an IP address nor a host name",
        ),
        (
            ("--uri", "sip:192.0.2.1", "--username", "u"),
            "--username and --password go together",
        ),
        (
            ("--uri", "sip:192.0.2.1", "--register"),
            "--register needs --username and --password",
        ),
        (
            ("--uri", "sip:192.0.2.1", "--prefix", "0044"),
            "'0044' is no beginning of a number: write it with its country code, such as +44",
        ),
        (
            ("--uri", "sip:192.0.2.1", "--number-format", "e164", "--number-prefix", "9w"),
            "--number-prefix takes up to 16 of 0123456789*#, not '9w'",
        ),
        (
            ("--uri", "sip:192.0.2.1", "--number-prefix", "9"),
            "a plus comes first: --number-prefix goes with --number-format e164 or national",
        ),
        (
            ("--uri", "sip:192.0.2.1", "--srtp", "optional"),
            "--srtp and --tls-... need TLS: write --uri sip:HOST;transport=tls",
        ),
        (
            ("--uri", "sips:192.0.2.1", "--tls-key", "/etc/hostname"),
            "--tls-certificate and --tls-key go together",
        ),
    ],
)
def test_what_cannot_carry_calls_is_refused(
    ringbridge: Ringbridge, words: tuple[str, ...], sentence: str
) -> None:
    assert ringbridge("trunk", "add", "--name", "carrier", *words) == (2, "", f"ringbridge: {sentence}\n")
    assert json.loads(ringbridge("trunk", "list", "--json").out) == []


def test_no_trunk_is_named_as_the_calls_of_test_keys_are(ringbridge: Ringbridge) -> None:
    refused = ringbridge("trunk", "add", "--name", "simulated", "--uri", "sip:192.0.2.1")
    assert (
        refused.err == "ringbridge: the name simulated is kept for the calls of test keys: give another one\n"
    )


def the_trunk(ringbridge: Ringbridge) -> dict[str, object]:
    [row] = json.loads(ringbridge("trunk", "list", "--json").out)
    return dict(row)


def test_what_is_given_of_a_trunk_changes_and_nothing_else(ringbridge: Ringbridge, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    ringbridge(
        *(
            "trunk",
            "add",
            "--name",
            "carrier",
            "--uri",
            "sip:192.0.2.1",
            "--username",
            "u",
            "--password",
            "p",
        ),
        *("--register", "--prefix", "+44", "--channels", "3", "--nat", "--weight", "4"),
    )
    before = the_trunk(ringbridge)

    words = ("--uri", "sip:192.0.2.2;transport=tls", "--prefix", "33", "--prefix", "+34", "--no-nat")
    assert (
        ringbridge("trunk", "set", "carrier", *words, "--tls-ca", "ca.pem", "--srtp", "optional").status == 0
    )
    changed = before | {
        "uri": "sip:192.0.2.2;transport=tls",
        "prefixes": ["+33", "+34"],
        "nat": False,
        "tls_ca": str(tmp_path / "ca.pem"),
        "srtp": "optional",
    }
    assert the_trunk(ringbridge) == changed

    given = (
        "--no-register",
        "--unset",
        "username",
        "--unset",
        "password",
        "--unset",
        "prefix",
        "--position",
        "7",
    )
    assert ringbridge("trunk", "set", "carrier", *given, "--unset", "channels") == (0, "", "")
    assert the_trunk(ringbridge) == changed | {
        "registers": False,
        "username": None,
        "prefixes": [],
        "position": 7,
        "channels": None,
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("carrier",), "nothing to change: give the options that are to be different"),
        (("other", "--nat"), "There is no trunk other."),
        (("carrier", "--unset", "password"), "--username and --password go together"),
        (
            ("carrier", "--srtp", "required"),
            "--srtp and --tls-... need TLS: write --uri sip:HOST;transport=tls",
        ),
        (("carrier", "--uri", "192.0.2.1"), "'192.0.2.1' is not a SIP address: write sip:USER@HOST:PORT"),
    ],
)
def test_a_change_after_which_a_trunk_could_not_carry_calls_is_refused(
    ringbridge: Ringbridge, words: tuple[str, ...], sentence: str
) -> None:
    account = ("--username", "u", "--password", "p", "--register")
    ringbridge("trunk", "add", "--name", "carrier", "--uri", "sip:192.0.2.1", *account)
    before = the_trunk(ringbridge)

    assert ringbridge("trunk", "set", *words) == (2, "", f"ringbridge: {sentence}\n")
    assert the_trunk(ringbridge) == before
