"""Tones as 16-bit samples: making them, and measuring how much of one is in what was heard."""

import math
from array import array
from collections.abc import Sequence
from typing import NamedTuple

FULL_SCALE = 32_767


class Cadence(NamedTuple):
    """A tone that comes and goes: on, off, on, off, for so many seconds each. Its period can be repeated without a click."""

    frequencies_hz: tuple[int, ...]
    pattern_seconds: tuple[float, ...]


# Ringing tones by ITU-T E.180 supplement 2. Where it has 400 Hz modulated by a low tone, that low tone is the beat
# of two. RINGBACK_CEPT is what CEPT recommended and most of the world took over.
RINGBACK_US = Cadence((440, 480), (2.0, 4.0))
RINGBACK_CEPT = Cadence((425,), (1.0, 4.0))
_RINGBACK_GB = Cadence((400, 450), (0.4, 0.2, 0.4, 2.0))
_RINGBACK_FR = Cadence((440,), (1.5, 3.5))
_RINGBACK_ES = Cadence((425,), (1.5, 3.0))
_RINGBACK_JP = Cadence((400, 415), (1.0, 2.0))
_RINGBACK_IN = Cadence((400, 425), (0.4, 0.2, 0.4, 2.0))

RINGBACKS = {
    "ringback-us": RINGBACK_US,
    "ringback-gb": _RINGBACK_GB,
    "ringback-fr": _RINGBACK_FR,
    "ringback-es": _RINGBACK_ES,
    "ringback-jp": _RINGBACK_JP,
    "ringback-in": _RINGBACK_IN,
    "ringback-cept": RINGBACK_CEPT,
}

TONES = RINGBACKS | {
    "on-hold": Cadence((425,), (0.2, 4.8)),
    "hung-up": Cadence((425,), (0.2, 0.2)),
    "silence": Cadence((), (1.0,)),
}
"""All that is played and not spoken: what one hears who is on hold, whose far end has gone, or who must not hear it."""

# By country code, and by no more than that: what shares one (ITU-T E.164) shares its ringing tone.
_RINGBACK_BY_COUNTRY_CODE = {
    "+1": "ringback-us",
    "+33": "ringback-fr",
    "+34": "ringback-es",
    "+353": "ringback-gb",
    "+44": "ringback-gb",
    "+61": "ringback-gb",
    "+64": "ringback-gb",
    "+81": "ringback-jp",
    "+91": "ringback-in",
}


def ringback_name(number: str) -> str:
    """The name in RINGBACKS of what somebody hears who calls `number`, E.164 with plus, while it rings."""
    # A country code has one to three digits, and none begins with another.
    known = (_RINGBACK_BY_COUNTRY_CODE.get(number[:length]) for length in (2, 3, 4))
    return next(filter(None, known), "ringback-cept")


def sine(
    frequency_hz: float, seconds: float, *, level_dbfs: float = -16.0, sample_rate: int = 8000
) -> "array[int]":
    """A pure tone that begins at zero. `level_dbfs` is its peak against full scale."""
    return _mixed((frequency_hz,), seconds, level_dbfs, sample_rate)


def period(cadence: Cadence, *, level_dbfs: float = -16.0, sample_rate: int = 8000) -> "array[int]":
    """One period, tone first. `level_dbfs` is the peak of each of its frequencies."""
    samples = array("h")
    for index, seconds in enumerate(cadence.pattern_seconds):
        if index % 2:
            samples.extend([0] * round(seconds * sample_rate))
        else:
            samples.extend(_mixed(cadence.frequencies_hz, seconds, level_dbfs, sample_rate))
    return samples


def power_at(samples: Sequence[int], frequency_hz: float, sample_rate: int = 8000) -> float:
    """The share of full scale that is at this frequency, as a power: 1.0 for the loudest sine, 0.0 for silence.

    Goertzel's algorithm. It tells frequencies apart that differ by more than the sample rate divided by the
    number of samples. No samples have no power.
    """
    if not samples:
        return 0.0
    angle = 2 * math.pi * frequency_hz / sample_rate
    coefficient = 2 * math.cos(angle)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    squared = before * before + last * last - coefficient * before * last
    return squared * 4 / (len(samples) * FULL_SCALE) ** 2


def _mixed(
    frequencies_hz: Sequence[float], seconds: float, level_dbfs: float, sample_rate: int
) -> "array[int]":
    peak = FULL_SCALE * 10 ** (level_dbfs / 20)
    angles = [2 * math.pi * frequency / sample_rate for frequency in frequencies_hz]
    return array(
        "h",
        (
            round(peak * sum(math.sin(angle * index) for angle in angles))
            for index in range(round(seconds * sample_rate))
        ),
    )
