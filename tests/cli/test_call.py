"""A call placed on the command line through a running server."""

import re
import signal
import socket
import subprocess
import sys
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


def test_a_call_that_the_server_does_not_take_is_one_sentence_and_status_2(
    ringbridge: Ringbridge, account: str, key: str, server: Server
) -> None:
    options = {
        "--from": "201",
        "--to": "15125292329",
        "--account": account,
        "--key": key,
        "--url": server.url,
    }

    def sentence(option: str, value: str) -> str:
        changed = options | {option: value}
        status, _, err = ringbridge("call", *(word for pair in changed.items() for word in pair))
        assert status == 2
        return err

    assert sentence("--key", "wrong") == "ringbridge: the server does not accept this account and key\n"
    assert sentence("--from", "999") == (
        "ringbridge: the server refused (unknown_line): user_line: This is no line of the account.\n"
    )
    assert sentence("--to", "911").startswith(
        "ringbridge: the server refused (emergency_number): destination_line: Emergency numbers are not called"
    )
    assert sentence("--url", "http://127.0.0.1:9") == (
        "ringbridge: no ringbridge answers at http://127.0.0.1:9: "
        "start one with `ringbridge serve`, or name another one\n"
    )


@pytest.mark.parametrize(
    "url", ["foo", "localhost:8080", "ftp://127.0.0.1", "http://", "http://[::1", "http://h:x"]
)
def test_what_is_no_address_of_a_server_is_one_sentence_and_status_2(
    ringbridge: Ringbridge, url: str
) -> None:
    words = ("--from", "201", "--to", "15125292329", "--account", "7", "--key", "k", "--url", url)

    assert ringbridge("call", *words) == (
        2,
        "",
        f"ringbridge: --url (or RINGBRIDGE_URL) takes http://HOST:PORT, not {url!r}\n",
    )


def test_ctrl_c_hangs_up(tmp_path: Path, ringbridge: Ringbridge, account: str, key: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent_phone:
        silent_phone.bind(("127.0.0.1", 0))
        uri = f"sip:127.0.0.1:{silent_phone.getsockname()[1]}"
        ringbridge("line", "add", "--account", account, "--number", "201", "--uri", uri)
        ringbridge("trunk", "add", "--name", "carrier", "--uri", NOBODY)
        with Server(tmp_path / "data") as server:
            words = (
                "--from",
                "201",
                "--to",
                "15125292329",
                "--account",
                account,
                "--key",
                key,
                "--url",
                server.url,
            )
            process = subprocess.Popen(
                [sys.executable, "-m", "ringbridge", "call", *words], stdout=subprocess.PIPE, text=True
            )
            with process:
                assert process.stdout is not None
                next(line for line in process.stdout if "sends INVITE" in line)
                process.send_signal(signal.SIGINT)
                told = process.stdout.read()

    assert process.returncode == 130
    assert "click       hangs up" in told
    assert ": canceled (canceled, ended by api), 0.0 s of talk" in told
