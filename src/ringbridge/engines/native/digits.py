"""Pressing keys at the right moments: what a media session does later, and what ends with it."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable, Iterable

from ringbridge.media import dtmf
from ringbridge.media.dtmf import GAP_SECONDS, KEY_SECONDS
from ringbridge.media.sdp import MediaAddress

Action = Callable[[], object]


class DigitSchedule:
    """Actions of one session that are due later. Digits that come while others are pressed wait for them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # Lists, because they take the least while they are empty, which is what they are in most calls.
        self._timers: list[asyncio.TimerHandle] = []
        self._waiting: list[Action] = []
        self._is_busy = False

    def enqueue(self, start: Action) -> None:
        """Call `start` when no digits are pressed; it is over when it has called `done`."""
        if self._is_busy:
            self._waiting.append(start)
        else:
            self._is_busy = True
            start()

    def done(self) -> None:
        """The digits that were started are pressed."""
        self._is_busy = False
        if self._waiting:
            self.enqueue(self._waiting.pop(0))

    def after(self, seconds: float, action: Action) -> None:
        """Call `action` later, unless the session has ended by then."""

        def run() -> None:
            self._timers.remove(timer)
            action()

        timer = self._loop.call_later(seconds, run)
        self._timers.append(timer)

    def cancel(self) -> None:
        """Do nothing more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._waiting.clear()


def seconds_of(digits: str) -> float:
    """How long the digits take, from the first key to the gap behind the last."""
    pauses = digits.count(dtmf.PAUSE)
    return pauses * dtmf.PAUSE_SECONDS + len(dtmf.presses(digits)) * (KEY_SECONDS + GAP_SECONDS)


class EventSource:
    """A UDP socket that speaks telephone events in place of a phone."""

    def __init__(self, host: str) -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self.address = MediaAddress(host, self._socket.getsockname()[1])

    def events(self, digits: str, payload_type: int) -> Iterable[dtmf.TimedPacket]:
        """The packets of these digits, as a stream of its own."""
        return dtmf.packets(
            digits,
            payload_type,
            ssrc=secrets.randbits(32),
            sequence=secrets.randbits(16),
            timestamp=secrets.randbits(32),
        )

    def send(self, packet: bytes, to: MediaAddress) -> None:
        """Send one; what the kernel does not take is lost, as on any network."""
        with contextlib.suppress(OSError):
            self._socket.sendto(packet, to)

    def close(self) -> None:
        self._socket.close()
