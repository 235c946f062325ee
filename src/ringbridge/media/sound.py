"""Recordings as people upload them: a WAVE file of nearly any kind, made into samples of one channel at the rate that is wanted.

Also the other way: the samples as a file that every browser plays. Nothing of a file is believed without being looked at;
what it says of its length counts only as far as there are octets.
"""

import math
import struct
from array import array
from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from typing import NamedTuple

from ringbridge.media.errors import UnusableSound
from ringbridge.media.g711 import decode_a_law, decode_mu_law

# Registered in RFC 2361; EXTENSIBLE has the true one further behind.
_PCM, _FLOAT, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE

_RATES = range(4_000, 96_001)
_CHANNELS = range(1, 9)

# Zero crossings of the low-pass on each side of a sample, and steps between two samples: enough that what is left of
# other frequencies is below the noise of eight bits.
_CROSSINGS = 12
_PHASES = 256
# Of half the lower rate: the filter needs room to fall.
_PASSED = 0.92


class Sound(NamedTuple):
    """Samples of one channel, from -32,768 to 32,767."""

    samples: Sequence[int]
    rate: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate

    def at(self, rate: int) -> "Sound":
        """The same at another rate, without what cannot be heard there."""
        return self if rate == self.rate else Sound(_resampled(self.samples, self.rate, rate), rate)


def read_wave(data: bytes, *, longest_seconds: float) -> Sound:
    """The recording in a WAVE file; several channels become one. Raises UnusableSound.

    Taken are integers of 8 to 32 bits, floating point, A-law and mu-law.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise UnusableSound("not_wave")
    form = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"fmt ":
            form = data[at + 8 : at + 8 + size]
        elif name == b"data" and form is not None:
            return _sound(form, data[at + 8 : at + 8 + size], longest_seconds)
        # A chunk of odd length has an octet behind it.
        at += 8 + size + size % 2
    raise UnusableSound("broken_wave")


def write_wave(sound: Sound) -> bytes:
    """A WAVE file of 16-bit samples."""
    body = struct.pack(f"<{len(sound.samples)}h", *sound.samples)
    form = struct.pack("<HHIIHH", _PCM, 1, sound.rate, 2 * sound.rate, 2, 16)
    chunks = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", body)
    return _chunk(b"RIFF", chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body


def _sound(form: bytes, body: bytes, longest_seconds: float) -> Sound:
    if len(form) < 16:
        raise UnusableSound("broken_wave")
    kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", form[:16])
    if kind == _EXTENSIBLE:
        kind = int.from_bytes(form[24:26], "little")
    decode = _DECODERS.get((kind, bits))
    if decode is None or channels not in _CHANNELS or rate not in _RATES:
        raise UnusableSound("unsupported_wave")
    frame_octets = channels * bits // 8
    frames = len(body) // frame_octets
    if frames == 0:
        raise UnusableSound("empty_sound")
    if frames > longest_seconds * rate:
        raise UnusableSound("sound_too_long")
    samples = decode(body[: frames * frame_octets])
    if channels > 1:
        samples = [
            sum(frame) // channels
            for frame in zip(*(samples[channel::channels] for channel in range(channels)), strict=True)
        ]
    return Sound(samples, rate)


def _from_8_bits(body: bytes) -> Sequence[int]:
    return [octet - 128 << 8 for octet in body]


def _from_16_bits(body: bytes) -> Sequence[int]:
    return struct.unpack(f"<{len(body) // 2}h", body)


def _from_24_bits(body: bytes) -> Sequence[int]:
    return _upper_half(body, 3)


def _from_32_bits(body: bytes) -> Sequence[int]:
    return _upper_half(body, 4)


def _upper_half(body: bytes, octets: int) -> Sequence[int]:
    """The upper 16 bits of little-endian integers of so many octets."""
    half = bytearray(len(body) // octets * 2)
    half[0::2], half[1::2] = body[octets - 2 :: octets], body[octets - 1 :: octets]
    return _from_16_bits(bytes(half))


def _from_floats(body: bytes) -> Sequence[int]:
    return _from_numbers(struct.unpack(f"<{len(body) // 4}f", body))


def _from_doubles(body: bytes) -> Sequence[int]:
    return _from_numbers(struct.unpack(f"<{len(body) // 8}d", body))


def _from_numbers(numbers: Sequence[float]) -> Sequence[int]:
    # In this order what is no number becomes -1.
    return [int(32_767 * min(1.0, max(-1.0, number))) for number in numbers]


_DECODERS = {
    (_PCM, 8): _from_8_bits,
    (_PCM, 16): _from_16_bits,
    (_PCM, 24): _from_24_bits,
    (_PCM, 32): _from_32_bits,
    (_FLOAT, 32): _from_floats,
    (_FLOAT, 64): _from_doubles,
    (_A_LAW, 8): decode_a_law,
    (_MU_LAW, 8): decode_mu_law,
}


def _resampled(samples: Sequence[int], rate: int, wanted: int) -> Sequence[int]:
    """Each new sample is the old ones around its place, weighed by a windowed sinc."""
    cutoff = min(1.0, wanted / rate) * _PASSED
    reach = math.ceil(_CROSSINGS / cutoff)
    padded = array("i", bytes(4 * reach)) + array("i", samples) + array("i", bytes(4 * (reach + 1)))
    out = array("h")
    for index in range(len(samples) * wanted // rate):
        at, rest = divmod(index * rate, wanted)
        weights = _weights(rest * _PHASES // wanted, cutoff, reach)
        value = round(sum(map(mul, weights, padded[at + 1 : at + 1 + 2 * reach])))
        out.append(min(32_767, max(-32_768, value)))
    return out


@lru_cache(maxsize=4 * _PHASES)
def _weights(phase: int, cutoff: float, reach: int) -> tuple[float, ...]:
    """For the samples from `reach` - 1 before a place to `reach` behind it, which is `phase` steps behind the sample there."""
    weights = []
    for offset in range(1 - reach, reach + 1):
        distance = offset - phase / _PHASES
        angle = math.pi * distance * cutoff
        sinc = 1.0 if angle == 0.0 else math.sin(angle) / angle
        # Hann's window, which ends where the reach does.
        window = 0.5 + 0.5 * math.cos(math.pi * distance / reach)
        weights.append(sinc * window)
    # Silence stays silence, and a tone as loud as it was.
    total = sum(weights)
    return tuple(weight / total for weight in weights)
