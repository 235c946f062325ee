"""The embedded media relay: RTPProxy (the package rtp.io) in a worker process.

Implements `MediaRelay` of `media`: keeps a worker running and leases ports. What is done with a lease is
`rtpio_session`'s affair. Audio never passes through this process.
"""

import asyncio
import contextlib
import ipaddress
import itertools
import socket
import tempfile
from collections.abc import Collection
from types import TracebackType
from typing import Self

import structlog

from ringbridge.engines.native import rtpio_commands as commands
from ringbridge.engines.native.media import MediaUnavailable, NoMediaPorts, OnMediaEvent, Side
from ringbridge.engines.native.rtpio_link import WorkerLink
from ringbridge.engines.native.rtpio_session import PromptFolder, RtpioSession
from ringbridge.engines.native.rtpio_worker import KEY_SOCKET
from ringbridge.media.sdp import MediaAddress

RESTART_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

# A lease is tried again for two reasons. RTPProxy shuffles its table of ports while it searches it, so that nobody
# guesses the next one, and in a range that is nearly full it overlooks free ones. And the sockets of a closed session
# are free only once both of the worker's threads have been woken and had their turn, which on a machine with more to do
# than it can is a tenth of a second and more. So it is tried often first, and then patiently.
LEASE_PAUSES_SECONDS = (*[0.005] * 20, *[0.05] * 20)

# Deleted sessions wait so long for company before the worker is woken; well below the time for which a lease is tried.
WAKE_SECONDS = 0.02

# How often the packets of sessions that mind silence are counted, all of them at once.
COUNT_SECONDS = 5.0

log = structlog.get_logger()


