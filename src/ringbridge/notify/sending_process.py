"""Sends webhooks by a process of its own (see `sending_worker`), which is started when there is something to send.

When the process ends unasked, or answers nothing any more, what it was sending counts as not taken, and the next
request starts another.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, cast

import structlog

from ringbridge.call.webhook import InvalidWebhook, Reply, SenderUnavailable, Webhook
from ringbridge.notify.address import Network
from ringbridge.notify.sender import TOTAL_SECONDS, check_as_written
from ringbridge.notify.sending_worker import LENGTH_OCTETS, packed, webhook_fields

# So much longer than a request may take at most is waited for an answer of the process.
_GRACE_SECONDS = 20.0
_STOP_SECONDS = 2.0

# Between two starts.
_PAUSE_SECONDS = 1.0

# What Python needs to find its own and the installed packages, and where certificates and name servers are found.
# The rest is not that process's business: there may be secrets in it.
_ENVIRONMENT = (
    *("HOME", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE"),
    *("LOCALDOMAIN", "RES_OPTIONS", "SSL_CERT_DIR", "SSL_CERT_FILE"),
)

_ENDED = "the process that sends has ended"

log = structlog.get_logger()


class SendingProcess:
    """Does what a `Sender` does, by the process. `allowed`: networks that need not be public.

    An async context manager: leaving it ends the process.
    """

    def __init__(self, allowed: Sequence[Network] = (), total_seconds: float = TOTAL_SECONDS) -> None:
        self._allowed = allowed
        self._total_seconds = total_seconds
        self._starting = asyncio.Lock()
        self._link: _Link | None = None
        self._started_at: float | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._link is not None:
            await self._link.stop()

    @property
    def process_id(self) -> int | None:
        """Of the process that sends; None before there was one."""
        return None if self._link is None else self._link.process.pid

    def check_as_written(self, url: str) -> None:
        """See `sender.check_as_written`; asks no process."""
        check_as_written(url, self._allowed)

    async def check(self, account_id: str, url: str) -> None:
        """See `Sender.check`. Raises SenderUnavailable, too."""
        invalid, reply = await self._ask("check", account_id, url)
        if invalid is not None:
            raise InvalidWebhook(invalid)
        if reply.error is not None:
            raise SenderUnavailable(reply.error)

    async def send(self, webhook: Webhook, event_id: str, body: bytes, utc_now: float) -> Reply:
        """See `Sender.send`."""
        _, reply = await self._ask("send", webhook_fields(webhook), event_id, body.decode(), utc_now)
        return reply

    async def test(self, webhook: Webhook, utc_now: float) -> Reply:
        """See `Sender.test`."""
        _, reply = await self._ask("test", webhook_fields(webhook), utc_now)
        return reply

    async def _ask(self, *order: Any) -> tuple[str | None, Reply]:
        """What the process answers: why a URL is invalid, and what came back for a request."""
        link = self._link
        try:
            if link is None or not link.is_up:
                link = await self._start()
        except OSError as error:
            log.error("webhooks.process_not_started", reason=str(error))
            return None, Reply(None, _ENDED)
        try:
            async with asyncio.timeout(self._total_seconds + _GRACE_SECONDS):
                return await link.ask(order)
        except TimeoutError:
            log.error("webhooks.process_stuck")
            link.kill()
            return None, Reply(None, _ENDED)

    async def _start(self) -> "_Link":
        async with self._starting:
            if self._link is not None and self._link.is_up:
                return self._link
            loop = asyncio.get_running_loop()
            if self._started_at is not None and loop.time() < self._started_at + _PAUSE_SECONDS:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(self._started_at + _PAUSE_SECONDS):
                        await asyncio.Event().wait()
            self._started_at = loop.time()
            if self._link is not None:
                await self._link.stop()
            self._link = await _Link.start(",".join(map(str, self._allowed)), self._total_seconds)
            return self._link


class _Link(asyncio.Protocol):
    """One process and the orders that it has not answered yet."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None
        self._waiting: dict[int, asyncio.Future[tuple[str | None, Reply]]] = {}
        self._number = 0
        self._unsent: list[bytes] = []
        self._received = bytearray()

    @classmethod
    async def start(cls, allowed: str, total_seconds: float) -> Self:
        """Start a process. It reads its first orders once it is ready."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(
                    # Nothing is imported from the folder that the server happens to stand in.
                    "-P",
                    "-m",
                    "ringbridge.notify.sending_worker",
                    str(theirs.fileno()),
                    allowed,
                    str(total_seconds),
                ),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            )
        link = cls(process)
        await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=ours)
        return link

    @property
    def is_up(self) -> bool:
        return self._transport is not None

    async def ask(self, order: Sequence[Any]) -> tuple[str | None, Reply]:
        """What the process answers."""
        if self._transport is None:
            return None, Reply(None, _ENDED)
        self._number = number = self._number + 1
        answered: asyncio.Future[tuple[str | None, Reply]] = self._loop.create_future()
        self._waiting[number] = answered
        if not self._unsent:
            # A write costs more than what is written: all orders of one turn of the loop go together.
            self._loop.call_soon(self._flush)
        self._unsent.append(packed([number, *order]))
        try:
            return await answered
        finally:
            self._waiting.pop(number, None)

    def kill(self) -> None:
        """End the process at once."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def stop(self) -> None:
        """End the process, and wait until it is gone."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are written to alike, but do not inherit from asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        at = 0
        while len(self._received) >= at + LENGTH_OCTETS:
            begin = at + LENGTH_OCTETS
            end = begin + int.from_bytes(self._received[at:begin], "big")
            if len(self._received) < end:
                break
            self._answered(json.loads(self._received[begin:end]))
            at = end
        del self._received[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            log.error("webhooks.process_lost", waiting=len(self._waiting))
            self._transport = None
        for answered in self._waiting.values():
            if not answered.done():
                answered.set_result((None, Reply(None, _ENDED)))

    def _answered(self, answer: list[Any]) -> None:
        number, invalid, *reply = answer
        answered = self._waiting.get(number)
        if answered is not None and not answered.done():
            answered.set_result((invalid, Reply(*reply)))

    def _flush(self) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()
