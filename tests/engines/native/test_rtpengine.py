"""The relay rtpengine with Debian's daemon: what it does beyond the port's tests, and what happens when it dies."""

import asyncio
import functools
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop
from structlog.testing import capture_logs

from ringbridge.engines.native import rtpengine, rtpengine_link
from ringbridge.engines.native.media import (
    FirstPacket,
    KeyPressed,
    Lost,
    MediaUnavailable,
    Side,
)
from ringbridge.engines.native.rtpengine import RtpengineRelay
from ringbridge.engines.native.rtpengine_link import DaemonLink
from ringbridge.media.crypto import CryptoKey
from ringbridge.media.g711 import decode_a_law, encode_a_law
from ringbridge.media.rtp import RtpPacket
from ringbridge.media.sdp import G722, PCMA, PCMU, TELEPHONE_EVENT, Codec, MediaAddress
from ringbridge.media.tones import power_at, sine
from tests.engines.native.media_peers import (
    DESTINATION_HZ,
    LOUD,
    PORTS,
    PROMPT_HZ,
    USER_HZ,
    WAIT_SECONDS,
    Daemon,
    Events,
    Phone,
    SecurePhone,
    daemon,
    joined,
    loud_tones,
    until_done,
    write_prompt,
)
from tests.peers.tool import LOOPBACK, poll


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
async def running() -> AsyncIterator[Daemon]:
    with daemon(range(PORTS + 600, PORTS + 1000)) as running:
        await running.until_it_listens()
        yield running


@pytest.fixture
async def relay(running: Daemon, events: Events) -> AsyncIterator[RtpengineRelay]:
    async with relay_of(running.control_port, events) as relay:
        yield relay


def relay_of(port: int, events: Events) -> RtpengineRelay:
    return RtpengineRelay(host=LOOPBACK, port=port, is_ipv6=False, on_event=events)


async def until_healthy(relay: RtpengineRelay) -> None:
    async def healthy() -> bool:
        return relay.healthy

    await poll(healthy, bool, "a connection to rtpengine")


# Codecs


async def test_sides_without_a_common_codec_hear_each_other(relay: RtpengineRelay) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        session.set_remote(Side.USER, user.address, codecs=(PCMU, TELEPHONE_EVENT))
        session.set_remote(Side.DESTINATION, destination.address, codecs=(PCMA, TELEPHONE_EVENT))
        await until_done(relay)
        async with user.speaking(session.local(Side.USER)):
            heard = (await destination.hear(15))[5:]
        assert {packet.payload_type for packet in heard} == {PCMA.payload_type}
        assert power_at(decode_a_law(b"".join(packet.payload for packet in heard)), USER_HZ) > LOUD
        user.forget_what_was_heard()
        voice = RtpPacket(8, 0, 0, 1, encode_a_law(sine(DESTINATION_HZ, 0.02)))
        for _ in range(15):
            voice = voice.following(voice.payload, 160)
            destination.send(voice.serialize(), session.local(Side.DESTINATION))
        assert loud_tones((await user.hear(12))[2:]) == {DESTINATION_HZ}


async def test_a_common_codec_is_passed_on_as_it_is(relay: RtpengineRelay) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        session.set_remote(Side.USER, user.address, codecs=(G722, PCMU))
        session.set_remote(Side.DESTINATION, destination.address, codecs=(G722,))
        await until_done(relay)
        packet = RtpPacket(9, 1, 160, 1, bytes(range(160)))
        user.send(packet.serialize(), session.local(Side.USER))
        assert await destination.next_packet() == packet


@pytest.mark.parametrize(
    ("speaks", "hears"),
    [
        ((PCMU, PCMA, TELEPHONE_EVENT), (PCMA, TELEPHONE_EVENT)),
        ((PCMU, PCMA, G722), (G722, TELEPHONE_EVENT)),
    ],
)
@pytest.mark.parametrize("side", list(Side))
async def test_nobody_gets_what_only_the_other_side_accepted(
    relay: RtpengineRelay, side: Side, speaks: tuple[Codec, ...], hears: tuple[Codec, ...]
) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as speaker, Phone(DESTINATION_HZ) as listener:
        session.set_remote(side, speaker.address, codecs=speaks)
        session.set_remote(side.other, listener.address, codecs=hears)
        await until_done(relay)
        async with speaker.speaking(session.local(side)):
            heard = await listener.hear(5)
    assert {packet.payload_type for packet in heard} == {hears[0].payload_type}


