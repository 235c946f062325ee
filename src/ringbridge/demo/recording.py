"""What one phone heard: RTP in, 16-bit samples at 8 kHz out.

Sound is placed by its RTP timestamps, so that what was lost is silence of the right length. A new source, or one whose
timestamps jump, is placed by its arrival: a prompt and the voice after it come from different clocks (RFC 3550
section 5.1). Pure: the caller says when a packet came.
"""

from array import array
from typing import NamedTuple

from ringbridge.media import g711
from ringbridge.media.rtp import RtpPacket
from ringbridge.media.sdp import PCMA, PCMU

SAMPLE_RATE = 8000
MAX_SECONDS = 600
"""Longer calls go on; their recording does not."""

LARGEST_DRIFT_SECONDS = 0.5
"""Timestamps that leave the clock on the wall by more than this belong to another clock."""


class _Source(NamedTuple):
    """Where a stream's timestamps lie in the recording: the timestamp at sample `position`."""

    ssrc: int
    timestamp: int
    position: int


class Recording:
    """Sound since `started_at`, in seconds of the clock that `receive` is told."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._samples = array("h")
        self._source: _Source | None = None

    def receive(self, packet: RtpPacket, at: float) -> None:
        """Put the packet where it belongs; one that is not G.711 is no sound to this phone."""
        match packet.payload_type:
            case PCMU.payload_type:
                sound = g711.decode_mu_law(packet.payload)
            case PCMA.payload_type:
                sound = g711.decode_a_law(packet.payload)
            case _:
                return
        arrival = max(0, round((at - self._started_at) * SAMPLE_RATE))
        position = self._position(packet, arrival)
        if 0 <= position <= MAX_SECONDS * SAMPLE_RATE:
            missing = position + len(sound) - len(self._samples)
            if missing > 0:
                self._samples.frombytes(bytes(2 * missing))
            self._samples[position : position + len(sound)] = sound

    def samples(self, until: float) -> "array[int]":
        """Everything heard, with silence up to `until`."""
        missing = min(round((until - self._started_at) * SAMPLE_RATE), MAX_SECONDS * SAMPLE_RATE) - len(
            self._samples
        )
        return self._samples + array("h", bytes(2 * max(0, missing)))

    def _position(self, packet: RtpPacket, arrival: int) -> int:
        source = self._source
        if source is not None and source.ssrc == packet.ssrc:
            # RFC 3550 section 5.1: timestamps wrap; the nearer way round is the right one.
            ahead = (packet.timestamp - source.timestamp + 2**31) % 2**32 - 2**31
            position = source.position + ahead
            if abs(position - arrival) <= LARGEST_DRIFT_SECONDS * SAMPLE_RATE:
                return position
        # Arrival trembles by a few milliseconds: the new sound must not cut the end of the old one.
        position = max(arrival, min(len(self._samples), arrival + SAMPLE_RATE // 10))
        self._source = _Source(packet.ssrc, packet.timestamp, position)
        return position
