"""Tones as 16-bit samples: making them, and measuring how much of one is in what was heard."""

import math
from array import array
from collections.abc import Sequence
from typing import NamedTuple

FULL_SCALE = 32_767


class Cadence(NamedTuple):
    """A tone that comes and goes. Its period can be repeated without a click."""

    frequencies_hz: tuple[int, ...]
    on_seconds: int
    off_seconds: int


# ITU-T E.180 supplement 2.
RINGBACK_US = Cadence((440, 480), 2, 4)
RINGBACK_EU = Cadence((425,), 1, 4)


def sine(
    frequency_hz: float, seconds: float, *, level_dbfs: float = -16.0, sample_rate: int = 8000
) -> "array[int]":
    """A pure tone that begins at zero. `level_dbfs` is its peak against full scale."""
    return _mixed((frequency_hz,), seconds, level_dbfs, sample_rate)


def period(cadence: Cadence, *, level_dbfs: float = -16.0, sample_rate: int = 8000) -> "array[int]":
    """One period, tone first. `level_dbfs` is the peak of each of its frequencies."""
    tone = _mixed(cadence.frequencies_hz, cadence.on_seconds, level_dbfs, sample_rate)
    return tone + array("h", bytes(2 * cadence.off_seconds * sample_rate))


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
