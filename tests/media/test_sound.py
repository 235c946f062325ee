"""Recordings of every kind become samples; what is none is refused, however it was made."""

import io
import math
import struct
import wave

import pytest

from ringbridge.media.errors import UnusableSound
from ringbridge.media.g711 import encode_a_law, encode_mu_law
from ringbridge.media.sound import Sound, read_wave, write_wave

TONE = [round(20_000 * math.sin(index * 2 * math.pi * 500 / 16_000)) for index in range(1600)]


def riff(form: bytes, body: bytes, *, before: bytes = b"", size: int | None = None) -> bytes:
    """A WAVE file; `size` is what it says of its data."""
    said = len(body) if size is None else size
    return (
        b"RIFF\xff\xff\xff\xffWAVE"
        + before
        + b"fmt "
        + struct.pack("<I", len(form))
        + form
        + b"data"
        + struct.pack("<I", said)
        + body
    )


def form(kind: int, bits: int, channels: int = 1, rate: int = 16_000) -> bytes:
    octets = channels * bits // 8
    return struct.pack("<HHIIHH", kind, channels, rate, rate * octets, octets, bits)


def read(data: bytes) -> Sound:
    return read_wave(data, longest_seconds=10.0)


@pytest.mark.parametrize(
    ("kind", "bits", "body", "error"),
    [
        (1, 8, bytes((sample >> 8) + 128 for sample in TONE), 256),
        (1, 16, struct.pack("<1600h", *TONE), 0),
        (1, 24, b"".join((sample << 8).to_bytes(3, "little", signed=True) for sample in TONE), 0),
        (1, 32, struct.pack("<1600i", *(sample << 16 for sample in TONE)), 0),
        (3, 32, struct.pack("<1600f", *(sample / 32_767 for sample in TONE)), 1),
        (3, 64, struct.pack("<1600d", *(sample / 32_767 for sample in TONE)), 1),
        (6, 8, encode_a_law(TONE), 520),
        (7, 8, encode_mu_law(TONE), 520),
    ],
)
def test_every_kind_of_samples_is_read(kind: int, bits: int, body: bytes, error: int) -> None:
    sound = read(riff(form(kind, bits), body))
    assert (sound.rate, sound.seconds) == (16_000, 0.1)
    assert max(abs(was - read) for was, read in zip(TONE, sound.samples, strict=True)) <= error


def test_two_channels_become_one_and_other_chunks_are_passed_over() -> None:
    body = struct.pack("<6h", 100, 300, -100, -300, 32_767, 32_767)
    odd = b"LIST\x03\x00\x00\x00abc\x00"
    assert list(read(riff(form(1, 16, channels=2), body, before=odd)).samples) == [200, -200, 32_767]


def test_the_long_form_says_its_kind_further_behind() -> None:
    long_form = form(0xFFFE, 16) + struct.pack("<HHI", 22, 16, 0) + struct.pack("<H", 1) + bytes(14)
    assert list(read(riff(long_form, b"\x01\x00\x02\x00")).samples) == [1, 2]


def test_what_a_file_says_of_its_length_is_not_believed() -> None:
    # Programs that write to a pipe do not know it; the last octet is half a sample.
    assert list(read(riff(form(1, 16), b"\x01\x00\x02\x00\x03", size=0xFFFF_FFFF)).samples) == [1, 2]


def test_floating_point_beyond_the_scale_is_cut_and_what_is_no_number_read() -> None:
    body = struct.pack("<4f", 2.0, -2.0, math.inf, math.nan)
    assert list(read(riff(form(3, 32), body)).samples) == [32_767, -32_767, 32_767, -32_767]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_wave"),
        (b"ID3\x03" + bytes(100), "not_wave"),
        (b"RIFF\x04\x00\x00\x00AVI ", "not_wave"),
        (b"RIFF\x04\x00\x00\x00WAVE", "broken_wave"),
        (b"RIFF\x04\x00\x00\x00WAVEdata\x02\x00\x00\x00\x01\x00", "broken_wave"),
        (b"RIFF\x04\x00\x00\x00WAVEfmt \xff\xff\xff\xff", "broken_wave"),
        (riff(b"\x01\x00", b"\x01\x00"), "broken_wave"),
        (riff(form(85, 16), b"\x01\x00"), "unsupported_wave"),
        (riff(form(1, 12), b"\x01\x00"), "unsupported_wave"),
        (riff(form(1, 16, channels=0), b"\x01\x00"), "unsupported_wave"),
        (riff(form(1, 16, channels=9), bytes(18)), "unsupported_wave"),
        (riff(form(1, 16, rate=0), b"\x01\x00"), "unsupported_wave"),
        (riff(form(1, 16, rate=3_000_000), b"\x01\x00"), "unsupported_wave"),
        (riff(form(0xFFFE, 16), b"\x01\x00"), "unsupported_wave"),
        (riff(form(1, 16), b"\x01"), "empty_sound"),
        (riff(form(1, 16, rate=4_000), bytes(80_002)), "sound_too_long"),
    ],
)
def test_what_is_no_recording_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(UnusableSound) as refused:
        read(data)
    assert refused.value.code == code


def test_what_is_written_others_read() -> None:
    written = write_wave(Sound(TONE, 16_000))
    with wave.open(io.BytesIO(written)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        assert file.readframes(1600) == struct.pack("<1600h", *TONE)
    assert list(read(written).samples) == TONE


def loudness(sound: Sound) -> float:
    """The root of the mean square of its middle: at the ends there is less to weigh."""
    middle = sound.samples[len(sound.samples) // 4 : -len(sound.samples) // 4]
    return math.sqrt(sum(sample * sample for sample in middle) / len(middle))


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("wanted", [8_000, 16_000])
def test_a_tone_stays_as_high_and_as_loud_at_another_rate(rate: int, wanted: int) -> None:
    tone = [round(10_000 * math.sin(index * 2 * math.pi * 440 / rate)) for index in range(rate // 4)]
    sound = Sound(tone, rate).at(wanted)
    assert (sound.rate, len(sound.samples)) == (wanted, len(tone) * wanted // rate)
    expected = [round(10_000 * math.sin(index * 2 * math.pi * 440 / wanted)) for index in range(wanted // 4)]
    middle = slice(wanted // 16, -wanted // 16)
    pairs = zip(expected[middle], list(sound.samples)[: len(expected)][middle], strict=False)
    assert max(abs(one - other) for one, other in pairs) < 150


def test_what_is_too_high_for_the_new_rate_is_gone() -> None:
    tone = [round(10_000 * math.sin(index * 2 * math.pi * 6_000 / 48_000)) for index in range(12_000)]
    assert loudness(Sound(tone, 48_000).at(8_000)) < 50


def test_what_overshoots_is_cut() -> None:
    square = Sound([32_767] * 100 + [-32_768] * 100, 48_000).at(16_000)
    assert (max(square.samples), min(square.samples)) == (32_767, -32_768)
