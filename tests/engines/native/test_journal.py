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

    assert sorted(DialogJournal(tmp_path / "dialogs").take_left()) == ["confirmed", "other"]


def test_what_was_left_is_found_again_until_it_is_cleared(tmp_path: Path) -> None:
    DialogJournal(tmp_path / "dialogs").keep("a", "left")
    DialogJournal(tmp_path / "dialogs").take_left()
    second = DialogJournal(tmp_path / "dialogs")
    second.keep("b", "new")
    assert second.take_left() == ["left"]
    second.clear()

    assert DialogJournal(tmp_path / "dialogs").take_left() == ["new"]


@pytest.mark.parametrize("cut", [b"a", b"a le", b"b other", b"\xff\xfe"])
def test_a_line_that_was_cut_costs_only_itself(tmp_path: Path, cut: bytes) -> None:
    path = tmp_path / "dialogs"
    DialogJournal(path).keep("a", "left")
    path.write_bytes(path.read_bytes() + cut)

    assert DialogJournal(path).take_left() == ["left"]


def test_the_file_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "COMPACT_OCTETS", 1000)
    opened = DialogJournal(tmp_path / "dialogs")
    opened.keep("up", "x" * 100)
    for _ in range(100):
        opened.keep("other", "y" * 100)
        opened.forget("other")

    assert (tmp_path / "dialogs").stat().st_size < 1200
    assert DialogJournal(tmp_path / "dialogs").take_left() == ["x" * 100]


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    DialogJournal(tmp_path / "dialogs")

    assert (tmp_path / "dialogs").stat().st_mode & 0o777 == 0o600


def test_a_disk_that_takes_no_more_does_not_stop_a_call(tmp_path: Path) -> None:
    opened = DialogJournal(tmp_path / "dialogs")
    opened.close()

    opened.keep("a", "dialog")
    opened.forget("a")