# SRTP


@pytest.mark.parametrize("secured", [[Side.USER], [Side.DESTINATION], [Side.USER, Side.DESTINATION]])
async def test_secured_sides_hear_and_are_heard(relay: RtpengineRelay, secured: list[Side]) -> None:
    session = await relay.open("call-1", secured=secured)
    assert [side for side in Side if session.local_key(side) is not None] == secured
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        phones = {Side.USER: user, Side.DESTINATION: destination}
        speak: dict[Side, Callable[[], None]] = {}
        for side, phone in phones.items():
            if side in secured:
                secure = SecurePhone(phone, await relay.open(f"far-{side.value}", secured=[Side.DESTINATION]))
                secure.meet(session, side)
                speak[side] = secure.speak
            else:
                session.set_remote(side, phone.address)
                speak[side] = functools.partial(phone.speak, session.local(side))
        await until_done(relay)
        for side, other in (*zip(Side, reversed(Side), strict=True),) * 2:
            speak[side]()
            heard_hz = USER_HZ if side is Side.USER else DESTINATION_HZ
            assert loud_tones(await phones[other].hear()) == {heard_hz}


async def test_what_a_secured_side_hears_is_encrypted_and_what_is_not_is_not_taken_from_it(
    relay: RtpengineRelay, events: Events
) -> None:
    session = await relay.open("call-1", secured=[Side.USER])
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        session.set_remote(Side.USER, user.address, key=CryptoKey(1, bytes(30)))
        session.set_remote(Side.DESTINATION, destination.address)
        await until_done(relay)
        async with destination.speaking(session.local(Side.DESTINATION)):
            # RFC 3711 section 4.2: ten octets of authentication behind each payload.
            assert {len(packet.payload) for packet in await user.hear()} == {160 + 10}
        user.speak(session.local(Side.USER))
        await until_done(relay)
        assert destination.has_heard_nothing
    assert events.told == []


@pytest.mark.parametrize("secured", [[Side.USER], [Side.USER, Side.DESTINATION]])
async def test_a_side_that_could_be_secured_may_be_plain(relay: RtpengineRelay, secured: list[Side]) -> None:
    session = await relay.open("call-1", secured=secured)
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        await until_done(relay)
        user.speak(session.local(Side.USER))
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await user.hear()) == {DESTINATION_HZ}
        assert loud_tones(await destination.hear()) == {USER_HZ}


async def test_keys_stay_when_the_other_side_turns_out_plain(relay: RtpengineRelay, events: Events) -> None:
    session = await relay.open("call-1", secured=[Side.USER, Side.DESTINATION])
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        session.set_remote(Side.USER, user.address)
        secure = SecurePhone(destination, await relay.open("far-end", secured=[Side.DESTINATION]))
        secure.meet(session, Side.DESTINATION)
        await until_done(relay)
        secure.speak()
        assert loud_tones(await user.hear()) == {DESTINATION_HZ}
        user.speak(session.local(Side.USER))
        assert loud_tones(await destination.hear()) == {USER_HZ}
    assert events.told == []


async def test_a_side_may_change_its_key_and_the_other_notices_nothing(
    relay: RtpengineRelay, events: Events
) -> None:
    session = await relay.open("call-1", secured=list(Side))
    keys = [session.local_key(side) for side in Side]
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        secures = {}
        for side, phone in ((Side.USER, user), (Side.DESTINATION, destination)):
            secures[side] = SecurePhone(
                phone, await relay.open(f"far-{side.value}", secured=[Side.DESTINATION])
            )
            secures[side].meet(session, side)
        session.set_remote(Side.USER, user.address, key=CryptoKey(1, bytes(30)))
        again = SecurePhone(user, await relay.open("far-again", secured=[Side.DESTINATION]))
        again.meet(session, Side.USER)
        await until_done(relay)
        again.speak()
        assert loud_tones(await destination.hear()) == {USER_HZ}
        secures[Side.DESTINATION].speak()
        assert loud_tones(await user.hear()) == {DESTINATION_HZ}
    assert [session.local_key(side) for side in Side] == keys
    assert events.told == []


