"""The media relay rtpengine: a daemon of its own, here or on another machine, that we neither start nor stop.

Implements `MediaRelay` of `media`: keeps a connection to the daemon and leases ports. What is done with a lease is
`rtpengine_session`'s affair. Ports, addresses and encryption keys are the daemon's; prompts are sent to it.
"""

import asyncio
import contextlib
import functools
import itertools
from collections.abc import Collection
from types import TracebackType
from typing import Self

import structlog

from ringbridge.engines.native import rtpengine_commands as commands
from ringbridge.engines.native.media import MediaEvent, MediaUnavailable, NoMediaPorts, OnMediaEvent, Side
from ringbridge.engines.native.rtpengine_bridge import RtpengineBridge, half_name
from ringbridge.engines.native.rtpengine_commands import Party
from ringbridge.engines.native.rtpengine_link import DaemonAbsent, DaemonLink, Reply
from ringbridge.engines.native.rtpengine_session import RtpengineSession

RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

# How often the daemon is asked whether it lives, and the packets of sessions that mind silence are counted.
PING_SECONDS = 5.0

# rtpengine closes the sockets of a deleted call a moment later, so a full range is looked at again.
LEASE_ATTEMPTS = 6
LEASE_SECONDS = 0.02

log = structlog.get_logger()


