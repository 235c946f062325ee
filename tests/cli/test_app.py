"""How every command answers when it cannot do what was asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringbridge import __version__
from tests.cli.conftest import Ringbridge


def test_version_is_printed(ringbridge: Ringbridge) -> None:
    assert ringbridge("--version") == (0, f"ringbridge {__version__}\n", "")


def test_no_words_print_the_help_and_are_not_a_success(ringbridge: Ringbridge) -> None:
    status, out, err = ringbridge()

    assert (status, err) == (2, "")
    assert "ringbridge demo" in out


@pytest.mark.parametrize(
    "words",
    [(name,) for name in ("account", "key", "line", "trunk", "limits", "serve", "call", "doctor", "demo")],
)
def test_the_help_of_every_command_says_how_to_use_it(ringbridge: Ringbridge, words: tuple[str, ...]) -> None:
    status, out, _ = ringbridge(*words, "--help")

    assert status == 0
    assert out.startswith(f"Usage: ringbridge {words[0]}")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("dial",), "No such command 'dial' (see: ringbridge --help)"),
        (
            ("account", "add"),
            "Missing option '--name' (see: ringbridge account add --help)",
        ),
        (("demo", "--calls", "many"), None),
        (("account", "show", "7"), "There is no account 7."),
        (("key", "create", "--account", "7"), "There is no account 7."),
        (("limits", "show", "--account", "7"), "There is no account 7."),
        (("trunk", "remove", "carrier"), "There is no trunk carrier."),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_status_2(
    ringbridge: Ringbridge, words: tuple[str, ...], sentence: str | None
) -> None:
    status, out, err = ringbridge(*words)

    assert (status, out) == (2, "")
    assert err.startswith("ringbridge: ")
    assert err.count("\n") == 1
    if sentence is not None:
        assert err == f"ringbridge: {sentence}\n"


def test_a_wrong_setting_is_one_sentence_and_status_2(
    ringbridge: Ringbridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBRIDGE_SIP_PORT", "sixty")

    assert ringbridge("account", "list") == (
        2,
        "",
        "ringbridge: RINGBRIDGE_SIP_PORT is 'sixty', but takes a port number from 0 to 65535 (0 is any free port)\n",
    )


def test_a_data_folder_that_cannot_be_made_is_one_sentence_and_status_2(
    ringbridge: Ringbridge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RINGBRIDGE_DATA_DIR", str(tmp_path / "file" / "data"))

    assert ringbridge("account", "list") == (
        2,
        "",
        (
            f"ringbridge: cannot use the data folder {tmp_path}/file/data (Not a directory): "
            "set RINGBRIDGE_DATA_DIR to a folder that this user may write\n"
        ),
    )


def test_an_unknown_setting_is_warned_of(ringbridge: Ringbridge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBRIDGE_LOGLEVEL", "debug")

    assert ringbridge("account", "list").err.splitlines()[0] == (
        "ringbridge: warning: RINGBRIDGE_LOGLEVEL is not a setting; did you mean RINGBRIDGE_LOG_LEVEL?"
    )


def test_the_module_is_the_command_and_a_closed_pipe_leaves_no_traceback(tmp_path: Path) -> None:
    environment = os.environ | {"RINGBRIDGE_DATA_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "ringbridge", "--version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as stderr:
        assert stderr.read() == b""
    assert process.wait(60) == 1


def test_the_help_loads_neither_the_settings_nor_the_database_nor_the_server() -> None:
    loaded = "import sys, ringbridge.cli.app; print(*sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", loaded], stdout=subprocess.PIPE, text=True, check=True, timeout=120
    )
    assert not {"pydantic", "sqlalchemy", "structlog", "dns", "fastapi", "aiohttp"} & set(
        process.stdout.split()
    )