class RtpioRelay:
    """Relays on `host`, which the phones are told, and on the UDP ports `first_port` to `last_port`, both included.

    Ports go in pairs, RTP on the even one and RTCP on the next; a session takes two pairs. When the worker dies,
    every session is told `Lost`, and a new worker is started.
    """

    transcodes = False
    encrypts = False

    def __init__(self, *, host: str, first_port: int, last_port: int, on_event: OnMediaEvent) -> None:
        self._host = host
        self._first_port = first_port
        self._last_port = last_port
        self._on_event = on_event
        self._capacity = max((last_port + 1) // 2 - (first_port + 1) // 2, 0) // 2
        self._family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        self._sessions: dict[str, RtpioSession | None] = {}  # None while the ports are being leased
        self._link: WorkerLink | None = None
        self._waking: asyncio.TimerHandle | None = None
        self._deleted_port = 0  # of the session that was deleted last
        self._counting: asyncio.TimerHandle | None = None
        self._link_lost = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def healthy(self) -> bool:
        return self._link is not None

    @property
    def open_sessions(self) -> int:
        return len(self._sessions)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        if self._capacity == 0:
            raise MediaUnavailable(f"a call needs four UDP ports, more than {self._range} has")
        if ipaddress.ip_address(self._host).is_unspecified:
            raise MediaUnavailable(f"phones are told the media address, so it cannot be {self._host}")
        async with contextlib.AsyncExitStack() as resources:
            self._folder = PromptFolder(
                resources.enter_context(tempfile.TemporaryDirectory(prefix="ringbridge-media-"))
            )
            self._waker = resources.enter_context(socket.socket(self._family, socket.SOCK_DGRAM))
            self._keys = await asyncio.start_unix_server(self._hear_keys, self._folder.path / KEY_SOCKET)
            resources.callback(self._keys.close)
            await self._start_worker()
            self._resources = resources.pop_all()
        self._keeper = asyncio.create_task(self._keep_worker(), name="media-worker-keeper")

    async def stop(self) -> None:
        self._stopping.set()
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        for session in list(self._sessions.values()):
            if session is not None:
                session.close()
        self._link = None
        await self._last_link.stop()
        for timer in (self._waking, self._counting):
            if timer is not None:
                timer.cancel()
        await self._resources.aclose()

    async def open(
        self,
        session: str,
        *,
        silence_seconds: float | None = None,
        secured: Collection[Side] = (),
        learning: Collection[Side] = (),
    ) -> RtpioSession:
        if secured:
            raise MediaUnavailable("the media relay rtp.io does not speak SRTP: use rtpengine")
        link = self._link
        if link is None:
            raise MediaUnavailable("the media worker is not running")
        if session in self._sessions:
            raise ValueError(f"there is a media session {session!r} already")
        if len(self._sessions) >= self._capacity:
            raise NoMediaPorts(f"all UDP ports of {self._range} are in use")
        self._sessions[session] = None
        try:
            local = await self._lease(link, session, learning)
            if not link.is_up:
                raise MediaUnavailable("the media worker ended while it leased ports")
        except BaseException:
            del self._sessions[session]
            link.ask(commands.delete(session), _not_needed)
            raise
        opened = self._sessions[session] = RtpioSession(
            name=session,
            link=link,
            local=local,
            folder=self._folder,
            on_event=self._on_event,
            on_close=self._closed,
            silence_seconds=silence_seconds,
            learning=learning,
        )
        if silence_seconds is not None and self._counting is None:
            self._count_later()
        return opened

    def forget(self, session: str) -> None:
        """See `MediaRelay`. A worker ends with its server, so there is nothing."""

    @property
    def _range(self) -> str:
        return f"{self._first_port}-{self._last_port}"

    async def _lease(
        self, link: WorkerLink, session: str, learning: Collection[Side] = ()
    ) -> dict[Side, MediaAddress]:
        leased: dict[Side, MediaAddress] = {}
        asked = commands.lease(session, self._family, learning)
        for pause_seconds in LEASE_PAUSES_SECONDS:
            sides = [side for side in asked if side not in leased]
            replies = await link.replies(*(asked[side] for side in sides))
            for side, reply in zip(sides, replies, strict=True):
                if port := commands.leased_port(reply):
                    leased[side] = MediaAddress(self._host, port)
            if len(leased) == len(asked):
                return leased
            await self._pause(pause_seconds)
        for address in leased.values():
            self._release(link, session, address.port)
        raise NoMediaPorts(f"no UDP ports of {self._range} are free on {self._host}")

    def _closed(self, session: RtpioSession, link: WorkerLink) -> None:
        del self._sessions[session.name]
        self._release(link, session.name, session.local(Side.USER).port)

    def _release(self, link: WorkerLink, session: str, port: int) -> None:
        link.ask(commands.delete(session), lambda reply: self._wake_soon(port))

    def _wake_soon(self, port: int) -> None:
        self._deleted_port = port
        if self._waking is None:
            self._waking = asyncio.get_running_loop().call_later(WAKE_SECONDS, self._wake)

    def _wake(self) -> None:
        """Have the sockets of deleted sessions closed.

        RTPProxy closes them in its two threads for RTP and RTCP, which sleep until a packet comes; so each gets one
        on a port of the last of these sessions: if that one's sockets are closed already, so are those of all before
        it. If another session has leased the port since, this is a stranger's packet to it.
        """
        self._waking = None
        for number in (self._deleted_port, self._deleted_port + 1):
            with contextlib.suppress(OSError):
                self._waker.sendto(b"\0", socket.MSG_DONTWAIT, (self._host, number))

    def _count_later(self) -> None:
        self._counting = asyncio.get_running_loop().call_later(COUNT_SECONDS, self._count)

    def _count(self) -> None:
        self._counting = None
        minding = [session for session in self._sessions.values() if session and session.minds_silence]
        for session in minding:
            session.count()
        if minding:
            self._count_later()

    async def _hear_keys(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A worker connects when it has seen the first key, and tells a line for each."""
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                pressed = commands.pressed_key(line.decode("ascii", "replace").rstrip("\n"))
                session = self._sessions.get(pressed[0]) if pressed is not None else None
                if pressed is not None and session is not None:
                    session.key_pressed(pressed[1])
        writer.close()

    async def _start_worker(self) -> None:
        link = await WorkerLink.start(
            host=self._host,
            first_port=self._first_port,
            last_port=self._last_port,
            folder=str(self._folder.path),
            on_lost=self._worker_lost,
        )
        # RTPProxy starts with any address and any range; whether they can be used shows only in using them.
        try:
            local = await self._lease(link, "probe")
            if not link.is_up:
                raise MediaUnavailable("the media worker ended while it was tried")
        except BaseException as error:
            await link.stop()
            if isinstance(error, NoMediaPorts):
                raise MediaUnavailable(f"{error}: is that an address of this machine?") from error
            raise
        self._release(link, "probe", local[Side.USER].port)
        self._link = self._last_link = link

    def _worker_lost(self, link: WorkerLink) -> None:
        if link is not self._link:
            return
        self._link = None
        self._link_lost.set()
        lost = [session for session in self._sessions.values() if session is not None]
        log.error("media_worker_lost", sessions=len(lost))
        for session in lost:
            del self._sessions[session.name]
            session.lose()

    async def _keep_worker(self) -> None:
        while True:
            await self._link_lost.wait()
            self._link_lost.clear()
            await self._last_link.stop()
            for seconds in itertools.chain(RESTART_SECONDS, itertools.repeat(RESTART_SECONDS[-1])):
                await self._pause(seconds)
                try:
                    await self._start_worker()
                except MediaUnavailable as error:
                    log.error("media_worker_not_restarted", reason=str(error))
                else:
                    log.info("media_worker_restarted")
                    break

    async def _pause(self, seconds: float) -> None:
        # Not wait_for: before Python 3.12 it loses a cancellation that comes together with what it waits for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


def _not_needed(reply: str) -> None:
    """For a command whose refusal says nothing new."""
