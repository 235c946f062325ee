"""A folder that belongs to somebody else: what each command says of it.

Root may write everywhere, so where the tests run as root, the commands run without that right.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.server import END_SECONDS, environment

RIGHTS = "-dac_override,-dac_read_search"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that can be looked into and not written."""
    made = tmp_path / "somebody's"
    made.mkdir(mode=0o500)
    yield made
    made.chmod(0o700)


def ringbridge(data_dir: Path, *words: str) -> tuple[int, str, str]:
    """Exit status and what was printed."""
    without_rights = ["setpriv", f"--bounding-set={RIGHTS}", f"--inh-caps={RIGHTS}"]
    done = subprocess.run(
        [*(without_rights if os.geteuid() == 0 else []), sys.executable, "-m", "ringbridge", *words],
        env=environment(data_dir),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("words", [("serve",), ("account", "list"), ("key", "create", "--account", "7")])
def test_one_that_cannot_be_made_is_one_sentence_and_status_2(folder: Path, words: tuple[str, ...]) -> None:
    assert ringbridge(folder / "data", *words) == (
        2,
        "",
        (
            f"ringbridge: cannot use the data folder {folder}/data (Permission denied): "
            "set RINGBRIDGE_DATA_DIR to a folder that this user may write\n"
        ),
    )


@pytest.mark.parametrize("words", [("serve",), ("account", "list")])
def test_one_that_cannot_be_written_is_one_sentence_and_status_2(
    folder: Path, words: tuple[str, ...]
) -> None:
    assert ringbridge(folder, *words) == (
        2,
        "",
        (
            f"ringbridge: The database file {folder}/ringbridge.db cannot be opened: Permission denied. "
            "Create its folder, or give this user the right to write there.\n"
        ),
    )


def test_the_doctor_names_it(folder: Path) -> None:
    status, out, _ = ringbridge(folder, "doctor")

    assert status == 1
    assert f"fail  data folder          cannot use the data folder {folder} (Permission denied)" in out