async def test_two_secured_sides_are_one_session_in_all_else(
    running: Daemon, relay: RtpengineRelay, events: Events, tmp_path: Path
) -> None:
    prompt = write_prompt(tmp_path)
    session = await relay.open("call-1", secured=list(Side))
    assert relay.open_sessions == 1
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        session.set_remote(Side.USER, user.address, codecs=(PCMU, TELEPHONE_EVENT))
        session.watch_keys(Side.USER)
        session.play(Side.USER, prompt, 0, repeat=True)
        assert loud_tones(await user.hear(10)) == {PROMPT_HZ}
        session.watch_first_packet(Side.DESTINATION)
        user.speak(session.local(Side.USER), 1)
        user.press("1", session.local(Side.USER))
        await events.until(1)
        session.set_remote(Side.DESTINATION, destination.address, codecs=(PCMA, TELEPHONE_EVENT))
        await until_done(relay)
        destination.speak(session.local(Side.DESTINATION), 1)
        await events.until(2)
        session.stop_playing(Side.USER)
        async with user.speaking(session.local(Side.USER)):
            heard = (await destination.hear(15))[5:]
            assert power_at(decode_a_law(b"".join(packet.payload for packet in heard)), USER_HZ) > LOUD
            session.send_digits(Side.DESTINATION, "7", (PCMA, TELEPHONE_EVENT))
            async with asyncio.timeout(WAIT_SECONDS):
                while (
                    packet := await destination.next_packet()
                ).payload_type != TELEPHONE_EVENT.payload_type:
                    pass
            assert packet.payload[0] == 7
        running.process.kill()
        await events.until(3)
    assert events.told == [
        ("call-1", KeyPressed(side=Side.USER, key="1")),
        ("call-1", FirstPacket(side=Side.DESTINATION)),
        ("call-1", Lost()),
    ]
    assert relay.open_sessions == 0
    session.close()


# The daemon


async def test_a_dead_daemon_is_told_to_every_session_and_reached_again(
    running: Daemon, relay: RtpengineRelay, events: Events
) -> None:
    sessions = [await relay.open("call-1"), await relay.open("call-2")]
    running.process.kill()
    await events.until(2)
    assert events.told == [("call-1", Lost()), ("call-2", Lost())]
    assert relay.open_sessions == 0
    assert not relay.healthy
    with pytest.raises(MediaUnavailable, match=r"^there is no connection to rtpengine$"):
        await relay.open("call-3")
    for session in sessions:
        session.close()
        session.set_remote(Side.USER, MediaAddress(LOOPBACK, 4000))
    running.start_again()
    await until_healthy(relay)
    await relay.open("call-4")
    assert relay.open_sessions == 1


async def test_a_daemon_that_hangs_is_given_up_and_what_it_still_holds_is_deleted(
    running: Daemon, relay: RtpengineRelay, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtpengine_link, "REPLY_SECONDS", 0.2)
    before = await relay.open("call-1")
    running.hang()
    with pytest.raises(MediaUnavailable, match=r"^rtpengine did not answer in 0\.2 seconds$"):
        await relay.open("call-2")
    await events.until(1)
    assert events.told == [("call-1", Lost())]
    running.process.send_signal(signal.SIGCONT)
    await until_healthy(relay)
    after = await relay.open("call-1")
    assert {after.local(side) for side in Side}.isdisjoint({before.local(side) for side in Side})
    await until_done(relay)
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(after, user, destination)
        await until_done(relay)
        user.speak(after.local(Side.USER))
        assert loud_tones(await destination.hear()) == {USER_HZ}


async def test_a_daemon_that_is_silent_without_being_asked_is_noticed(
    running: Daemon, relay: RtpengineRelay, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtpengine, "PING_SECONDS", 0.05)
    monkeypatch.setattr(rtpengine_link, "REPLY_SECONDS", 0.2)
    await relay.open("call-1")
    # The interval that was being waited for is the old one; another connection begins with the new.
    running.process.kill()
    running.start_again()
    await events.until(1)
    await until_healthy(relay)
    await relay.open("call-2")
    running.hang()
    await events.until(2)
    assert events.told == [("call-1", Lost()), ("call-2", Lost())]


