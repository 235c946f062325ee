"""What a media relay is tried with: phones that are UDP sockets, and both relays on free ports of this machine."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Self

from ringbridge.engines.native.media import MediaEvent, MediaRelay, MediaSession, Side
from ringbridge.engines.native.rtpengine import RtpengineRelay
from ringbridge.engines.native.rtpio import RtpioRelay
from ringbridge.media import dtmf, rtp
from ringbridge.media.crypto import CryptoKey
from ringbridge.media.g711 import decode_mu_law, encode_a_law, encode_mu_law
from ringbridge.media.rtp import RtpPacket
from ringbridge.media.sdp import TELEPHONE_EVENT, MediaAddress
from ringbridge.media.tones import power_at, sine
from tests.peers.tool import LOOPBACK, free_port, poll, require_tool

WAIT_SECONDS = 60
# A block of 1,000 ports for each process, below those that the kernel gives to any socket.
FIRST_OF_THE_KERNEL = 32_768
PORTS = 10_000 + os.getpid() % 22 * 1000
PROMPT_HZ, USER_HZ, DESTINATION_HZ, STRANGER_HZ = 500, 700, 1100, 1900
LOUD = 0.001


def freeze(pid: int) -> None:
    """Stop a child of ours in mid-work, with all its threads: the signal reaches one after the other."""
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)


def free_range(count: int) -> range:
    """So many ports in a row, the first even, that nobody holds now: for tests that want each of them."""
    for first in range(PORTS + 400, FIRST_OF_THE_KERNEL, 20):
        ports = range(first, first + count)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in ports:
                held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind((LOOPBACK, port))
            return ports
    raise AssertionError("no ports are free")


class Phone:
    """A UDP socket that speaks one tone and keeps what it hears."""

    def __init__(self, frequency_hz: int, host: str = LOOPBACK) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self.address = MediaAddress(host, self._socket.getsockname()[1])
        self._tone = encode_mu_law(sine(frequency_hz, 0.02))
        self._last = RtpPacket(0, 0, 0, frequency_hz, b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def speak(self, to: MediaAddress, packets: int = 5, *, ssrc: int | None = None) -> None:
        for _ in range(packets):
            self._last = self._last.following(self._tone, 160)
            packet = self._last if ssrc is None else self._last._replace(ssrc=ssrc)
            self.send(packet.serialize(), to)

    def send(self, packet: bytes, to: MediaAddress) -> None:
        self._socket.sendto(packet, to)

    def jump(self, packets: int) -> None:
        """Leave out so many numbers."""
        self._last = self._last._replace(sequence=(self._last.sequence + packets) & 0xFFFF)

    def press(self, keys: str, to: MediaAddress) -> None:
        """Press keys, all at once."""
        first = self._last.following(b"", 160)
        for _, packet in dtmf.packets(
            keys,
            TELEPHONE_EVENT.payload_type,
            ssrc=first.ssrc,
            sequence=first.sequence,
            timestamp=first.timestamp,
        ):
            self.send(packet.serialize(), to)
            self._last = packet._replace(payload_type=0, marker=False)
        self._last = self._last.following(b"", 1600)

    @asynccontextmanager
    async def speaking(self, to: MediaAddress) -> AsyncIterator[None]:
        """A packet every 20 ms while the block runs."""

        async def speak() -> None:
            never = asyncio.Event()
            while True:
                self.speak(to, 1)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await never.wait()

        talk = asyncio.create_task(speak())
        try:
            yield
        finally:
            talk.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await talk

    def report(self, to: MediaAddress) -> None:
        """Send an empty RTCP receiver report."""
        self.send(b"\x80\xc9\x00\x01\x00\x00\x00\x07", MediaAddress(to.host, to.port + 1))

    async def hear(self, packets: int = 5) -> list[RtpPacket]:
        heard: list[RtpPacket] = []
        while len(heard) < packets:
            heard.append(await self.next_packet())
        return heard

    async def next_packet(self) -> RtpPacket:
        async with asyncio.timeout(WAIT_SECONDS):
            packet = rtp.parse(await asyncio.get_running_loop().sock_recv(self._socket, 2048))
        assert packet is not None
        return packet

    @property
    def has_heard_nothing(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            self._socket.recv(2048)
            return False
        return True

    def forget_what_was_heard(self) -> None:
        while not self.has_heard_nothing:
            pass


class SecurePhone:
    """A phone that speaks SRTP: a plain one, and another call of the daemon that encrypts for it."""

    def __init__(self, phone: Phone, helper: MediaSession) -> None:
        self._phone = phone
        self._helper = helper
        helper.set_remote(Side.USER, phone.address)

    def meet(self, session: MediaSession, side: Side) -> None:
        """Exchange addresses and keys, as an offer and its answer would."""
        theirs = session.local_key(side)
        assert theirs is not None
        self.take(session.local(side), theirs)
        session.set_remote(side, self.address, key=self.key)

    @property
    def address(self) -> MediaAddress:
        return self._helper.local(Side.DESTINATION)

    @property
    def key(self) -> CryptoKey:
        key = self._helper.local_key(Side.DESTINATION)
        assert key is not None
        return key

    def take(self, address: MediaAddress, key: CryptoKey) -> None:
        """From now on it speaks to whoever is there and has that key."""
        self._helper.set_remote(Side.DESTINATION, address, key=key)

    def speak(self) -> None:
        self._phone.speak(self._helper.local(Side.USER))


class Events:
    """What the relay has told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, MediaEvent]] = []
        self._more = asyncio.Event()

    def __call__(self, session: str, event: MediaEvent) -> None:
        self.told.append((session, event))
        self._more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.told) < count:
                self._more.clear()
                await self._more.wait()


