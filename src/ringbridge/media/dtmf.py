"""Key presses: as events in RTP (RFC 4733), and as the tones that they stand for (ITU-T Q.23). Pure.

A text of keys may hold commas, each of which is a pause of a second, as people write behind a telephone number.
"""

import math
import struct
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ringbridge.media.rtp import RtpPacket
from ringbridge.media.sdp import TELEPHONE_EVENT, Codec
from ringbridge.media.tones import sine

KEYS = "0123456789*#ABCD"
"""In the order of their event codes, RFC 4733 section 3.2."""

PAUSE = ","
PAUSE_SECONDS = 1.0

KEY_SECONDS = 0.1
GAP_SECONDS = 0.1
"""Both well above the 40 ms that ITU-T Q.24 asks a receiver to recognise."""

_PACKET_SECONDS = 0.02
_TICKS = 160
_LAST_REPEATS = 3
_END = 0x80
_VOLUME = 10
_EVENT = struct.Struct("!BBH")

_ROWS_HZ = (697, 770, 852, 941)
_COLUMNS_HZ = (1209, 1336, 1477, 1633)
_KEYPAD = "123A456B789C*0#D"


class Press(NamedTuple):
    """A key, and when it goes down, in seconds from the start."""

    at: float
    key: str


def presses(keys: str) -> tuple[Press, ...]:
    """When each key goes down. What is neither a key nor a pause is passed over."""
    at = 0.0
    timed = []
    for letter in keys.upper():
        if letter in KEYS:
            timed.append(Press(at, letter))
            at += KEY_SECONDS + GAP_SECONDS
        elif letter == PAUSE:
            at += PAUSE_SECONDS
    return tuple(timed)


class TimedPacket(NamedTuple):
    """A packet, and when it is to leave, in seconds from the start."""

    at: float
    packet: RtpPacket


def packets(
    keys: str, payload_type: int, *, ssrc: int, sequence: int, timestamp: int
) -> Iterator[TimedPacket]:
    """The events of these keys. `sequence` and `timestamp` are those of the first packet; the clock is 8,000 Hz.

    RFC 4733 section 2.5.1: while the key is down the packets of an event share its timestamp, grow in duration, and
    the first carries the marker; the last one is sent three times.
    """
    steps = round(KEY_SECONDS / _PACKET_SECONDS)
    for press in presses(keys):
        started = timestamp + round(press.at * TELEPHONE_EVENT.clock_rate) & 0xFFFF_FFFF
        for step in range(1, steps + _LAST_REPEATS):
            ended = _END if step >= steps else 0
            payload = _EVENT.pack(KEYS.index(press.key), ended | _VOLUME, _TICKS * min(step, steps))
            packet = RtpPacket(payload_type, sequence, started, ssrc, payload, marker=step == 1)
            yield TimedPacket(press.at + _PACKET_SECONDS * (step - 1), packet)
            sequence = sequence + 1 & 0xFFFF


def tone(key: str, *, level_dbfs: float = -13.0, sample_rate: int = 8000) -> "array[int]":
    """The two tones of a key, followed by its gap. `level_dbfs` is the peak of each of the two."""
    row, column = divmod(_KEYPAD.index(key), 4)
    low, high = (
        sine(frequency, KEY_SECONDS, level_dbfs=level_dbfs, sample_rate=sample_rate)
        for frequency in (_ROWS_HZ[row], _COLUMNS_HZ[column])
    )
    sound = array("h", map(int.__add__, low, high))
    return sound + array("h", bytes(2 * math.ceil(GAP_SECONDS * sample_rate)))


def event_codec(codecs: Sequence[Codec]) -> Codec | None:
    """The first of the codecs that carries key presses, if any does."""
    return next((codec for codec in codecs if codec.encoding == TELEPHONE_EVENT.encoding), None)
