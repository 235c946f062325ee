"""A plain UDP socket: it sends what a test gives it and collects what comes, if anything does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self, cast

from tests.peers import wire
from tests.peers.phone import Address
from tests.peers.tool import LOOPBACK
from tests.peers.wire import SipMessage


class PlainSocket(asyncio.DatagramProtocol):
    """Datagrams by hand."""

    def __init__(self) -> None:
        self.datagrams: list[bytes] = []
        self._news = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int = 0, *, host: str = LOOPBACK) -> AsyncIterator[Self]:
        """The socket, on a free loopback port that no server was told about, or on a known one."""
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_datagram_endpoint(cls, local_addr=(host, port))
        try:
            yield protocol
        finally:
            transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket to send by."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Keep what came."""
        self.datagrams.append(data)
        self._news.set()

    @property
    def port(self) -> int:
        """The port it is bound to."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def send(self, data: bytes, peer: Address) -> None:
        """Send one datagram."""
        assert self._transport is not None
        self._transport.sendto(data, peer)

    async def hears_something(self, *, seconds: float) -> bool:
        """Whether anything has come by the end of `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not self.datagrams:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def next_message(self, *, seconds: float) -> SipMessage:
        """The first SIP message that has come, or comes within `seconds`."""
        assert await self.hears_something(seconds=seconds), f"nothing within {seconds} s"
        return wire.read(self.datagrams[0])
