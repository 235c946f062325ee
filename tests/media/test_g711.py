from array import array
from collections.abc import Callable, Iterable

import pytest

from ringbridge.media.g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law

Encode = Callable[[Iterable[int]], bytes]
Decode = Callable[[bytes], "array[int]"]

LAWS = pytest.mark.parametrize(
    ("encode", "decode"),
    [(encode_mu_law, decode_mu_law), (encode_a_law, decode_a_law)],
    ids=["mu-law", "A-law"],
)


def test_mu_law_has_the_values_of_the_standard() -> None:
    # ITU-T G.711 table 2, scaled to 16 bits: silence, the ends, and the first step of each segment.
    assert list(decode_mu_law(bytes([0xFF, 0x7F, 0x80, 0x00]))) == [0, 0, 32124, -32124]
    assert list(decode_mu_law(bytes([0xEF, 0xDF, 0xCF, 0xBF, 0xAF, 0x9F, 0x8F]))) == [
        132,
        396,
        924,
        1980,
        4092,
        8316,
        16764,
    ]
    assert encode_mu_law([0, 32767, -32768]) == bytes([0xFF, 0x80, 0x00])


def test_a_law_has_the_values_of_the_standard() -> None:
    # ITU-T G.711 table 1, scaled to 16 bits.
    assert list(decode_a_law(bytes([0xD5, 0x55, 0xAA, 0x2A]))) == [8, -8, 32256, -32256]
    assert list(decode_a_law(bytes([0xC5, 0xF5, 0xE5, 0x95, 0x85, 0xB5, 0xA5]))) == [
        264,
        528,
        1056,
        2112,
        4224,
        8448,
        16896,
    ]
    assert encode_a_law([0, -1, 32767, -32768]) == bytes([0xD5, 0x55, 0xAA, 0x2A])


@LAWS
def test_decoding_and_encoding_again_changes_nothing(encode: Encode, decode: Decode) -> None:
    codes = bytes(range(256))
    samples = decode(codes)
    assert decode(encode(samples)) == samples
    # Only mu-law has two codes for one value: plus and minus zero.
    assert sum(a != b for a, b in zip(encode(samples), codes, strict=True)) <= 1


@LAWS
def test_every_sample_comes_back_within_a_step_of_its_segment(encode: Encode, decode: Decode) -> None:
    samples = range(-32_768, 32_768)
    for sample, heard in zip(samples, decode(encode(samples)), strict=True):
        assert abs(heard - sample) <= max(16, abs(sample) / 16)


@LAWS
def test_nothing_stays_nothing(encode: Encode, decode: Decode) -> None:
    assert encode([]) == b""
    assert decode(b"") == array("h")
