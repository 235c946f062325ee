"""The embedded relay with the real rtp.io and real UDP sockets; audio is judged by its frequency."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import pytest
import uvloop

from ringbridge.engines.native import rtpio_link
from ringbridge.engines.native.media import (
    FirstPacket,
    Lost,
    MediaEvent,
    MediaRelay,
    MediaSession,
    MediaUnavailable,
    NoMediaPorts,
    Side,
)
from ringbridge.engines.native.rtpio import RtpioRelay
from ringbridge.media import rtp
from ringbridge.media.g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law
from ringbridge.media.rtp import RtpPacket
from ringbridge.media.sdp import MediaAddress
from ringbridge.media.tones import power_at, sine

WAIT_SECONDS = 5
# A block of 1,000 ports for each process, below those that the kernel gives to any socket.
PORTS = 10_000 + os.getpid() % 22 * 1000
PROMPT_HZ, USER_HZ, DESTINATION_HZ, STRANGER_HZ = 500, 700, 1100, 1900
LOUD = 0.001


class Phone:
    """A UDP socket that speaks one tone and keeps what it hears."""

    def __init__(self, frequency_hz: int, host: str = "127.0.0.1") -> None:
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
            self._socket.sendto(packet.serialize(), to)

    def report(self, to: MediaAddress) -> None:
        """Send an empty RTCP receiver report."""
        self._socket.sendto(b"\x80\xc9\x00\x01\x00\x00\x00\x07", (to.host, to.port + 1))

    async def hear(self, packets: int = 5) -> list[RtpPacket]:
        loop = asyncio.get_running_loop()
        heard: list[RtpPacket] = []
        async with asyncio.timeout(WAIT_SECONDS):
            while len(heard) < packets:
                packet = rtp.parse(await loop.sock_recv(self._socket, 2048))
                assert packet is not None
                heard.append(packet)
        return heard

    @property
    def has_heard_nothing(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            self._socket.recv(2048)
            return False
        return True


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


def freeze(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
async def relay(events: Events) -> AsyncIterator[RtpioRelay]:
    async with RtpioRelay(
        host="127.0.0.1", first_port=PORTS, last_port=PORTS + 399, on_event=events
    ) as relay:
        yield relay


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    folder = tmp_path / "folder with blanks"
    folder.mkdir()
    tone = sine(PROMPT_HZ, 0.1)
    (folder / "hold.0").write_bytes(encode_mu_law(tone))
    (folder / "hold.8").write_bytes(encode_a_law(tone))
    (folder / "hold.9").write_bytes(bytes(range(160)) * 5)
    return folder / "hold"


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


async def until_healthy(relay: RtpioRelay) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not relay.healthy:
            look_again = asyncio.Event()
            asyncio.get_running_loop().call_later(0.01, look_again.set)
            await look_again.wait()


def worker_pids() -> set[int]:
    children: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        children |= {int(word) for word in (task / "children").read_text().split()}
    return {pid for pid in children if b"rtpio_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()}


async def test_a_session_leases_an_even_port_of_the_range_for_each_side(relay: RtpioRelay) -> None:
    session = await relay.open("call-1")
    ports = [session.local(side).port for side in Side]
    assert len(set(ports)) == 2
    assert all(PORTS <= port < PORTS + 400 and port % 2 == 0 for port in ports)
    assert session.local(Side.USER).host == "127.0.0.1"
    assert relay.open_sessions == 1


async def test_the_relay_and_its_sessions_have_the_shape_of_the_port(relay: RtpioRelay) -> None:
    port: MediaRelay = relay
    session: MediaSession = await port.open("call-1")
    assert session.local(Side.USER) != session.local(Side.DESTINATION)


async def test_each_side_hears_the_other_once_both_are_known(relay: RtpioRelay) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        await relay.open("call-2")  # its answer means that the commands before it were carried out
        user.speak(session.local(Side.USER))
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await user.hear()) == {DESTINATION_HZ}
        assert loud_tones(await destination.hear()) == {USER_HZ}


@pytest.mark.parametrize("side", list(Side))
async def test_a_prompt_is_heard_by_the_side_it_is_played_to(
    relay: RtpioRelay, prompt: Path, side: Side
) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.play(side, prompt, 0)
        listener, other = (user, destination) if side is Side.USER else (destination, user)
        assert loud_tones(await listener.hear(10)) == {PROMPT_HZ}
        assert other.has_heard_nothing


async def test_a_prompt_is_played_in_the_codec_that_was_asked_for(relay: RtpioRelay, prompt: Path) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user:
        session.set_remote(Side.USER, user.address)
        session.play(Side.USER, prompt, 8)
        heard = await user.hear(10)
        assert {packet.payload_type for packet in heard} == {8}
        samples = decode_a_law(b"".join(packet.payload for packet in heard))
        assert power_at(samples, PROMPT_HZ) > LOUD
        session.play(Side.USER, prompt, 9)
        heard = await user.hear(10)
        assert {packet.payload_type for packet in heard} == {9}
        assert b"".join(packet.payload for packet in heard) == bytes(range(160)) * 5
        # RFC 3551 section 4.5.2: 8,000 ticks a second, so 80 in ten milliseconds.
        assert heard[1].timestamp - heard[0].timestamp == len(heard[0].payload) == 80


async def test_a_repeated_prompt_goes_on_until_it_is_stopped(relay: RtpioRelay, prompt: Path) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.play(Side.USER, prompt, 0, repeat=True)
        await user.hear(25)
        session.stop_playing(Side.USER)
        await relay.open("call-2")
        while not user.has_heard_nothing:
            pass
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await user.hear()) == {DESTINATION_HZ}


async def test_a_side_that_hears_a_prompt_does_not_hear_the_other_side(
    relay: RtpioRelay, prompt: Path
) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.play(Side.USER, prompt, 0, repeat=True)
        await user.hear(1)
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await user.hear(15)) == {PROMPT_HZ}


async def test_a_second_prompt_replaces_the_first(relay: RtpioRelay, prompt: Path) -> None:
    (prompt.parent / "next.0").write_bytes(encode_mu_law(sine(DESTINATION_HZ, 0.1)))
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user:
        session.set_remote(Side.USER, user.address)
        session.play(Side.USER, prompt, 0, repeat=True)
        await user.hear(1)
        session.play(Side.USER, prompt.with_name("next"), 0)
        await relay.open("call-2")
        while not user.has_heard_nothing:
            pass
        assert loud_tones(await user.hear(8)) == {DESTINATION_HZ}


async def test_a_side_without_an_address_is_not_played_to(relay: RtpioRelay, prompt: Path) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user:
        session.play(Side.USER, prompt, 0)
        session.set_remote(Side.USER, MediaAddress("0.0.0.0", 4000))
        session.play(Side.USER, prompt, 0)
        session.set_remote(Side.USER, user.address)
        session.play(Side.USER, prompt, 8)
        assert {packet.payload_type for packet in await user.hear(10)} == {8}


async def test_the_address_of_a_phone_on_hold_changes_nothing(relay: RtpioRelay, prompt: Path) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user:
        session.set_remote(Side.USER, user.address)
        session.set_remote(Side.USER, MediaAddress("0.0.0.0", 4000))
        session.play(Side.USER, prompt, 0)
        assert loud_tones(await user.hear(10)) == {PROMPT_HZ}


async def test_strangers_neither_hear_nor_are_heard(relay: RtpioRelay) -> None:
    session = await relay.open("call-1")
    ports = [session.local(side) for side in Side]
    with (
        Phone(USER_HZ) as user,
        Phone(DESTINATION_HZ) as destination,
        Phone(STRANGER_HZ) as neighbour,
        Phone(STRANGER_HZ, "127.0.0.2") as stranger,
    ):
        attackers = (neighbour, stranger)

        def attack(ssrc: int | None = None) -> None:
            for attacker in attackers:
                for port in ports:
                    attacker.report(port)
                    attacker.speak(port, ssrc=ssrc)

        attack()  # before anybody is known: first come must not be first served
        joined(session, user, destination)
        await relay.open("call-2")
        attack()
        for _ in range(3):
            user.speak(session.local(Side.USER))
            destination.speak(session.local(Side.DESTINATION))
            assert loud_tones(await user.hear()) == {DESTINATION_HZ}
            assert loud_tones(await destination.hear()) == {USER_HZ}
            attack(ssrc=USER_HZ)
            attack(ssrc=DESTINATION_HZ)
        assert all(attacker.has_heard_nothing for attacker in attackers)


async def test_a_new_address_takes_the_place_of_the_old_one(relay: RtpioRelay) -> None:
    session = await relay.open("call-1")
    with Phone(STRANGER_HZ) as old, Phone(USER_HZ) as new, Phone(DESTINATION_HZ) as destination:
        joined(session, old, destination)
        await relay.open("call-2")
        old.speak(session.local(Side.USER))
        await destination.hear()
        session.set_remote(Side.USER, new.address)
        await relay.open("call-3")
        old.speak(session.local(Side.USER))
        new.speak(session.local(Side.USER))
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await destination.hear()) == {USER_HZ}
        assert loud_tones(await new.hear()) == {DESTINATION_HZ}
        assert old.has_heard_nothing


async def test_the_first_packet_of_a_watched_side_is_told_once(relay: RtpioRelay, events: Events) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination, Phone(STRANGER_HZ) as stranger:
        joined(session, user, destination)
        session.watch_first_packet(Side.DESTINATION)
        await relay.open("call-2")
        stranger.speak(session.local(Side.DESTINATION))
        user.speak(session.local(Side.USER))
        destination.speak(session.local(Side.DESTINATION), 1)
        await events.until(1)
        session.watch_first_packet(Side.USER)
        await relay.open("call-3")
        destination.speak(session.local(Side.DESTINATION), 1)
        user.speak(session.local(Side.USER), 1)
        await events.until(2)
    assert events.told == [
        ("call-1", FirstPacket(side=Side.DESTINATION)),
        ("call-1", FirstPacket(side=Side.USER)),
    ]


async def test_early_media_is_noticed_while_the_ringing_tone_plays(
    relay: RtpioRelay, events: Events, prompt: Path
) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.play(Side.USER, prompt, 0, repeat=True)
        session.watch_first_packet(Side.DESTINATION)
        await relay.open("call-2")
        await user.hear(1)
        destination.speak(session.local(Side.DESTINATION), 1)
        await events.until(1)
    assert events.told == [("call-1", FirstPacket(side=Side.DESTINATION))]


async def test_a_range_without_free_ports_refuses_and_closing_frees_at_once(events: Events) -> None:
    first = PORTS + 400
    async with RtpioRelay(host="127.0.0.1", first_port=first, last_port=first + 19, on_event=events) as relay:
        sessions = [await relay.open(f"call-{number}") for number in range(5)]
        with pytest.raises(NoMediaPorts, match=rf"^all UDP ports of {first}-{first + 19} are in use$"):
            await relay.open("call-6")
        assert relay.healthy
        for number in range(100):
            sessions[number % 5].close()
            sessions[number % 5] = await relay.open(f"again-{number}")
        for session in sessions:
            session.close()
        assert relay.open_sessions == 0


async def test_any_number_of_commands_is_carried_out(relay: RtpioRelay) -> None:
    """Also more than RTPProxy reads at once: it must not be left with some that it has read and forgotten."""
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        for port in range(1000, 6000):
            session.set_remote(Side.DESTINATION, MediaAddress("127.0.0.1", port))
        joined(session, user, destination)
        await relay.open("call-2")
        user.speak(session.local(Side.USER))
        assert loud_tones(await destination.hear()) == {USER_HZ}


async def test_ports_that_another_program_holds_are_passed_over(events: Events) -> None:
    first = PORTS + 500
    with contextlib.ExitStack() as held:
        for port in range(first, first + 16, 2):
            other = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            other.bind(("127.0.0.1", port))
        async with RtpioRelay(
            host="127.0.0.1", first_port=first, last_port=first + 19, on_event=events
        ) as relay:
            session = await relay.open("call-1")
            assert {session.local(side).port for side in Side} == {first + 16, first + 18}
            with pytest.raises(NoMediaPorts, match=rf"^no UDP ports of {first}-{first + 19} are free on "):
                await relay.open("call-2")
            assert relay.open_sessions == 1


async def test_a_closed_session_does_nothing_any_more(relay: RtpioRelay, prompt: Path) -> None:
    session = await relay.open("call-1")
    session.close()
    session.close()
    session.set_remote(Side.USER, MediaAddress("127.0.0.1", 9))
    session.play(Side.USER, prompt, 0)
    session.stop_playing(Side.USER)
    session.watch_first_packet(Side.USER)
    assert relay.open_sessions == 0


async def test_a_name_can_be_used_again_but_not_twice_at_once(relay: RtpioRelay) -> None:
    session = await relay.open("call-1")
    with pytest.raises(ValueError, match=r"^there is a media session 'call-1' already$"):
        await relay.open("call-1")
    session.close()
    await relay.open("call-1")
    assert relay.open_sessions == 1


async def test_a_dead_worker_is_told_to_every_session_and_replaced(relay: RtpioRelay, events: Events) -> None:
    sessions = [await relay.open("call-1"), await relay.open("call-2")]
    (pid,) = worker_pids()
    os.kill(pid, signal.SIGKILL)
    await events.until(2)
    assert events.told == [("call-1", Lost()), ("call-2", Lost())]
    assert relay.open_sessions == 0
    assert not relay.healthy
    with pytest.raises(MediaUnavailable, match=r"^the media worker is not running$"):
        await relay.open("call-3")
    for session in sessions:
        session.close()
    await until_healthy(relay)
    await relay.open("call-4")
    assert relay.open_sessions == 1


async def test_a_worker_that_hangs_is_replaced(
    relay: RtpioRelay, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtpio_link, "REPLY_SECONDS", 0.2)
    await relay.open("call-1")
    (pid,) = worker_pids()
    freeze(pid)
    with pytest.raises(MediaUnavailable, match=r"^the media worker did not answer in 0\.2 seconds$"):
        await relay.open("call-2")
    await events.until(1)
    assert events.told == [("call-1", Lost())]
    assert relay.open_sessions == 0


def test_the_worker_ends_when_the_server_is_killed() -> None:
    program = (
        "import asyncio\n"
        "from ringbridge.engines.native.rtpio import RtpioRelay\n"
        "async def main():\n"
        f"    ports = dict(first_port={PORTS + 600}, last_port={PORTS + 699})\n"
        "    async with RtpioRelay(host='127.0.0.1', **ports, on_event=print):\n"
        "        print(open('/proc/thread-self/children').read(), flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert server.stdout is not None
    worker = os.pidfd_open(int(server.stdout.readline()))
    server.kill()
    server.wait(WAIT_SECONDS)
    server.stdout.close()
    try:
        ended, _, _ = select.select([worker], [], [], WAIT_SECONDS)
    finally:
        os.close(worker)
    assert ended == [worker]


def test_it_runs_on_uvloop(events: Events, prompt: Path) -> None:
    async def call() -> None:
        relay = RtpioRelay(host="127.0.0.1", first_port=PORTS + 900, last_port=PORTS + 999, on_event=events)
        async with relay, asyncio.timeout(WAIT_SECONDS):
            session = await relay.open("call-1")
            with Phone(USER_HZ) as user:
                session.set_remote(Side.USER, user.address)
                session.play(Side.USER, prompt, 0)
                assert loud_tones(await user.hear(10)) == {PROMPT_HZ}
            (pid,) = worker_pids()
            os.kill(pid, signal.SIGKILL)
            await events.until(1)
            session.close()
            await until_healthy(relay)
            await relay.open("call-2")

    uvloop.run(call())
    assert events.told == [("call-1", Lost())]


@pytest.mark.parametrize(
    ("host", "count", "reason"),
    [
        ("127.0.0.1", 3, "a call needs four UDP ports, more than {ports} has"),
        ("0.0.0.0", 100, "phones are told the media address, so it cannot be 0.0.0.0"),
        (
            "203.0.113.7",
            100,
            "no UDP ports of {ports} are free on 203.0.113.7: is that an address of this machine?",
        ),
    ],
)
async def test_a_relay_that_cannot_work_says_why(events: Events, host: str, count: int, reason: str) -> None:
    first, last = PORTS + 700, PORTS + 699 + count
    relay = RtpioRelay(host=host, first_port=first, last_port=last, on_event=events)
    with pytest.raises(MediaUnavailable) as refusal:
        await relay.start()
    assert str(refusal.value) == reason.format(ports=f"{first}-{last}")
    assert not relay.healthy


async def test_a_missing_library_is_named(
    events: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rtp").mkdir()
    (tmp_path / "rtp" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    relay = RtpioRelay(host="127.0.0.1", first_port=PORTS + 700, last_port=PORTS + 799, on_event=events)
    with pytest.raises(MediaUnavailable) as refusal:
        await relay.start()
    assert str(refusal.value) == (
        "the media relay rtp.io cannot be loaded: install it with `pip install rtp.io` "
        "(it has wheels for Linux, CPython 3.11 to 3.14) [No module named 'rtp.io']"
    )


async def test_it_works_over_ipv6(events: Events, prompt: Path) -> None:
    async with RtpioRelay(
        host="::1", first_port=PORTS + 800, last_port=PORTS + 899, on_event=events
    ) as relay:
        session = await relay.open("call-1")
        with Phone(USER_HZ, "::1") as user, Phone(DESTINATION_HZ, "::1") as destination:
            with Phone(STRANGER_HZ, "::1") as stranger:
                stranger.speak(session.local(Side.USER))
            joined(session, user, destination)
            session.play(Side.USER, prompt, 0)
            assert loud_tones(await user.hear(10)) == {PROMPT_HZ}
            session.stop_playing(Side.USER)
            await relay.open("call-2")
            user.speak(session.local(Side.USER))
            destination.speak(session.local(Side.DESTINATION))
            assert loud_tones(await user.hear()) == {DESTINATION_HZ}
            assert loud_tones(await destination.hear()) == {USER_HZ}
