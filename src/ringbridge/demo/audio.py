"""The audio of one call at a phone: a tone goes out every 20 ms, what comes in is recorded.

Packets leave by the deadline of each, not by a pause after the last one, so that a late wake-up shifts nothing.
"""

import asyncio
import contextlib
import socket
from array import array
from collections.abc import Callable

from ringbridge.demo.recording import Recording
from ringbridge.media import rtp
from ringbridge.media.g711 import encode_a_law, encode_mu_law
from ringbridge.media.sdp import PCMU, Codec, MediaAddress
from ringbridge.media.tones import sine

PACKET_SECONDS = 0.02
PACKET_SAMPLES = 160
PACKETS_IN_TONE = 50
"""A second: every whole frequency then ends where it began, and the tone repeats without a click."""

DATAGRAM_OCTETS = 2048


class AudioStream:
    """A bound RTP socket; silent until `send_to`. Close it after the call."""

    def __init__(self, host: str, tone_hz: int, *, first: rtp.RtpPacket, now: Callable[[], float]) -> None:
        """`first` gives the random beginnings of RFC 3550 section 5.1. Raises OSError."""
        self._now = now
        self._samples = sine(tone_hz, PACKETS_IN_TONE * PACKET_SECONDS)
        self._packets: list[bytes] = []
        self._packet = first
        self._sent = 0
        self._started_at = 0.0
        self._remote: MediaAddress
        self._timer: asyncio.TimerHandle | None = None
        self._recording = Recording(now())
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    @property
    def local(self) -> MediaAddress:
        """Where this phone hears."""
        return MediaAddress(*self._socket.getsockname()[:2])

    def send_to(self, address: MediaAddress, codec: Codec) -> None:
        """From now on send the tone there."""
        self._remote = address
        self._packets = _packets(self._samples, codec)
        self._packet = self._packet._replace(payload_type=codec.payload_type)
        if self._timer is None:
            self._started_at = self._now()
            self._send()

    def heard(self) -> "array[int]":
        """Everything heard so far."""
        return self._recording.samples(self._now())

    def close(self) -> None:
        """Stop sending and hearing."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _send(self) -> None:
        payload = self._packets[self._sent % PACKETS_IN_TONE]
        self._packet = self._packet.following(payload, PACKET_SAMPLES)
        # What the network does not take is lost, as on any phone.
        with contextlib.suppress(OSError):
            self._socket.sendto(self._packet.serialize(), self._remote)
        self._sent += 1
        due_in_seconds = self._started_at + self._sent * PACKET_SECONDS - self._now()
        self._timer = self._loop.call_later(max(0.0, due_in_seconds), self._send)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            data = self._socket.recv(DATAGRAM_OCTETS)
            packet = rtp.parse(data)
            if packet is not None:
                self._recording.receive(packet, self._now())


def _packets(samples: "array[int]", codec: Codec) -> list[bytes]:
    encode = encode_mu_law if codec.same_as(PCMU) else encode_a_law
    sound = encode(samples)
    return [sound[start : start + PACKET_SAMPLES] for start in range(0, len(sound), PACKET_SAMPLES)]
