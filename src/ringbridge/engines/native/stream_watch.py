"""What the packets of a session's two sides tell, whichever relay counts them."""

import asyncio
from collections.abc import Callable, Mapping

from ringbridge.engines.native.media import FirstPacket, MediaEvent, Side, Silent
from ringbridge.media.silence import SilenceWatch

WATCH_SECONDS = 0.1
"""Between two counts while a first packet is awaited."""


class StreamWatch:
    """Takes counts of packets and tells `FirstPacket` and `Silent`. `count` has the packets counted, for `counted`."""

    __slots__ = ("_before", "_count", "_is_polling", "_loop", "_silences", "_tell")

    def __init__(
        self, tell: Callable[[MediaEvent], None], count: Callable[[], None], silence_seconds: float | None
    ) -> None:
        self._tell = tell
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._is_polling = False
        self._before: dict[Side, int | None] = {}  # packets when the watch began; None until counted
        self._silences = (
            {} if silence_seconds is None else {side: SilenceWatch(silence_seconds) for side in Side}
        )

    @property
    def minds_silence(self) -> bool:
        """Whether counts are wanted now and then, besides those that are asked for here."""
        return bool(self._silences)

    def await_first_packet(self, side: Side) -> None:
        """Tell the first packet from now on."""
        self._before[side] = None
        self._count()
        if not self._is_polling:
            self._is_polling = True
            self._poll_later()

    def expect(self, side: Side, expected: bool) -> None:
        """From now on this side should be sending, or need not be."""
        if self._silences:
            self._silences[side].expect(expected, self._loop.time())

    def counted(self, packets: Mapping[Side, int]) -> None:
        """So many packets have come from each side in all."""
        now = self._loop.time()
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
        """Tell nothing more, and have nothing counted."""
        self._before.clear()
        self._silences.clear()
        # The session whose method it is holds this object: apart they are freed at once, without the collector.
        self._count = _count_nothing

    def _poll_later(self) -> None:
        self._loop.call_later(WATCH_SECONDS, self._poll)

    def _poll(self) -> None:
        self._is_polling = bool(self._before)
        if self._is_polling:
            self._count()
            self._poll_later()


def _count_nothing() -> None:
    """The session is over."""
