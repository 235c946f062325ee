import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.media.rtp import RtpPacket, parse

HEADER = bytes.fromhex("80 88 1234 0000a000 deadbeef")
PACKET = RtpPacket(8, 0x1234, 0xA000, 0xDEADBEEF, b"audio", marker=True)


def test_a_packet_is_written_and_read_octet_by_octet() -> None:
    assert PACKET.serialize() == HEADER + b"audio"
    assert parse(HEADER + b"audio") == PACKET


def test_contributing_sources_extension_and_padding_are_skipped() -> None:
    data = (
        bytes([0x80 | 0x20 | 0x10 | 2])
        + HEADER[1:]
        + b"CSRC" * 2
        + bytes.fromhex("bede 0001")
        + b"EXTN"
        + b"audio"
        + b"\x00\x00\x03"
    )
    assert parse(data) == PACKET


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEADER[:11],
        b"\x40" + HEADER[1:],
        b"\x81" + HEADER[1:] + b"CSR",
        b"\x90" + HEADER[1:] + b"\xbe\xde\x00",
        b"\x90" + HEADER[1:] + bytes.fromhex("bede 0002") + b"EXTN",
        b"\xa0" + HEADER[1:] + b"audio\x00",
        b"\xa0" + HEADER[1:] + b"audio\x07",
    ],
    ids=[
        "nothing",
        "short header",
        "version 1",
        "missing source",
        "short extension header",
        "short extension",
        "no padding",
        "too much padding",
    ],
)
def test_what_contradicts_itself_is_no_packet(data: bytes) -> None:
    assert parse(data) is None


def test_a_packet_of_padding_alone_is_empty() -> None:
    assert parse(b"\xa0" + HEADER[1:] + b"\x00\x02") == PACKET._replace(payload=b"")


def test_the_following_packet_counts_on_and_wraps() -> None:
    assert PACKET.following(b"more", 160) == RtpPacket(8, 0x1235, 0xA0A0, 0xDEADBEEF, b"more")
    last = PACKET._replace(sequence=0xFFFF, timestamp=0xFFFF_FFFF)
    assert last.following(b"", 160) == RtpPacket(8, 0, 159, 0xDEADBEEF, b"")


@given(st.binary(max_size=80))
def test_any_octets_are_a_packet_or_none(data: bytes) -> None:
    packet = parse(data)
    assert packet is None or parse(packet.serialize()) == packet
