"""Trunks on the command line."""

import json

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
            ("--uri", "sips:192.0.2.1"),
            "'sips:192.0.2.1' begins with sips:, but calls can be sent to sip: addresses only",
        ),
        (
            ("--uri", "sip:192.0.2.1;transport=tcp"),
            "'sip:192.0.2.1;transport=tcp' asks for TCP, but SIP is sent over UDP only",
        ),
        (
            ("--uri", "sip:192.0.2.1", "--username", "u"),
            "--username and --password go together",
        ),
        (
            ("--uri", "sip:192.0.2.1", "--register"),
            (
                "--register is not built yet: use a trunk that knows this server by its address, or by digest "
                "authentication (--username and --password)"
            ),
        ),
    ],
)
def test_what_cannot_carry_calls_is_refused(
    ringbridge: Ringbridge, words: tuple[str, ...], sentence: str
) -> None:
    assert ringbridge("trunk", "add", "--name", "carrier", *words) == (2, "", f"ringbridge: {sentence}\n")
    assert json.loads(ringbridge("trunk", "list", "--json").out) == []
