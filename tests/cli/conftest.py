"""The command line, run in this process with settings of its own."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ringbridge.cli.app import run


class Result(NamedTuple):
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


Ringbridge = Callable[..., Result]


@pytest.fixture
def ringbridge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ringbridge:
    """Runs one command line; its data are below `tmp_path`."""
    for name in list(os.environ):
        if name.startswith("RINGBRIDGE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RINGBRIDGE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def run_words(*words: str) -> Result:
        status = run(words)
        return Result(status, *capsys.readouterr())

    return run_words


@pytest.fixture
def account(ringbridge: Ringbridge) -> str:
    """The id of an account that is there."""
    return ringbridge("account", "add", "--name", "Blue Bottle", "--id", "1009683").out.strip()