class Daemon:
    """An rtpengine of Debian's package, in user space, on free ports."""

    def __init__(self, ports: range, host: str) -> None:
        self.control_port = free_port(socket.SOCK_STREAM)
        self._command = [
            require_tool("rtpengine", "rtpengine-daemon"),
            *("--config-file=none", "--table=-1", "--foreground", "--log-stderr", "--log-level=4"),
            f"--interface={host}",
            f"--listen-tcp-ng={LOOPBACK}:{self.control_port}",
            "--dtmf-log-ng-tcp",
            *(f"--port-min={ports[0]}", f"--port-max={ports[-1]}"),
            *("--num-threads=2", "--timeout=3600"),
        ]
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start_again(self) -> None:
        self.process.wait(WAIT_SECONDS)
        self.process = self._start()

    async def until_it_listens(self) -> None:
        async def listens() -> bool:
            with contextlib.suppress(OSError):
                socket.create_connection((LOOPBACK, self.control_port), WAIT_SECONDS).close()
                return True
            return False

        await poll(listens, bool, "the control port of rtpengine")

    def hang(self) -> None:
        """Stop in mid-work, until SIGCONT."""
        freeze(self.process.pid)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(WAIT_SECONDS)


@contextmanager
def daemon(ports: range, host: str = LOOPBACK) -> Iterator[Daemon]:
    running = Daemon(ports, host)
    try:
        yield running
    finally:
        running.stop()


@asynccontextmanager
async def rtpio_relay(events: Events, ports: range, host: str = LOOPBACK) -> AsyncIterator[RtpioRelay]:
    async with RtpioRelay(host=host, first_port=ports[0], last_port=ports[-1], on_event=events) as relay:
        yield relay


@asynccontextmanager
async def rtpengine_relay(
    events: Events, ports: range, host: str = LOOPBACK
) -> AsyncIterator[RtpengineRelay]:
    with daemon(ports, host) as running:
        await running.until_it_listens()
        async with RtpengineRelay(
            host=LOOPBACK, port=running.control_port, is_ipv6=":" in host, on_event=events
        ) as relay:
            yield relay


RELAYS: dict[str, Callable[[Events, range], AbstractAsyncContextManager[MediaRelay]]] = {
    "rtpio": rtpio_relay,
    "rtpengine": rtpengine_relay,
}


async def until_done(relay: MediaRelay) -> None:
    """Return when every command so far was carried out."""
    if isinstance(relay, RtpengineRelay):
        assert relay._link is not None
        await relay._link.settled()
    else:
        # The worker keeps their order: the reply to a later one says so.
        (await relay.open("until-done")).close()


def joined(session: MediaSession, user: Phone, destination: Phone) -> None:
    session.set_remote(Side.USER, user.address)
    session.set_remote(Side.DESTINATION, destination.address)


def loud_tones(packets: list[RtpPacket]) -> set[int]:
    samples = decode_mu_law(b"".join(packet.payload for packet in packets))
    return {
        frequency
        for frequency in (PROMPT_HZ, USER_HZ, DESTINATION_HZ, STRANGER_HZ)
        if power_at(samples, frequency) > LOUD
    }


def write_prompt(folder: Path, name: str = "hold", frequency_hz: int = PROMPT_HZ) -> Path:
    """A prompt of four tenths of a second; its G.722 file is a pattern to be recognised."""
    folder.mkdir(exist_ok=True)
    tone = sine(frequency_hz, 0.4)
    (folder / f"{name}.0").write_bytes(encode_mu_law(tone))
    (folder / f"{name}.8").write_bytes(encode_a_law(tone))
    (folder / f"{name}.9").write_bytes(bytes(range(160)) * 5)
    return folder / name
