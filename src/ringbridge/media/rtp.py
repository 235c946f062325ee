"""The RTP packet, RFC 3550 section 5.1: what the built-in telephones send and hear. Not RTCP, and no jitter buffer."""

import struct
from typing import NamedTuple

_FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")


class RtpPacket(NamedTuple):
    """A packet without contributing sources; on parsing, those and a header extension are skipped."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def serialize(self) -> bytes:
        return (
            _FIXED.pack(
                0x80,
                self.payload_type | self.marker << 7,
                self.sequence,
                self.timestamp,
                self.ssrc,
            )
            + self.payload
        )

    def following(self, payload: bytes, samples: int) -> "RtpPacket":
        """The next packet of the stream, this one having carried `samples` samples."""
        return RtpPacket(
            payload_type=self.payload_type,
            sequence=(self.sequence + 1) & 0xFFFF,
            timestamp=(self.timestamp + samples) & 0xFFFF_FFFF,
            ssrc=self.ssrc,
            payload=payload,
        )


def parse(data: bytes) -> RtpPacket | None:
    """Read a packet; None when it is not RTP of version 2 or contradicts its own lengths."""
    if len(data) < _FIXED.size:
        return None
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != 2:
        return None
    start = _FIXED.size + 4 * (first & 0x0F)
    end = len(data)
    if first & 0x10:
        if start + _EXTENSION.size > end:
            return None
        _, words = _EXTENSION.unpack_from(data, start)
        start += _EXTENSION.size + 4 * words
    if first & 0x20:
        # The last octet counts the padding, itself included, so zero is an error.
        end -= data[-1] or end
    if start > end:
        return None
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))
