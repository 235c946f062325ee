import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ringbridge.engines.native import journal
from ringbridge.engines.native.journal import DialogJournal


def test_what_was_kept_is_found_by_the_next_process(tmp_path: Path) -> None:
    first = DialogJournal(tmp_path / "dialogs")
    first.keep("a", "early")
    first.keep("b", "other")
    first.keep("a", "confirmed")
    first.keep("c", "over")
    first.forget("c")
    first.forget("unknown")

    assert DialogJournal(tmp_path / "dialogs").kept() == {"a": "confirmed", "b": "other"}


def test_what_was_left_is_found_again_until_it_is_forgotten(tmp_path: Path) -> None:
    DialogJournal(tmp_path / "dialogs").keep("a", "left")
    second = DialogJournal(tmp_path / "dialogs")
    second.keep("b", "new")
    assert DialogJournal(tmp_path / "dialogs").kept() == {"a": "left", "b": "new"}
    second.forget("a")

    assert DialogJournal(tmp_path / "dialogs").kept() == {"b": "new"}


@pytest.mark.parametrize("cut", [b"a", b"a le", b"b other", b"\xff\xfe"])
def test_a_line_that_was_cut_costs_only_itself(tmp_path: Path, cut: bytes) -> None:
    path = tmp_path / "dialogs"
    DialogJournal(path).keep("a", "left")
    path.write_bytes(path.read_bytes() + cut)

    again = DialogJournal(path)
    assert again.kept() == {"a": "left"}
    again.keep("b", "next")
    assert DialogJournal(path).kept() == {"a": "left", "b": "next"}


def test_the_file_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "COMPACT_OCTETS", 1000)
    opened = DialogJournal(tmp_path / "dialogs")
    opened.keep("up", "x" * 100)
    for _ in range(100):
        opened.keep("other", "y" * 100)
        opened.forget("other")

    assert (tmp_path / "dialogs").stat().st_size < 1200
    assert DialogJournal(tmp_path / "dialogs").kept() == {"up": "x" * 100}


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    DialogJournal(tmp_path / "dialogs")

    assert (tmp_path / "dialogs").stat().st_mode & 0o777 == 0o600


def test_a_disk_that_takes_no_more_does_not_stop_a_call(tmp_path: Path) -> None:
    opened = DialogJournal(tmp_path / "dialogs")
    opened.close()

    opened.keep("a", "dialog")
    opened.forget("a")


@contextmanager
def files_up_to(octets: int) -> Iterator[None]:
    """No file of this process grows beyond that: the system takes the part of a write that fits, then says EFBIG."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_line_that_fits_only_in_part_costs_only_itself(tmp_path: Path) -> None:
    opened = DialogJournal(tmp_path / "dialogs")
    opened.keep("a", "early")
    with files_up_to(100_000):
        opened.keep("a", "c" * 200_000)
    opened.keep("b", "next")

    assert DialogJournal(tmp_path / "dialogs").kept() == {"a": "early", "b": "next"}


def test_a_disk_without_room_for_a_new_file_keeps_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "COMPACT_OCTETS", 300)
    opened = DialogJournal(tmp_path / "dialogs")
    opened.keep("a", "x" * 200)
    opened.keep("b", "y" * 90)
    open_files = len(os.listdir("/proc/self/fd"))

    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", refuse)
    opened.forget("b")

    assert len(os.listdir("/proc/self/fd")) == open_files
    assert os.listdir(tmp_path) == ["dialogs"]
    opened.keep("c", "next")
    assert DialogJournal(tmp_path / "dialogs").kept() == {"a": "x" * 200, "c": "next"}
