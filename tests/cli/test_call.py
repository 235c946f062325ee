"""A call placed on the command line through a running server."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Ringbridge
from tests.cli.server import Server

NOBODY = "sip:127.0.0.1:9"


@pytest.fixture
def server(tmp_path: Path, ringbridge: Ringbridge, account: str) -> Iterator[Server]:
    """A server whose account has a line and a trunk, where nobody is at home."""
    ringbridge("line", "add", "--account", account, "--number", "201", "--uri", NOBODY)
    ringbridge("trunk", "add", "--name", "carrier", "--uri", NOBODY)
    with Server(tmp_path / "data") as started:
        yield started


@pytest.fixture
def key(ringbridge: Ringbridge, account: str) -> str:
    out = ringbridge("key", "create", "--account", account).out
    return next(word for word in out.split() if word.startswith("c2c_live_"))


def test_a_call_that_does_not_come_about_is_told_and_is_status_1(
    ringbridge: Ringbridge, account: str, key: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBRIDGE_URL", server.url)
    monkeypatch.setenv("RINGBRIDGE_ACCOUNT", account)
    monkeypatch.setenv("RINGBRIDGE_KEY", key)

    status, out, err = ringbridge("call", "--from", "201", "--to", "15125292329")

    assert (status, err) == (1, "")
    assert re.findall(r"^ +[0-9.]+ s  (\w+) +(\w+)", out, re.MULTILINE) == [
        ("click", "201"),
        ("server", "stored"),
        ("server", "sends"),
        ("server", "released"),
    ]
    assert "user_unreachable" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--key", "wrong"), "the server does not accept this account and key"),
        (("--from", "999"), "the server refused the numbers (unknown_line)"),
        (("--to", "911"), "the server refused the numbers (emergency_number)"),
        (
            ("--url", "http://127.0.0.1:9"),
            "no ringbridge answers at http://127.0.0.1:9: start one with `ringbridge serve`, or name another one",
        ),
    ],
)
def test_a_call_that_the_server_does_not_take_is_one_sentence_and_status_2(
    ringbridge: Ringbridge, account: str, key: str, server: Server, words: tuple[str, str], sentence: str
) -> None:
    options = {
        "--from": "201",
        "--to": "15125292329",
        "--account": account,
        "--key": key,
        "--url": server.url,
    }
    options[words[0]] = words[1]

    status, _, err = ringbridge("call", *(word for pair in options.items() for word in pair))

    assert (status, err) == (2, f"ringbridge: {sentence}\n")
