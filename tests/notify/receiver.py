"""Receivers of webhooks as they are met: real sockets on loopback that behave, or do not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

PATIENCE_SECONDS = 120.0

Behaviour = Callable[["Receiver", asyncio.StreamWriter], Coroutine[Any, Any, None]]


class Received(NamedTuple):
    """One request: its head's fields by their names in lower case, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """An HTTP/1.1 server that reads each request whole and then does what `behaviour` says. `requests` are those so far."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[Received] = []
        self.connections = 0
        self.written = 0
        self.port = 0
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def until(self, condition: Callable[["Receiver"], bool]) -> None:
        """Wait until the condition holds, looked at after each request."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    @property
    def ids(self) -> list[str]:
        """The ids of the events that arrived, in order."""
        return [request.headers["webhook-id"] for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self._changed.set()
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head[1:])
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append(Received(head[0].split()[1], headers, body))
                self._changed.set()
                await self.behaviour(self, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver(behaviour)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(receiver.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answers(status: int, *headers: str) -> Behaviour:
    """Every request has this answer."""

    async def behave(_: Receiver, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} X", "Content-Length: 0", *headers, "", ""]
        writer.write("\r\n".join(lines).encode())
        await writer.drain()

    return behave


async def hangs(_: Receiver, writer: asyncio.StreamWriter) -> None:
    """Never answers."""
    await asyncio.Event().wait()


async def drips(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Answers an octet at a time, each well within any time-out between two octets."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100_000):
        writer.write(b".")
        await writer.drain()
        await _pause(0.05)


async def breaks_off(_: Receiver, writer: asyncio.StreamWriter) -> None:
    """Closes in the middle of its answer."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of")
    await writer.drain()
    writer.close()


async def never_ends(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Answers 200 with as many octets as anybody reads, and ten gigabytes at most."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    while True:
        writer.write(b"." * 65_536)
        receiver.written += 65_536
        await writer.drain()


async def says_nothing(_: Receiver, writer: asyncio.StreamWriter) -> None:
    """Closes without an answer, as what goes down does."""
    writer.close()


async def head_never_ends(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Answers with fields of the head for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"." * 4_000 + b"\r\n")
        receiver.written += 4_010
        await writer.drain()


async def _pause(seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
    except TimeoutError:
        return