class RtpengineRelay:
    """Relays through the daemon whose control port (`--listen-tcp-ng`) is `port` on `host`.

    is_ipv6: whether phones reach the daemon over IPv6. When the daemon is gone, every session is told `Lost`, and
    the connection is tried again until it is back, as it is when the daemon starts later than the server.
    """

    transcodes = True
    encrypts = True

    def __init__(self, *, host: str, port: int, is_ipv6: bool, on_event: OnMediaEvent) -> None:
        self._host = host
        self._port = port
        self._is_ipv6 = is_ipv6
        self._on_event = on_event
        self._sessions: dict[
            str, RtpengineSession | RtpengineBridge | None
        ] = {}  # None while ports are leased
        self._calls: dict[str, RtpengineSession] = {}  # what the daemon has, by its names
        self._forgotten: set[str] = set()  # what the daemon may still hold of a lost connection or process
        self._link: DaemonLink | None = None
        self._link_lost = asyncio.Event()

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
        """See `MediaRelay`. A daemon that is not there yet may come: it is tried again, and nothing is raised."""
        try:
            await self._connect()
        except MediaUnavailable as error:
            advice = (
                f"start it with --listen-tcp-ng={self._host}:{self._port}, or correct RINGBRIDGE_RTPENGINE"
            )
            if not isinstance(error, DaemonAbsent):
                raise MediaUnavailable(f"{error}: {advice}") from error
            log.warning("media_daemon_absent", reason=str(error), advice=advice)
            self._link_lost.set()
        self._keeper = asyncio.create_task(self._keep_connected(), name="rtpengine-keeper")

    async def stop(self) -> None:
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        for call in list(self._calls.values()):
            call.close()
        link, self._link = self._link, None
        if link is not None:
            await link.settled()
            link.close()

    async def open(
        self,
        session: str,
        *,
        silence_seconds: float | None = None,
        secured: Collection[Side] = (),
        learning: Collection[Side] = (),
    ) -> RtpengineSession | RtpengineBridge:
        link = self._link
        if link is None:
            raise MediaUnavailable("there is no connection to rtpengine")
        if session in self._sessions:
            raise ValueError(f"there is a media session {session!r} already")
        self._sessions[session] = None
        try:
            opened = await self._open(session, link, silence_seconds, secured)
        except BaseException:
            del self._sessions[session]
            raise
        self._sessions[session] = opened
        return opened

    def forget(self, session: str) -> None:
        self._forgotten.update((session, *[half_name(session, side) for side in Side]))
        self._delete_forgotten()

    async def _open(
        self, name: str, link: DaemonLink, silence_seconds: float | None, secured: Collection[Side]
    ) -> RtpengineSession | RtpengineBridge:
        if len(secured) < len(Side):
            return await self._lease(name, link, silence_seconds, secured, self._on_event, name)
        bridge: RtpengineBridge | None = None

        def on_half_event(half: str, event: MediaEvent) -> None:
            if bridge is not None:
                bridge.on_half_event(event)

        halves: dict[Side, RtpengineSession] = {}
        try:
            for side in Side:
                half = half_name(name, side)
                halves[side] = await self._lease(half, link, silence_seconds, [side], on_half_event, name)
        except BaseException:
            for leased in halves.values():
                leased.close()
            raise
        bridge = RtpengineBridge(name, halves, self._on_event)
        return bridge

    async def _lease(
        self,
        name: str,
        link: DaemonLink,
        silence_seconds: float | None,
        secured: Collection[Side],
        on_event: OnMediaEvent,
        session: str,
    ) -> RtpengineSession:
        """A call of the daemon for this session."""
        nobody = commands.nobody(is_ipv6=self._is_ipv6)
        for attempt in itertools.count(1):
            call = RtpengineSession(
                name=name,
                link=link,
                parties={
                    side: Party(
                        side=side, address=nobody, key=commands.unknown_key() if side in secured else None
                    )
                    for side in Side
                },
                on_event=on_event,
                on_end=functools.partial(self._ended, session),
                silence_seconds=silence_seconds,
            )
            try:
                await call.lease()
            except BaseException as error:
                link.ask(commands.delete(name))
                if not isinstance(error, NoMediaPorts) or attempt == LEASE_ATTEMPTS:
                    raise
                await _pause(LEASE_SECONDS)
            else:
                break
        self._calls[name] = call
        return call

    def _ended(self, session: str, call: RtpengineSession) -> None:
        self._calls.pop(call.name, None)
        if self._sessions.get(session) is not None:
            del self._sessions[session]

    async def _connect(self) -> None:
        self._link = await DaemonLink.connect(self._host, self._port, self._on_notice, self._on_link_lost)
        self._delete_forgotten()

    def _delete_forgotten(self) -> None:
        if self._link is not None:
            for name in self._forgotten:
                self._link.ask(commands.delete(name), _not_needed)
            self._forgotten.clear()

    def _on_notice(self, notice: Reply) -> None:
        # The daemon tells every client of every call, so most of it may be another server's.
        pressed = commands.pressed_key(notice)
        call = self._calls.get(pressed[0]) if pressed is not None else None
        if pressed is not None and call is not None:
            call.key_pressed(pressed[1])

    def _on_link_lost(self, link: DaemonLink) -> None:
        if link is not self._link:
            return
        self._link = None
        self._link_lost.set()
        log.error("media_daemon_lost", sessions=len(self._sessions))
        self._forgotten.update(self._calls)
        for call in list(self._calls.values()):
            call.lose()

    async def _keep_connected(self) -> None:
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._link_lost.wait()
            except TimeoutError:
                await self._look_after()
            else:
                self._link_lost.clear()
                await self._reconnect()

    async def _look_after(self) -> None:
        """See whether the daemon lives and the sessions do."""
        if self._link is not None:
            with contextlib.suppress(MediaUnavailable):
                await self._link.reply({"command": "ping"})
        for call in self._calls.values():
            if call.minds_silence:
                call.count()

    async def _reconnect(self) -> None:
        for seconds in itertools.chain(RECONNECT_SECONDS, itertools.repeat(RECONNECT_SECONDS[-1])):
            await _pause(seconds)
            try:
                await self._connect()
            except MediaUnavailable as error:
                log.error("media_daemon_unreachable", reason=str(error))
            else:
                log.info("media_daemon_reached")
                break


def _not_needed(reply: Reply) -> None:
    """For a command whose refusal says nothing new: the daemon has no such call."""


async def _pause(seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().create_future()
