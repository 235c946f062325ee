"""What the packets of a session's two sides tell, whichever relay counts them."""

from collections.abc import Callable, Mapping

from ringbridge.engines.native.media import FirstPacket, MediaEvent, Side, Silent
from ringbridge.media.silence import SilenceWatch


class StreamWatch:
    """Takes counts of packets and tells `FirstPacket` and `Silent`. `now` is in seconds of any one clock."""

    __slots__ = ("_before", "_silences", "_tell")

    def __init__(self, tell: Callable[[MediaEvent], None], silence_seconds: float | None) -> None:
        self._tell = tell
        self._before: dict[Side, int | None] = {}  # packets when the watch began; None until counted
        self._silences = (
            {} if silence_seconds is None else {side: SilenceWatch(silence_seconds) for side in Side}
        )

    @property
    def awaits_first_packet(self) -> bool:
        """Whether counts are wanted soon."""
        return bool(self._before)

    @property
    def minds_silence(self) -> bool:
        """Whether counts are wanted now and then."""
        return bool(self._silences)

    def await_first_packet(self, side: Side) -> None:
        """Tell the first packet from now on."""
        self._before[side] = None

    def expect(self, side: Side, expected: bool, now: float) -> None:
        """From now on this side should be sending, or need not be."""
        if self._silences:
            self._silences[side].expect(expected, now)

    def counted(self, packets: Mapping[Side, int], now: float) -> None:
        """So many packets have come from each side in all."""
        for side, count in packets.items():
            if side in self._before:
                before = self._before[side]
                if before is None:
                    self._before[side] = count
                elif count > before:
                    del self._before[side]
                    self._tell(FirstPacket(side=side))
            if self._silences and self._silences[side].counted(count, now):
                self._tell(Silent(side=side))

    def stop(self) -> None:
        """Tell nothing more."""
        self._before.clear()
        self._silences.clear()
