"""TLS in front of a phone that speaks plain TCP: SIPp as Debian builds it has none."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.peers.tool import LOOPBACK

_OCTETS_AT_ONCE = 65_536


@asynccontextmanager
async def tls_front(port: int, context: ssl.SSLContext, phone_port: int) -> AsyncIterator[None]:
    """While entered, whoever connects to `port` over TLS talks to the phone at `phone_port`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        phone_reader, phone_writer = await asyncio.open_connection(LOOPBACK, phone_port)
        # A connection that breaks is the affair of its two ends: the calls over it are counted as failed.
        with contextlib.suppress(OSError):
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_copy(reader, phone_writer))
                ways.create_task(_copy(phone_reader, writer))

    server = await asyncio.start_server(serve, LOOPBACK, port, ssl=context)
    try:
        yield
    finally:
        server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_OCTETS_AT_ONCE):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
