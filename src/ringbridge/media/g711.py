"""G.711: eight bits for a 16-bit sample, by the mu-law (payload type 0) or the A-law (payload type 8).

For tones, the built-in telephones and recordings of what they heard. Relayed audio is never decoded.
"""

from array import array
from collections.abc import Iterable


def _mu_law_sample(code: int) -> int:
    code ^= 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return -magnitude if code & 0x80 else magnitude


def _mu_law_code(sample: int) -> int:
    sign, magnitude = (0x80, -sample) if sample < 0 else (0, sample)
    magnitude = min(magnitude, 32_635) + 132
    segment = magnitude.bit_length() - 8
    return (sign | segment << 4 | magnitude >> segment + 3 & 0x0F) ^ 0xFF


def _a_law_sample(code: int) -> int:
    code ^= 0x55
    segment = code >> 4 & 7
    magnitude = ((code & 0x0F) << 4) + 8
    if segment:
        magnitude = magnitude + 0x100 << segment - 1
    return magnitude if code & 0x80 else -magnitude


def _a_law_code(sample: int) -> int:
    # Even bits are inverted, so that silence is not a long run of zeros on the line.
    sign, magnitude = (0, ~sample) if sample < 0 else (0x80, sample)
    segment = max(magnitude.bit_length() - 8, 0)
    return (sign | segment << 4 | magnitude >> max(segment, 1) + 3 & 0x0F) ^ 0x55


# A law keeps at most 14 bits of a sample, so every fourth sample stands for its neighbours too.
_MU_LAW_SAMPLES = tuple(map(_mu_law_sample, range(256)))
_MU_LAW_CODES = bytes(map(_mu_law_code, range(-32_768, 32_768, 4)))
_A_LAW_SAMPLES = tuple(map(_a_law_sample, range(256)))
_A_LAW_CODES = bytes(map(_a_law_code, range(-32_768, 32_768, 4)))


def decode_mu_law(data: bytes) -> "array[int]":
    return array("h", map(_MU_LAW_SAMPLES.__getitem__, data))


def encode_mu_law(samples: Iterable[int]) -> bytes:
    return bytes(_MU_LAW_CODES[sample + 32_768 >> 2] for sample in samples)


def decode_a_law(data: bytes) -> "array[int]":
    return array("h", map(_A_LAW_SAMPLES.__getitem__, data))


def encode_a_law(samples: Iterable[int]) -> bytes:
    return bytes(_A_LAW_CODES[sample + 32_768 >> 2] for sample in samples)
