"""The demo as a newcomer starts it: real processes, a real call, and nothing left over."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest

WAIT_SECONDS = 60.0


@contextmanager
def started(*words: str) -> Iterator["subprocess.Popen[str]"]:
    """`ringbridge demo` with these words; killed if the test leaves it running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ringbridge", "demo", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=WAIT_SECONDS)


def read_until(process: "subprocess.Popen[str]", pattern: str) -> list[str]:
    """The lines of standard output up to the first that matches."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if re.search(pattern, line):
            return lines
    raise AssertionError(f"no line matches {pattern!r} in:\n" + "\n".join(lines))


def descendants(pid: int) -> dict[int, str]:
    """The processes that `pid` started, and those that they started, with their command lines."""
    found = {}
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
        found |= descendants(child)
    return found


def still_running(pids: dict[int, str]) -> list[str]:
    """Those that have not ended within a moment; the media worker ends after the server that is killed."""
    left = []
    for pid, words in pids.items():
        try:
            ended = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        if not select.select([ended], [], [], 3.0)[0]:
            left.append(words)
        os.close(ended)
    return left


def tenths(file: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """The spectrum of each tenth of a second; a column for every 10 Hz."""
    with wave.open(str(file), "rb") as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 8000)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    windows = samples[: len(samples) // 800 * 800].reshape(-1, 800)
    return np.asarray(np.abs(np.fft.rfft(windows)) ** 2, dtype=np.float64)


def is_tone(spectra: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", frequency_hz: int) -> "list[bool]":
    total = spectra.sum(axis=1) + 1.0
    return [bool(share) for share in spectra[:, frequency_hz // 10] / total > 0.8]


def test_once_joins_every_call_and_leaves_what_each_side_heard(tmp_path: Path) -> None:
    with started("--once", "--calls", "2", "--out", str(tmp_path)) as process:
        out, err = process.communicate(timeout=WAIT_SECONDS)

    assert (process.returncode, err) == (0, ""), out
    assert sorted(os.listdir(tmp_path)) == ["destination-2.wav", "destination.wav", "user-2.wav", "user.wav"]
    user = tenths(tmp_path / "user.wav")
    answered = is_tone(user, 620).index(True)
    loud = user[:answered].sum(axis=1) > user[answered].sum() / 1000
    assert loud.sum() >= 15
    assert not any(is_tone(user[:answered], 440))
    assert sum(is_tone(user, 620)) >= 20
    assert sum(is_tone(tenths(tmp_path / "destination.wav"), 440)) >= 20
    assert "outcome: 2 completed; heard on both sides: 2; records: 2" in out


def test_it_goes_on_for_calls_of_ones_own_until_ctrl_c(tmp_path: Path) -> None:
    with started("--out", str(tmp_path)) as process:
        said = read_until(process, "Ctrl-C ends the demo")
        begin = next(index for index, line in enumerate(said) if line.startswith("curl "))
        command = "\n".join(said[begin : begin + 8])

        answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)

        assert list(json.loads(answer.stdout)) == ["api_request_id"]
        assert any(
            re.fullmatch(r"Documentation of the API: http://127\.0\.0\.1:\d+/docs", line) for line in said
        )
        [portal] = [words[0] for line in said if (words := re.findall(r"http://\S+/welcome/\S+", line))]
        with urlopen(portal, timeout=WAIT_SECONDS) as page:
            assert "password" in page.read().decode()
        told = read_until(process, "right  the destination heard")
        assert any(line.split()[2:4] == ["user", "rings"] for line in told)
        children = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_SECONDS) == 0
        assert still_running(children) == []


@pytest.mark.parametrize(("kind", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_a_signal_in_the_middle_of_a_call_leaves_nothing_running(
    tmp_path: Path, kind: signal.Signals, status: int
) -> None:
    with started("--once", "--out", str(tmp_path)) as process:
        read_until(process, "user +rings")
        children = descendants(process.pid)
        assert {"phones" in words or "serve" in words or "rtpio" in words for words in children.values()} == {
            True
        }

        process.send_signal(kind)

        assert process.wait(WAIT_SECONDS) == status
        assert still_running(children) == []


@pytest.mark.parametrize(("name", "words"), [("server", "ringbridge serve"), ("phones", "demo.phones")])
def test_a_process_that_dies_ends_the_demo_with_one_sentence(tmp_path: Path, name: str, words: str) -> None:
    with started("--once", "--out", str(tmp_path)) as process:
        read_until(process, "user +rings")
        children = descendants(process.pid)
        os.kill(next(pid for pid, line in children.items() if words in line), signal.SIGKILL)

        assert process.wait(WAIT_SECONDS) == 2
        assert process.stderr is not None
        assert process.stderr.read() == f"ringbridge: the {name} ended with status -9\n"
        assert still_running(children) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with started("--once", "--out", str(tmp_path / "file" / "out")) as process:
        out, err = process.communicate(timeout=WAIT_SECONDS)

    assert (process.returncode, out, err) == (
        2,
        "",
        f"ringbridge: cannot write to {tmp_path}/file/out (Not a directory): name another folder with --out\n",
    )
