"""Sound is where it was in time, whatever the network did to its packets."""

from ringbridge.demo.recording import MAX_SECONDS, Recording
from ringbridge.media.rtp import RtpPacket

FRAME = 160
# Mu-law and A-law of a sample that is not silence, and what it decodes to.
MU_LAW, MU_LAW_SAMPLE = b"\x80", 32124
A_LAW, A_LAW_SAMPLE = b"\xaa", 32256


def packet(
    index: int, *, ssrc: int = 1, timestamp: int = 0, payload_type: int = 0, sound: bytes = MU_LAW
) -> RtpPacket:
    return RtpPacket(payload_type, index, (timestamp + index * FRAME) % 2**32, ssrc, sound * FRAME)


def loud(recording: Recording, until: float) -> list[tuple[int, int]]:
    """The stretches that are not silent, as first and last frame."""
    samples = recording.samples(until)
    frames = [index for index in range(len(samples) // FRAME) if samples[index * FRAME]]
    stretches: list[tuple[int, int]] = []
    for frame in frames:
        if stretches and stretches[-1][1] == frame - 1:
            stretches[-1] = (stretches[-1][0], frame)
        else:
            stretches.append((frame, frame))
    return stretches


def test_what_comes_late_out_of_order_or_not_at_all_is_put_where_it_belongs() -> None:
    recording = Recording(started_at=100.0)
    for index, at in ((0, 100.0), (2, 100.04), (1, 100.041), (5, 100.13)):
        recording.receive(packet(index), at)

    assert loud(recording, 100.2) == [(0, 2), (5, 5)]
    assert len(recording.samples(100.2)) == 1600


def test_timestamps_may_wrap() -> None:
    recording = Recording(started_at=0.0)
    for index, at in ((0, 0.0), (1, 0.05), (2, 0.051)):
        recording.receive(packet(index, timestamp=2**32 - FRAME), at)

    assert loud(recording, 0.1) == [(0, 2)]


def test_a_new_source_is_placed_by_its_arrival() -> None:
    recording = Recording(started_at=0.0)
    recording.receive(packet(0, ssrc=1, timestamp=5), 0.0)
    recording.receive(packet(0, ssrc=2, timestamp=900_000), 0.1)
    recording.receive(packet(1, ssrc=2, timestamp=900_000), 0.12)

    assert loud(recording, 0.2) == [(0, 0), (5, 6)]


def test_a_new_source_does_not_cut_the_end_of_the_last_one() -> None:
    recording = Recording(started_at=0.0)
    recording.receive(packet(0, ssrc=1), 0.0)
    recording.receive(packet(0, ssrc=2), 0.019)

    assert loud(recording, 0.04) == [(0, 1)]


def test_a_source_whose_clock_jumps_is_placed_anew() -> None:
    recording = Recording(started_at=0.0)
    recording.receive(packet(0), 0.0)
    recording.receive(packet(1, timestamp=8_000_000), 0.04)

    assert loud(recording, 0.1) == [(0, 0), (2, 2)]


def test_both_laws_are_decoded_and_key_presses_are_no_sound() -> None:
    recording = Recording(started_at=0.0)
    recording.receive(packet(0), 0.0)
    recording.receive(packet(1, payload_type=8, sound=A_LAW), 0.02)
    recording.receive(packet(2, payload_type=101), 0.04)

    samples = recording.samples(0.06)
    assert (samples[0], samples[FRAME], samples[2 * FRAME]) == (MU_LAW_SAMPLE, A_LAW_SAMPLE, 0)


def test_a_recording_does_not_grow_for_ever() -> None:
    recording = Recording(started_at=0.0)
    recording.receive(packet(0), MAX_SECONDS + 1.0)

    assert len(recording.samples(MAX_SECONDS + 2.0)) == MAX_SECONDS * 8000
