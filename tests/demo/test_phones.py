"""The process of the two phones, as whoever starts it sees it."""

import json
import os
import subprocess
import sys
import wave
from array import array
from pathlib import Path

from ringbridge.demo.phones import file_name, write_wav


def test_it_says_where_the_phones_are_and_ends_with_its_input() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ringbridge.demo.phones"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        told = json.loads(process.stdout.readline())
        process.stdin.close()

        assert sorted(told) == ["destination", "user", "what"]
        assert process.wait(10) == 0


def test_the_first_line_has_the_plain_names() -> None:
    assert [file_name("user", 0), file_name("destination", 1)] == ["user.wav", "destination-2.wav"]


def test_a_recording_is_written_whole(tmp_path: Path) -> None:
    write_wav(tmp_path / "user.wav", array("h", [0, 1, -1]))

    with wave.open(str(tmp_path / "user.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 8000)
        assert sound.readframes(4) == b"\x00\x00\x01\x00\xff\xff"
    assert os.listdir(tmp_path) == ["user.wav"]
