"""The connection to an rtpengine daemon: its control protocol `ng` over TCP.

A message is a cookie, a blank and a bencoded dictionary; a reply carries the cookie of its command. Whichever of the
daemon's threads is free takes what comes, so of two commands that are on their way the later may be carried out first:
a call's next command is sent when the one before it is answered. Over TCP the daemon also tells, unasked, which keys
it has seen, and that it is gone is known at once. What the commands mean is `rtpengine_session`'s affair.
"""

import asyncio
import contextlib
import itertools
import secrets
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias, cast

import structlog

from ringbridge.engines.native.media import MediaUnavailable
from ringbridge.media.bencode import MalformedBencode, Value, decode, encode

REPLY_SECONDS = 1.0

# More than any reply; a stream that has not one message in so much is not bencode.
LARGEST_MESSAGE_OCTETS = 1_048_576

Reply: TypeAlias = dict[str, Value]
OnReply: TypeAlias = Callable[[Reply], None]

log = structlog.get_logger()


class DaemonAbsent(MediaUnavailable):
    """Nobody takes a connection there, as long as the daemon is not started; or its name cannot be looked up just now."""


class _Asked(NamedTuple):
    command: Mapping[str, Value]
    on_reply: OnReply | None

    @property
    def call(self) -> Value:
        """Whose commands keep their order."""
        return self.command.get("call-id", b"")


class DaemonLink(asyncio.Protocol):
    """Made by `connect`. When the connection ends unasked, `on_lost` is called once. `on_notice` gets what no command
    asked for."""

    def __init__(self, on_notice: OnReply, on_lost: Callable[["DaemonLink"], None]) -> None:
        self._on_notice = on_notice
        self._on_lost = on_lost
        self._transport: asyncio.WriteTransport | None = None
        # Cookies that another process used lately would be answered with what that one was told.
        self._prefix = secrets.token_hex(8)
        self._numbers = itertools.count()
        self._asked: dict[bytes, _Asked] = {}
        # Of each call that has an unanswered command: those that wait for the answer.
        self._queues: dict[Value, deque[_Asked]] = {}
        self._settled = asyncio.Event()
        self._settled.set()
        self._waiting: set[asyncio.Future[Reply]] = set()
        self._partial = b""

    @classmethod
    async def connect(
        cls, host: str, port: int, on_notice: OnReply, on_lost: Callable[["DaemonLink"], None]
    ) -> "DaemonLink":
        """Connect, and hear the daemon answer. Raises DaemonAbsent, or else MediaUnavailable for who is there."""
        link = cls(on_notice, on_lost)
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                await asyncio.get_running_loop().create_connection(lambda: link, host, port)
        except (OSError, TimeoutError, UnicodeError) as error:
            is_wrong_name = isinstance(error, UnicodeError) or (
                isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN
            )
            kind = MediaUnavailable if is_wrong_name else DaemonAbsent
            raise kind(f"rtpengine does not answer at {host}:{port} ({str(error) or 'no reply'})") from error
        try:
            await link.reply({"command": "ping"})
        except BaseException:
            link.close()
            raise
        return link

    def ask(self, command: Mapping[str, Value], on_reply: OnReply | None = None) -> None:
        """Send a command once those of the same call that were asked before are answered.

        Without `on_reply` a refusal is logged; nothing is called once the connection is lost.
        """
        if self._transport is None:
            return
        asked = _Asked(command, on_reply)
        if asked.call in self._queues:
            self._queues[asked.call].append(asked)
        else:
            self._queues[asked.call] = deque()
            self._settled.clear()
            self._send(asked, self._transport)

    async def reply(self, command: Mapping[str, Value]) -> Reply:
        """Send a command and wait for its reply, which may be an error. Raises MediaUnavailable.

        A daemon that takes too long is taken for dead: the connection is closed and `on_lost` follows.
        """
        if self._transport is None:
            raise MediaUnavailable("there is no connection to rtpengine")
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        self.ask(command, lambda reply: None if waiting.done() else waiting.set_result(reply))
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                return await waiting
        except TimeoutError:
            self._transport.abort()
            raise MediaUnavailable(f"rtpengine did not answer in {REPLY_SECONDS:g} seconds") from None
        finally:
            self._waiting.discard(waiting)

    async def settled(self) -> None:
        """Return when every command is answered, or could have been."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REPLY_SECONDS):
                await self._settled.wait()

    def close(self) -> None:
        """Close the connection; commands that wait for an answer to an earlier one are lost. `on_lost` is not called."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are written to alike, but do not inherit from asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._partial += data
        try:
            while self._take_message():
                pass
        except MalformedBencode as error:
            log.error("media_daemon_unreadable", error=str(error))
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is None:
            return
        self._transport = None
        self._asked.clear()
        self._queues.clear()
        self._settled.set()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(MediaUnavailable("the connection to rtpengine has ended"))
        self._on_lost(self)

    def _take_message(self) -> bool:
        """Handle the first message, if it is all there."""
        cookie, blank, rest = self._partial.partition(b" ")
        found = decode(rest) if blank else None
        if found is None:
            if len(self._partial) > LARGEST_MESSAGE_OCTETS:
                raise MalformedBencode("a message without an end")
            return False
        self._partial = rest[found.end :]
        if not isinstance(found.value, dict):
            raise MalformedBencode("a message that is no dictionary")
        self._handle(cookie, found.value)
        return True

    def _handle(self, cookie: bytes, message: Reply) -> None:
        asked = self._asked.pop(cookie, None)
        if asked is None:
            self._on_notice(message)
            return
        if asked.on_reply is not None:
            asked.on_reply(message)
        elif message.get("result") == b"error":
            command = asked.command["command"]
            log.warning("media_command_refused", command=command, reason=reason_of(message))
        self._send_next(asked.call)

    def _send_next(self, call: Value) -> None:
        queue = self._queues[call]
        if queue and self._transport is not None:
            self._send(queue.popleft(), self._transport)
        else:
            del self._queues[call]
            if not self._queues:
                self._settled.set()

    def _send(self, asked: _Asked, transport: asyncio.WriteTransport) -> None:
        cookie = f"{self._prefix}_{next(self._numbers)}".encode()
        self._asked[cookie] = asked
        transport.write(cookie + b" " + encode(dict(asked.command)))


def reason_of(reply: Reply) -> str:
    """Why a command was refused, in the daemon's words."""
    reason = reply.get("error-reason", b"no reason given")
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
