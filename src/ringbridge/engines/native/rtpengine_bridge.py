"""A session whose two sides both speak SRTP: two calls of rtpengine, one behind the other.

Within one call rtpengine hands the keys of one side on to the other. A phone that changes its key, as many do when
they hold, would change what the other phone has to be told. So each side gets a call of its own, in which it alone
speaks SRTP; between the two is plain RTP, which does not leave rtpengine's machine.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ringbridge.engines.native.media import Lost, MediaEvent, OnMediaEvent, Side
from ringbridge.engines.native.rtpengine_session import RtpengineSession
from ringbridge.media.crypto import CryptoKey
from ringbridge.media.sdp import TELEPHONE_EVENT, Codec, MediaAddress


def half_name(session: str, side: Side) -> str:
    """The name of the call that this side of the session has to itself."""
    return f"{session}/{side.value}"


class RtpengineBridge:
    """Implements `MediaSession` of `media`. `halves` are leased, and tell their events to `on_half_event`."""

    def __init__(self, name: str, halves: Mapping[Side, RtpengineSession], on_event: OnMediaEvent) -> None:
        self.name = name
        self._halves = halves
        self._on_event = on_event
        self._live = True
        for side, half in halves.items():
            half.set_remote(side.other, halves[side.other].local(side))

    def on_half_event(self, event: MediaEvent) -> None:
        """Either of the calls tells something; what is lost is lost once."""
        if not self._live:
            return
        if isinstance(event, Lost):
            self.close()
        self._on_event(self.name, event)

    def local(self, side: Side) -> MediaAddress:
        return self._halves[side].local(side)

    def local_key(self, side: Side) -> CryptoKey | None:
        return self._halves[side].local_key(side)

    def set_remote(
        self,
        side: Side,
        address: MediaAddress,
        *,
        codecs: Sequence[Codec] = (),
        key: CryptoKey | None = None,
        learns: bool = False,
    ) -> None:
        self._halves[side].set_remote(side, address, codecs=codecs, key=key, learns=learns)
        if codecs and side is Side.USER:
            # Between the two calls it is the user's codecs that are spoken, so only one of them ever transcodes.
            destination = self._halves[Side.DESTINATION]
            destination.set_remote(side, self._halves[side].local(side.other), codecs=codecs)

    def play(self, side: Side, prompt: Path, payload_type: int, *, repeat: bool = False) -> None:
        self._halves[side].play(side, prompt, payload_type, repeat=repeat)

    def stop_playing(self, side: Side) -> None:
        self._halves[side].stop_playing(side)

    def watch_first_packet(self, side: Side) -> None:
        self._halves[side].watch_first_packet(side)

    def watch_keys(self, side: Side, payload_type: int = TELEPHONE_EVENT.payload_type) -> None:
        self._halves[side].watch_keys(side, payload_type)

    def send_digits(self, side: Side, digits: str, codecs: Sequence[Codec]) -> None:
        self._halves[side].send_digits(side, digits, codecs)

    def expect_audio(self, side: Side, expected: bool) -> None:
        self._halves[side].expect_audio(side, expected)

    def close(self) -> None:
        self._live = False
        for half in self._halves.values():
            half.close()
