"""A UDP relay between the server and one phone that loses, of each call, what a list tells it to lose.

The server is told to call the relay's port; the phone listens elsewhere and writes the relay's port in its Contact.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Self

from tests.peers import wire
from tests.peers.phone import Address
from tests.peers.tool import LOOPBACK


class LossyRelay:
    """Forwards both ways, except the messages that are still on the list of their call."""

    def __init__(self, lose: Mapping[str, Iterable[str]]) -> None:
        self.to_lose = {number: list(kinds) for number, kinds in lose.items()}
        """By called number, the kinds (`INVITE`, `200 INVITE`, `ACK`) yet to be lost: one entry, one datagram, in any order."""
        self._numbers: dict[str, str] = {}
        self._phone: Address | None = None
        self._server: Address | None = None
        self._to_server: asyncio.DatagramTransport | None = None
        self._to_phone: asyncio.DatagramTransport | None = None

    @classmethod
    @asynccontextmanager
    async def between(
        cls, port: int, phone_port: int, *, lose: Mapping[str, Iterable[str]]
    ) -> AsyncIterator[Self]:
        """The relay on `port`, in front of the phone at `phone_port`."""
        relay = cls(lose)
        relay._phone = (LOOPBACK, phone_port)
        loop = asyncio.get_running_loop()
        front, _ = await loop.create_datagram_endpoint(
            lambda: _Ear(relay._from_server), local_addr=(LOOPBACK, port)
        )
        back, _ = await loop.create_datagram_endpoint(
            lambda: _Ear(relay._from_phone), local_addr=(LOOPBACK, 0)
        )
        relay._to_server, relay._to_phone = front, back
        try:
            yield relay
        finally:
            front.close()
            back.close()

    def _from_server(self, data: bytes, source: Address) -> None:
        self._server = source
        self._forward(data, self._to_phone, self._phone)

    def _from_phone(self, data: bytes, source: Address) -> None:
        self._forward(data, self._to_server, self._server)

    def _forward(self, data: bytes, way: asyncio.DatagramTransport | None, target: Address | None) -> None:
        assert way is not None
        message = wire.read(data)
        if message.kind == "INVITE":
            self._numbers.setdefault(message.call_id, message.called_number)
        to_lose = self.to_lose.get(self._numbers[message.call_id], [])
        if message.kind in to_lose:
            to_lose.remove(message.kind)
        elif not way.is_closing():
            way.sendto(data, target)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, hear: Callable[[bytes, Address], None]) -> None:
        self._hear = hear

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._hear(data, addr)
