"""The process of the demo's two phones: `python -m ringbridge.demo.phones`.

Started by `show`, which it serves over its standard streams, one JSON object a line. It first writes where the two
can be called; reads `{"server": [host, port], "lines": [number, ...], "out": folder}`; and from then on writes what
the phones do. It ends when its standard input does, so that it never outlives whoever started it.
"""

import asyncio
import json
import sys
import wave
from array import array
from functools import partial
from pathlib import Path
from typing import Any

from ringbridge.demo.phone import Manner, Phone, Report
from ringbridge.demo.recording import SAMPLE_RATE
from ringbridge.demo.verdict import DESTINATION_TONE_HZ, USER_TONE_HZ
from ringbridge.logs import configure_logging
from ringbridge.service.clock import Clock

HOST = "127.0.0.1"
LAST_ANSWERS_SECONDS = 1.0

# The destination rings long enough for the whole prompt, and for a moment of ringback after it.
USER = Manner(tone_hz=USER_TONE_HZ, answer_after_seconds=1.0)
DESTINATION = Manner(tone_hz=DESTINATION_TONE_HZ, answer_after_seconds=4.0, talk_seconds=3.0)


class Household:
    """Both phones, and where their reports and recordings go."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: list[str] = []
        self._out = Path()

    async def serve(self) -> None:
        """Do what standard input says, until it ends."""
        orders = await _standard_input()
        user = await Phone.open(HOST, USER, on_report=partial(self._report, "user"), now=self._clock.now)
        destination = await Phone.open(
            HOST, DESTINATION, on_report=partial(self._report, "destination"), now=self._clock.now
        )
        _write({"what": "listening", "user": user.local.port, "destination": destination.local.port})
        while line := await orders.readline():
            order = json.loads(line)
            self._lines, self._out = order["lines"], Path(order["out"])
            for phone in (user, destination):
                phone.expect((order["server"][0], order["server"][1]))
        await user.close(LAST_ANSWERS_SECONDS)
        await destination.close(LAST_ANSWERS_SECONDS)

    def _report(self, phone: str, report: Report) -> None:
        # The user's line is who is called on the one leg, and who calls on the other.
        line = report.called if phone == "user" else report.caller
        told: dict[str, Any] = {
            "what": report.what,
            "phone": phone,
            "line": line,
            "shows": report.caller,
            "at": self._clock.utc_now(),
        }
        if report.heard is not None:
            file = self._out / file_name(phone, self._lines.index(line) if line in self._lines else 0)
            write_wav(file, report.heard)
            told["file"] = str(file)
        _write(told)


def file_name(phone: str, index: int) -> str:
    """What the recording of the phone's call on the line of that index is called."""
    return f"{phone}.wav" if index == 0 else f"{phone}-{index + 1}.wav"


def write_wav(file: Path, samples: "array[int]") -> None:
    """Write mono sound; whoever reads `file` meanwhile finds the last one or this one, and no half."""
    draft = file.with_suffix(".part")
    with wave.open(str(draft), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        if sys.byteorder == "big":
            samples.byteswap()
        sound.writeframes(samples.tobytes())
    draft.replace(file)


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


def _write(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    configure_logging("error")
    asyncio.run(Household(Clock()).serve())
