"""One worker process and the queue of commands to it, in the stream form of the RTPProxy control protocol.

One line per command; replies come in the order of the commands and carry no name. Commands that nobody waits for
stay a few milliseconds for company, because a write to another process costs more than the commands in it; then they
leave in one, as far as the window of unanswered ones allows. What the commands mean is `rtpio`'s affair.
"""

import asyncio
import contextlib
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Self, cast

import structlog

from ringbridge.engines.native.media import MediaUnavailable

START_SECONDS = 10.0
REPLY_SECONDS = 5.0
STOP_SECONDS = 2.0

# What Python needs to find its own and the installed packages. The rest is not the worker's business: there may be
# secrets in it.
ENVIRONMENT = ("HOME", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE")

# Said to the worker that is stopped; whoever is killed says nothing.
GOODBYE = b"stop\n"

# One packet of audio: nobody hears a prompt start or stop that much later.
LINGER_SECONDS = 0.02

# RTPProxy reads up to 8 KiB at once; when that is full it leaves whole commands in its buffer until more arrive.
WINDOW_OCTETS = 4096

log = structlog.get_logger()


class _Command(NamedTuple):
    text: str
    on_reply: Callable[[str], None] | None


class WorkerLink(asyncio.Protocol):
    """Made by `start`. When the worker ends unasked, `on_lost` is called once; then only `stop` remains to be called."""

    def __init__(self, process: Process, on_lost: Callable[["WorkerLink"], None]) -> None:
        self._process = process
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None
        self._queue: deque[_Command] = deque()
        self._in_flight: deque[_Command] = deque()
        self._octets_in_flight = 0
        self._flushing: asyncio.TimerHandle | None = None
        self._replies = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._partial = b""

    @property
    def is_up(self) -> bool:
        """Whether there is still a worker. It may have died since its last reply, before who waited for that woke up."""
        return self._transport is not None

    @classmethod
    async def start(
        cls,
        *,
        host: str,
        first_port: int,
        last_port: int,
        folder: str,
        on_lost: Callable[["WorkerLink"], None],
    ) -> Self:
        """Start a worker and wait until it is ready. Raises MediaUnavailable with the worker's own words."""
        ours, theirs = socket.socketpair()
        with theirs:
            words = (str(theirs.fileno()), host, str(first_port), str(last_port), folder)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                # Nothing is imported from the folder that the server happens to stand in.
                *("-P", "-m", "ringbridge.engines.native.rtpio_worker", *words),
                stdin=PIPE,
                stdout=PIPE,
                pass_fds=(theirs.fileno(),),
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            )
        link = cls(process, on_lost)
        await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=ours)
        assert process.stdout is not None
        said = ""
        try:
            async with asyncio.timeout(START_SECONDS):
                said = (await process.stdout.readline()).decode(errors="replace").strip()
        except TimeoutError:
            said = f"the media worker was not ready within {START_SECONDS:g} seconds"
        finally:
            if said != "ready":
                await link.stop()
        if said != "ready":
            raise MediaUnavailable(said or "the media worker ended while it started")
        return link

    def ask(self, command: str, on_reply: Callable[[str], None] | None = None) -> None:
        """Queue a command. Without `on_reply` a refusal is logged; nothing is called once the worker is lost."""
        if self._transport is None:
            return
        self._queue.append(_Command(command, on_reply))
        if self._flushing is None:
            self._flushing = self._loop.call_later(LINGER_SECONDS, self._flush)

    async def replies(self, *commands: str) -> list[str]:
        """Ask several commands and wait for what the worker says to them.

        Raises MediaUnavailable when there is no worker, when it ends, or when it takes too long. A worker that said
        nothing at all in that time is taken for stuck and killed, and `on_lost` follows.
        """
        if self._transport is None:
            raise MediaUnavailable("the media worker has ended")
        replies: list[str] = []
        complete = self._loop.create_future()

        def collect(reply: str) -> None:
            replies.append(reply)
            if len(replies) == len(commands) and not complete.done():
                complete.set_result(None)

        for command in commands:
            self.ask(command, collect)
        self._loop.call_soon(self._flush)
        counted = self._replies
        self._waiting.add(complete)
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                await complete
        except TimeoutError:
            if self._replies == counted:
                self._kill()
            raise MediaUnavailable(f"the media worker did not answer in {REPLY_SECONDS:g} seconds") from None
        finally:
            self._waiting.discard(complete)
        return replies

    async def stop(self) -> None:
        """End the worker, and wait until it is gone. `on_lost` is not called."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(GOODBYE)
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._kill()
            await self._process.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are written to alike, but do not inherit from asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._replies += 1
            command = self._in_flight.popleft()
            self._octets_in_flight -= len(command.text) + 1
            reply = line.decode("ascii", "replace")
            if command.on_reply is not None:
                command.on_reply(reply)
            elif reply.startswith("E"):
                log.warning("media_command_refused", command=command.text, reply=reply)
        if self._flushing is None and self._queue:
            # The window had no room for these.
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is None:
            return
        self._transport = None
        self._queue.clear()
        self._in_flight.clear()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(MediaUnavailable("the media worker has ended"))
        self._on_lost(self)

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        batch = []
        while self._queue and self._octets_in_flight < WINDOW_OCTETS:
            command = self._queue.popleft()
            self._in_flight.append(command)
            self._octets_in_flight += len(command.text) + 1
            batch.append(command.text + "\n")
        if batch and self._transport is not None:
            self._transport.write("".join(batch).encode())

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
