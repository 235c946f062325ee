"""Sound between scripted phones: packets whose source (SSRC, RFC 3550 section 5.1) says which leg speaks.

All legs of a phone share its one port for audio. Where a packet came from tells which leg heard it: the server has a
port of its own for each.
"""

import asyncio
import itertools
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Self

from tests.peers import wire
from tests.peers.phone import Address, Leg
from tests.peers.tool import WAIT_SECONDS

# Ten times a second is enough for a witness, and leaves the machine to the server.
_PAUSE_SECONDS = 0.1
_SILENCE_IN_MU_LAW = b"\xff" * 160


def media_address(leg: Leg) -> Address:
    """Where the server last said that it takes this leg's audio."""
    body = next(
        line.message.body
        for line in reversed(leg.ladder)
        if not line.sent and b"m=audio" in line.message.body
    )
    return wire.media_address_of(body)


class Conversation:
    """Legs that speak while the block runs, and who is heard by whom."""

    def __init__(self) -> None:
        self._sources: dict[Leg, int] = {}
        self._sockets: set[socket.socket] = set()
        self._heard: set[tuple[Address, int]] = set()
        self._news = asyncio.Event()
        self._numbers = itertools.count(1)

    @classmethod
    @asynccontextmanager
    async def between(cls, *legs: Leg) -> AsyncIterator[Self]:
        """The legs speak until the block ends; `join` brings more of them, and `mute` ends one's part."""
        conversation = cls()
        conversation.join(legs)
        speaking = asyncio.create_task(conversation._speak())
        try:
            yield conversation
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            for ear in conversation._sockets:
                asyncio.get_running_loop().remove_reader(ear)

    def join(self, legs: Iterable[Leg]) -> None:
        """From now on these legs speak, too."""
        for leg in legs:
            self._sources[leg] = next(self._numbers)
            ear = leg.phone.ear
            if ear not in self._sockets:
                self._sockets.add(ear)
                ear.setblocking(False)
                asyncio.get_running_loop().add_reader(ear, self._hear, ear)

    def mute(self, leg: Leg) -> None:
        """From now on this leg says nothing, if it did."""
        self._sources.pop(leg, None)

    async def is_mutual(self, first: Leg, second: Leg, *, seconds: float = WAIT_SECONDS) -> None:
        """Return once each of the two has heard something new of the other; an error if they do not."""
        awaited = {
            (media_address(first), self._sources[second]),
            (media_address(second), self._sources[first]),
        }
        self._heard -= awaited
        try:
            async with asyncio.timeout(seconds):
                while not awaited <= self._heard:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not heard within {seconds} s:\n{first}\n{second}") from None

    async def _speak(self) -> None:
        never = asyncio.Event()
        for number in itertools.count():
            for leg, source in self._sources.items():
                header = struct.pack(
                    "!BBHII", 0x80, leg.payload_types[0], number & 0xFFFF, number * 160, source
                )
                leg.phone.ear.sendto(header + _SILENCE_IN_MU_LAW, media_address(leg))
            try:
                async with asyncio.timeout(_PAUSE_SECONDS):
                    await never.wait()
            except TimeoutError:
                pass

    def _hear(self, ear: socket.socket) -> None:
        packet, source = ear.recvfrom(2048)
        if len(packet) >= 12:
            self._heard.add((source[:2], int.from_bytes(packet[8:12])))
            self._news.set()
