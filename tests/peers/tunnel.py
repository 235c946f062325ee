"""TLS in front of a peer that speaks TCP only, such as Debian's SIPp."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.peers.tool import LOOPBACK


@asynccontextmanager
async def tls_in_front_of(tcp_port: int, *, port: int, context: ssl.SSLContext) -> AsyncIterator[None]:
    """While the block runs, each connection that comes over TLS at `port` goes on over TCP to `tcp_port`."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        onward_reader, onward_writer = await asyncio.open_connection(LOOPBACK, tcp_port)
        await asyncio.gather(_pump(reader, onward_writer), _pump(onward_reader, writer))

    server = await asyncio.start_server(serve, LOOPBACK, port, ssl=context)
    try:
        yield
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write what is read, until it ends; then end the other side, too."""
    try:
        while octets := await reader.read(65_536):
            writer.write(octets)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
