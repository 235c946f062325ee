"""The scripted phone for connections: it takes those that the server makes, over TCP or TLS, and can break them.

It can also make one of its own, as phones do that register.
"""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

from tests.peers import wire
from tests.peers.phone import Address, Leg, Phone
from tests.peers.tool import LOOPBACK
from tests.peers.wire import SipMessage

_TCP_REPAIR = 19
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


class StreamPhone(Phone):
    """A phone that listens for connections. Each leg answers over the one that the server last used for it."""

    transport_name = "TCP"

    def __init__(self, on_leg: Callable[[Leg], None] | None = None) -> None:
        super().__init__(on_leg)
        self.accepted = 0
        """How many connections the server has made."""
        self._writers: dict[Address, asyncio.StreamWriter] = {}
        self._serving: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def listening_for_connections(
        cls, port: int, *, host: str = LOOPBACK, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[Self]:
        """A phone that takes connections at a loopback port, over TLS if there is a context for that."""
        phone = cls()
        phone.transport_name = "TCP" if tls is None else "TLS"
        server = await asyncio.start_server(phone._serve, host, port, ssl=tls)
        with phone.hearing(host):
            phone.via = (host, port)
            transport = phone.transport_name.lower()
            phone.contact = f"sip:phone@{wire.host_and_port(phone.via)};transport={transport}"
            try:
                yield phone
            finally:
                server.close()
                for writer in phone._writers.values():
                    writer.transport.abort()
                await asyncio.gather(*phone._serving)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.via[1]

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return sum(not writer.is_closing() for writer in self._writers.values())

    def send(self, message: SipMessage, peer: Address) -> None:
        """Send a message over the connection with `peer`, if that is still open."""
        writer = self._writers[peer]
        if not writer.is_closing():
            writer.write(message.to_bytes())

    async def connect(self, server: Address) -> None:
        """Make a connection over TCP, in place of the last one with that server."""
        reader, writer = await asyncio.open_connection(*server)
        self._writers[server] = writer
        self._serving.add(asyncio.create_task(self._talk(reader, writer)))

    async def reset(self) -> None:
        """Break every connection, and let the server know."""
        await self._break(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def vanish(self) -> None:
        """Forget every connection without a word, as a machine does whose power fails: the server cannot know."""
        await self._break(socket.IPPROTO_TCP, _TCP_REPAIR, 1)

    async def _break(self, level: int, option: int, value: int | bytes) -> None:
        for writer in self._writers.values():
            if not writer.is_closing():
                writer.get_extra_info("socket").setsockopt(level, option, value)
                writer.transport.abort()
        await asyncio.gather(*self._serving)
        self._serving.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers[writer.get_extra_info("peername")[:2]] = writer
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        await self._talk(reader, writer)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")[:2]
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lstrip(b"\r\n")
                if head:
                    length = _LENGTH.search(head)
                    assert length is not None, head
                    body = await reader.readexactly(int(length[1]))
                    self.take(wire.read(head + body), peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
