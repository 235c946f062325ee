import pytest

from ringbridge.media.dtmf import GAP_SECONDS, KEY_SECONDS, KEYS, event_codec, packets, presses, tone
from ringbridge.media.sdp import PCMU, TELEPHONE_EVENT, Codec
from ringbridge.media.tones import power_at


def test_keys_follow_one_another_and_a_comma_waits_a_second() -> None:
    assert [(round(press.at, 3), press.key) for press in presses("1,,2a")] == [
        (0.0, "1"),
        (2.2, "2"),
        (2.4, "A"),
    ]


def test_what_is_no_key_is_passed_over() -> None:
    assert [press.key for press in presses("1-2 (3)")] == ["1", "2", "3"]


def test_an_event_has_one_timestamp_a_marker_first_and_its_end_three_times() -> None:
    timed = list(packets("5", 101, ssrc=7, sequence=65_534, timestamp=1000))
    assert [round(at, 3) for at, _ in timed] == [0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12]
    sent = [packet for _, packet in timed]
    assert [packet.marker for packet in sent] == [True] + [False] * 6
    assert [packet.sequence for packet in sent] == [65_534, 65_535, 0, 1, 2, 3, 4]
    assert {(packet.timestamp, packet.ssrc, packet.payload_type) for packet in sent} == {(1000, 7, 101)}
    assert [packet.payload[1] >> 7 for packet in sent] == [0, 0, 0, 0, 1, 1, 1]
    assert [int.from_bytes(packet.payload[2:]) for packet in sent] == [160, 320, 480, 640, 800, 800, 800]
    assert {packet.payload[0] for packet in sent} == {5}


def test_the_timestamp_of_the_next_event_is_as_much_later_as_the_event() -> None:
    sent = [packet for _, packet in packets("*,#", 96, ssrc=7, sequence=1, timestamp=0xFFFF_FFFF)]
    assert sorted({(packet.timestamp, packet.payload[0]) for packet in sent}) == [
        (9599, 11),
        (0xFFFF_FFFF, 10),
    ]


@pytest.mark.parametrize(
    ("key", "low_hz", "high_hz"), [("1", 697, 1209), ("0", 941, 1336), ("#", 941, 1477), ("B", 770, 1633)]
)
def test_a_tone_is_its_two_frequencies_and_then_silence(key: str, low_hz: int, high_hz: int) -> None:
    sound = tone(key)
    down = sound[: round(KEY_SECONDS * 8000)]
    assert power_at(down, low_hz) > 0.01
    assert power_at(down, high_hz) > 0.01
    assert len(sound) == round((KEY_SECONDS + GAP_SECONDS) * 8000)
    assert not any(sound[len(down) :])


def test_every_key_has_a_tone_of_its_own() -> None:
    assert len({bytes(tone(key)) for key in KEYS}) == 16


def test_the_codec_of_key_presses_is_found_by_its_name() -> None:
    theirs = Codec(96, "TELEPHONE-EVENT", 8000)
    assert event_codec((PCMU, theirs, TELEPHONE_EVENT)) == theirs
    assert event_codec((PCMU,)) is None
