"""The HTTP server: uvicorn on a socket of ours, started and stopped by its owner rather than by signals."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from ringbridge.api.connection import BoundedHttpProtocol

# Enough for a burst of clicks while the event loop is busy.
BACKLOG = 2048

KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 2


class HttpServer(uvicorn.Server):
    """Serves `app` on a bound socket. `serve` in a task of its own; `stop` makes it return."""

    def __init__(self, app: ASGIApp, sock: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedHttpProtocol,
                ws="none",
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                access_log=False,
                log_config=None,
                server_header=False,
                lifespan="off",
            )
        )
        self._socket = sock
        self._is_ready = asyncio.Event()

    async def run_until_stopped(self) -> None:
        """Serve until `stop`."""
        await self.serve(sockets=[self._socket])

    async def ready(self) -> None:
        """Wait until connections are taken."""
        await self._is_ready.wait()

    def stop(self) -> None:
        """Take no more connections, finish the open requests for SHUTDOWN_SECONDS, return."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's own start, and then the word that it is done."""
        await super().startup(sockets)
        self._is_ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the composition root: it drains the calls first, while this server still answers."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket on `host`:`port` (0: any free one). Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock
