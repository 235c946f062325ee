"""The scripted phone as it is in a browser: SIP over one secure WebSocket, which it makes itself (RFC 7118)."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.peers import wire
from tests.peers.phone import Address, Phone
from tests.peers.tool import LOOPBACK
from tests.peers.wire import SipMessage


class WebPhone(Phone):
    """A phone that can be reached over its WebSocket only: it cannot know an address of its own, and names none."""

    transport_name = "WSS"

    def __init__(self) -> None:
        super().__init__(None)
        self._socket: ClientConnection
        self._sending: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def connected(cls, server: Address, context: ssl.SSLContext) -> AsyncIterator[Self]:
        """A phone whose WebSocket is open; how it registers is not its business."""
        phone = cls()
        host = f"{secrets.token_hex(6)}.invalid"
        with phone.hearing(LOOPBACK):
            phone.contact = f"sip:phone@{host};transport=ws"
            async with connect(
                f"wss://{wire.host_and_port(server)}/",
                ssl=context,
                subprotocols=[Subprotocol("sip")],
                proxy=None,
            ) as phone._socket:
                listening = asyncio.create_task(phone._listen(server))
                try:
                    phone.via = (LOOPBACK, 5060)
                    yield phone
                finally:
                    await phone.close()
                    await listening

    async def close(self) -> None:
        """Close the page."""
        await asyncio.gather(*self._sending)
        await self._socket.close()

    def send(self, message: SipMessage, peer: Address) -> None:
        """Send a message; there is nobody else to send it to than the server."""
        task = asyncio.create_task(self._socket.send(message.to_bytes().decode()))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _listen(self, server: Address) -> None:
        async for data in self._socket:
            self.take(wire.read(data.encode() if isinstance(data, str) else data), server)
