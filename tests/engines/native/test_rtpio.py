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

import pytest
import uvloop

from ringbridge.engines.native import rtpio_link
from ringbridge.engines.native.media import Lost, MediaUnavailable, NoMediaPorts, Side
from ringbridge.engines.native.rtpio import RtpioRelay
from ringbridge.engines.native.rtpio_link import WorkerLink
from ringbridge.media.g711 import decode_a_law
from ringbridge.media.sdp import MediaAddress
from ringbridge.media.tones import power_at
from tests.engines.native.media_peers import (
    DESTINATION_HZ,
    LOUD,
    PORTS,
    PROMPT_HZ,
    STRANGER_HZ,
    USER_HZ,
    WAIT_SECONDS,
    Events,
    Phone,
    free_range,
    freeze,
    joined,
    loud_tones,
    rtpio_relay,
    until_done,
    write_prompt,
)


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
async def relay(events: Events) -> AsyncIterator[RtpioRelay]:
    async with rtpio_relay(events, range(PORTS, PORTS + 400)) as relay:
        yield relay


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    return write_prompt(tmp_path / "folder with blanks")


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


async def test_a_prompt_is_played_in_the_codec_that_was_asked_for(relay: RtpioRelay, prompt: Path) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user:
        session.set_remote(Side.USER, user.address)
        session.play(Side.USER, prompt, 8)
        heard = await user.hear(10)
        assert {packet.payload_type for packet in heard} == {8}
        samples = decode_a_law(b"".join(packet.payload for packet in heard))
        assert power_at(samples, PROMPT_HZ) > LOUD
        session.stop_playing(Side.USER)
        await until_done(relay)
        user.forget_what_was_heard()
        session.play(Side.USER, prompt, 9)
        heard = await user.hear(10)
        assert {packet.payload_type for packet in heard} == {9}
        assert b"".join(packet.payload for packet in heard) == bytes(range(160)) * 5
        # RFC 3551 section 4.5.2: 8,000 ticks a second, so 80 in ten milliseconds.
        assert heard[1].timestamp - heard[0].timestamp == len(heard[0].payload) == 80


async def test_a_range_without_free_ports_refuses_and_closing_frees_at_once(events: Events) -> None:
    first = free_range(20)[0]
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
    first = free_range(20)[0]
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


@pytest.fixture
def dies_after_its_next_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is lost in the same turn of the loop in which it names the second of the two ports."""
    receive = WorkerLink.data_received
    replies: list[bytes] = []

    def receive_and_die(link: WorkerLink, data: bytes) -> None:
        receive(link, data)
        replies.append(data)
        if b"".join(replies).count(b"127.0.0.1\n") == len(Side):
            monkeypatch.undo()
            link.connection_lost(None)

    monkeypatch.setattr(WorkerLink, "data_received", receive_and_die)


@pytest.mark.usefixtures("dies_after_its_next_lease")
async def test_a_worker_that_dies_after_its_first_lease_is_not_taken(events: Events) -> None:
    relay = RtpioRelay(host="127.0.0.1", first_port=PORTS, last_port=PORTS + 399, on_event=events)
    with pytest.raises(MediaUnavailable, match=r"^the media worker ended while it was tried$"):
        await relay.start()
    assert not relay.healthy


async def test_a_session_whose_ports_came_with_the_workers_death_is_not_opened(
    relay: RtpioRelay, events: Events, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("dies_after_its_next_lease")
    with pytest.raises(MediaUnavailable, match=r"^the media worker ended while it leased ports$"):
        await relay.open("call-1")
    assert (relay.open_sessions, events.told) == (0, [])
    await until_healthy(relay)
    await relay.open("call-1")


async def test_the_worker_is_told_no_secrets(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBRIDGE_DATABASE_URL", "postgresql://user:secret@host/db")
    async with RtpioRelay(host="127.0.0.1", first_port=PORTS, last_port=PORTS + 399, on_event=events):
        (pid,) = worker_pids()
        environment = environment_of(pid)
    assert b"PATH=" in environment
    assert b"secret" not in environment


def test_the_worker_ends_and_tidies_up_when_the_server_is_killed(tmp_path: Path) -> None:
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
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment)
    assert server.stdout is not None
    worker = os.pidfd_open(int(server.stdout.readline()))
    assert len(os.listdir(tmp_path)) == 1
    server.kill()
    server.wait(WAIT_SECONDS)
    server.stdout.close()
    try:
        ended, _, _ = select.select([worker], [], [], WAIT_SECONDS)
    finally:
        os.close(worker)
    assert ended == [worker]
    assert os.listdir(tmp_path) == []


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
            await until_done(relay)
            user.forget_what_was_heard()
            user.speak(session.local(Side.USER))
            destination.speak(session.local(Side.DESTINATION))
            assert loud_tones(await user.hear()) == {DESTINATION_HZ}
            assert loud_tones(await destination.hear()) == {USER_HZ}