@pytest.mark.parametrize("secured", [[], list(Side)])
async def test_a_session_of_an_earlier_process_is_deleted(
    running: Daemon, relay: RtpengineRelay, events: Events, secured: list[Side]
) -> None:
    await relay.open("call-1", secured=secured)
    async with relay_of(running.control_port, Events()) as later:
        later.forget("call-1")
        later.forget("call-2")
        await until_done(later)
        left = await DaemonLink.connect(
            LOOPBACK, running.control_port, lambda notice: None, lambda link: None
        )
        assert (await left.reply({"command": "list"}))["calls"] == []
        left.close()


async def test_a_call_that_the_daemon_has_ended_is_lost(
    running: Daemon, relay: RtpengineRelay, events: Events
) -> None:
    session = await relay.open("call-1")
    other = relay_of(running.control_port, Events())
    async with other:
        same = await other.open("call-1")
        same.close()
        await until_done(other)
    session.set_remote(Side.USER, MediaAddress(LOOPBACK, 4000))
    await events.until(1)
    assert events.told == [("call-1", Lost())]
    assert relay.open_sessions == 0


async def test_a_daemon_that_starts_later_is_reached_then(events: Events) -> None:
    with daemon(range(PORTS + 600, PORTS + 1000)) as running:
        running.stop()
        with capture_logs() as log:
            async with relay_of(running.control_port, events) as relay:
                assert not relay.healthy
                with pytest.raises(MediaUnavailable, match=r"^there is no connection to rtpengine$"):
                    await relay.open("call-1")
                running.start_again()
                await until_healthy(relay)
                await relay.open("call-1")
    [said] = [line for line in log if line["event"] == "media_daemon_absent"]
    assert said["reason"].startswith(f"rtpengine does not answer at 127.0.0.1:{running.control_port} (")
    assert said["advice"].startswith(f"start it with --listen-tcp-ng=127.0.0.1:{running.control_port}, or")


async def test_a_daemon_whose_name_is_wrong_is_refused() -> None:
    relay = RtpengineRelay(host="a..b", port=2223, is_ipv6=False, on_event=Events())
    with pytest.raises(MediaUnavailable, match=r"^rtpengine does not answer at a..b:2223 .*: start it with"):
        await relay.start()


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"cookie i7e", b"x" * 2_000_000])
async def test_something_else_on_its_port_is_refused(said: bytes) -> None:
    class Babbler(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.WriteTransport)
            transport.write(said)

    async with await asyncio.get_running_loop().create_server(Babbler, LOOPBACK) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(
            MediaUnavailable,
            match=r"^(the connection to rtpengine has ended|rtpengine did not answer in 1 seconds): start it with",
        ):
            await relay_of(port, Events()).start()


def test_it_runs_on_uvloop(events: Events) -> None:
    async def call() -> None:
        with daemon(range(PORTS + 600, PORTS + 700)) as running:
            await running.until_it_listens()
            async with relay_of(running.control_port, events) as relay:
                session = await relay.open("call-1")
                with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
                    joined(session, user, destination)
                    await until_done(relay)
                    user.speak(session.local(Side.USER))
                    assert loud_tones(await destination.hear()) == {USER_HZ}
                running.process.kill()
                await events.until(1)

    uvloop.run(call())
    assert events.told == [("call-1", Lost())]


async def test_it_works_over_ipv6(events: Events) -> None:
    with daemon(range(PORTS + 600, PORTS + 700), "::1") as running:
        await running.until_it_listens()
        async with RtpengineRelay(
            host=LOOPBACK, port=running.control_port, is_ipv6=True, on_event=events
        ) as relay:
            session = await relay.open("call-1")
            assert session.local(Side.USER).host == "::1"
            with Phone(USER_HZ, "::1") as user, Phone(DESTINATION_HZ, "::1") as destination:
                joined(session, user, destination)
                await until_done(relay)
                user.speak(session.local(Side.USER))
                assert loud_tones(await destination.hear()) == {USER_HZ}
