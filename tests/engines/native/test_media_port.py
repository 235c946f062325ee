"""What every media relay must do, tried with each: real relays, real UDP sockets; audio is judged by its frequency."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringbridge.engines.native import rtpengine, rtpio
from ringbridge.engines.native.media import (
    FirstPacket,
    KeyPressed,
    MediaRelay,
    MediaSession,
    NoMediaPorts,
    Side,
    Silent,
)
from ringbridge.media.g711 import decode_a_law, decode_mu_law
from ringbridge.media.rtp import RtpPacket
from ringbridge.media.sdp import G722, PCMA, PCMU, TELEPHONE_EVENT, MediaAddress
from ringbridge.media.tones import power_at
from tests.engines.native.media_peers import (
    DESTINATION_HZ,
    LOUD,
    PORTS,
    PROMPT_HZ,
    RELAYS,
    STRANGER_HZ,
    USER_HZ,
    Events,
    Phone,
    free_range,
    joined,
    loud_tones,
    until_done,
    write_prompt,
)


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture(params=list(RELAYS))
async def relay(request: pytest.FixtureRequest, events: Events) -> AsyncIterator[MediaRelay]:
    async with RELAYS[request.param](events, range(PORTS, PORTS + 400)) as relay:
        yield relay


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    return write_prompt(tmp_path / "folder with blanks")


async def test_the_relay_and_its_sessions_have_the_shape_of_the_port(relay: MediaRelay) -> None:
    port: MediaRelay = relay
    session: MediaSession = await port.open("call-1")
    assert session.local(Side.USER) != session.local(Side.DESTINATION)


async def test_each_side_hears_the_other_once_both_are_known(relay: MediaRelay) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        await until_done(relay)
        user.speak(session.local(Side.USER))
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await user.hear()) == {DESTINATION_HZ}
        assert loud_tones(await destination.hear()) == {USER_HZ}


@pytest.mark.parametrize("side", list(Side))
async def test_a_prompt_is_heard_by_the_side_it_is_played_to(
    relay: MediaRelay, prompt: Path, side: Side
) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.play(side, prompt, 0)
        listener, other = (user, destination) if side is Side.USER else (destination, user)
        assert loud_tones(await listener.hear(10)) == {PROMPT_HZ}
        assert other.has_heard_nothing


async def test_a_repeated_prompt_goes_on_until_it_is_stopped(relay: MediaRelay, prompt: Path) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.play(Side.USER, prompt, 0, repeat=True)
        await user.hear(25)
        session.stop_playing(Side.USER)
        await until_done(relay)
        user.forget_what_was_heard()
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await user.hear()) == {DESTINATION_HZ}


async def test_a_side_that_hears_a_prompt_does_not_hear_the_other_side(
    relay: MediaRelay, prompt: Path
) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.play(Side.USER, prompt, 0, repeat=True)
        await user.hear(1)
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await user.hear(15)) == {PROMPT_HZ}


async def test_a_second_prompt_replaces_the_first(relay: MediaRelay, prompt: Path) -> None:
    following = write_prompt(prompt.parent, "next", DESTINATION_HZ)
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user:
        session.set_remote(Side.USER, user.address)
        session.play(Side.USER, prompt, 0, repeat=True)
        await user.hear(1)
        session.play(Side.USER, following, 0)
        await until_done(relay)
        user.forget_what_was_heard()
        assert loud_tones(await user.hear(8)) == {DESTINATION_HZ}


async def test_a_side_without_an_address_is_not_played_to(relay: MediaRelay, prompt: Path) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user:
        session.play(Side.USER, prompt, 0)
        session.set_remote(Side.USER, MediaAddress("0.0.0.0", 4000))
        session.play(Side.USER, prompt, 0)
        session.set_remote(Side.USER, user.address, codecs=(PCMA,))
        session.play(Side.USER, prompt, 8)
        assert {packet.payload_type for packet in await user.hear(10)} == {8}


async def test_the_address_of_a_phone_on_hold_changes_nothing(relay: MediaRelay, prompt: Path) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user:
        session.set_remote(Side.USER, user.address)
        session.set_remote(Side.USER, MediaAddress("0.0.0.0", 4000))
        session.play(Side.USER, prompt, 0)
        assert loud_tones(await user.hear(10)) == {PROMPT_HZ}


async def test_strangers_neither_hear_nor_are_heard(relay: MediaRelay) -> None:
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
        await until_done(relay)
        attack()
        for _ in range(3):
            user.speak(session.local(Side.USER))
            destination.speak(session.local(Side.DESTINATION))
            assert loud_tones(await user.hear()) == {DESTINATION_HZ}
            assert loud_tones(await destination.hear()) == {USER_HZ}
            attack(ssrc=USER_HZ)
            attack(ssrc=DESTINATION_HZ)
        assert all(attacker.has_heard_nothing for attacker in attackers)


async def test_a_new_address_takes_the_place_of_the_old_one(relay: MediaRelay) -> None:
    session = await relay.open("call-1")
    with Phone(STRANGER_HZ) as old, Phone(USER_HZ) as new, Phone(DESTINATION_HZ) as destination:
        joined(session, old, destination)
        await until_done(relay)
        old.speak(session.local(Side.USER))
        await destination.hear()
        session.set_remote(Side.USER, new.address)
        await until_done(relay)
        old.speak(session.local(Side.USER))
        new.speak(session.local(Side.USER))
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await destination.hear()) == {USER_HZ}
        assert loud_tones(await new.hear()) == {DESTINATION_HZ}
        assert old.has_heard_nothing


async def test_the_first_packet_of_a_watched_side_is_told_once(relay: MediaRelay, events: Events) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination, Phone(STRANGER_HZ) as stranger:
        joined(session, user, destination)
        session.watch_first_packet(Side.DESTINATION)
        await until_done(relay)
        stranger.speak(session.local(Side.DESTINATION))
        user.speak(session.local(Side.USER))
        destination.speak(session.local(Side.DESTINATION), 1)
        await events.until(1)
        session.watch_first_packet(Side.USER)
        await until_done(relay)
        destination.speak(session.local(Side.DESTINATION), 1)
        user.speak(session.local(Side.USER), 1)
        await events.until(2)
    assert events.told == [
        ("call-1", FirstPacket(side=Side.DESTINATION)),
        ("call-1", FirstPacket(side=Side.USER)),
    ]


async def test_early_media_is_noticed_while_the_ringing_tone_plays(
    relay: MediaRelay, events: Events, prompt: Path
) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.play(Side.USER, prompt, 0, repeat=True)
        session.watch_first_packet(Side.DESTINATION)
        await until_done(relay)
        await user.hear(1)
        destination.speak(session.local(Side.DESTINATION), 1)
        await events.until(1)
    assert events.told == [("call-1", FirstPacket(side=Side.DESTINATION))]


async def test_a_closed_session_does_nothing_any_more(relay: MediaRelay, prompt: Path) -> None:
    session = await relay.open("call-1", silence_seconds=0.01)
    session.close()
    session.close()
    session.set_remote(Side.USER, MediaAddress("127.0.0.1", 9))
    session.play(Side.USER, prompt, 0)
    session.stop_playing(Side.USER)
    session.watch_first_packet(Side.USER)
    session.watch_keys(Side.USER)
    session.send_digits(Side.USER, "1", (PCMU,))
    session.expect_audio(Side.USER, True)
    assert relay.open_sessions == 0


async def test_a_name_can_be_used_again_but_not_twice_at_once(relay: MediaRelay) -> None:
    session = await relay.open("call-1")
    with pytest.raises(ValueError, match=r"^there is a media session 'call-1' already$"):
        await relay.open("call-1")
    session.close()
    await relay.open("call-1")
    assert relay.open_sessions == 1


async def test_a_prompt_comes_in_the_codec_that_the_side_accepted(relay: MediaRelay, prompt: Path) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user:
        session.set_remote(Side.USER, user.address, codecs=(PCMA, PCMU, TELEPHONE_EVENT))
        session.play(Side.USER, prompt, 8)
        heard = await user.hear(10)
        assert {packet.payload_type for packet in heard} == {8}
        assert power_at(decode_a_law(b"".join(packet.payload for packet in heard)), PROMPT_HZ) > LOUD
        session.stop_playing(Side.USER)
        await until_done(relay)
        user.forget_what_was_heard()
        session.set_remote(Side.USER, user.address, codecs=(G722, TELEPHONE_EVENT))
        session.play(Side.USER, prompt, 9)
        assert {packet.payload_type for packet in await user.hear(5)} == {9}


# Keys


@pytest.mark.parametrize("side", list(Side))
async def test_keys_are_told_of_a_watched_side_only(relay: MediaRelay, events: Events, side: Side) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.watch_keys(side)
        await until_done(relay)
        for phone, at in ((user, Side.USER), (destination, Side.DESTINATION)):
            phone.speak(session.local(at), 1)
            phone.press("1" if at is side else "7", session.local(at))
        await events.until(1)
        presser = user if side is Side.USER else destination
        presser.press("#", session.local(side))
        await events.until(2)
    assert [event for _, event in events.told] == [
        KeyPressed(side=side, key="1"),
        KeyPressed(side=side, key="#"),
    ]


async def test_keys_are_told_before_there_is_anybody_to_hear_them(
    relay: MediaRelay, events: Events, prompt: Path
) -> None:
    session = await relay.open("call/1%")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as other_user:
        session.watch_keys(Side.USER)
        session.set_remote(Side.USER, user.address)
        session.play(Side.USER, prompt, 0, repeat=True)
        other = await relay.open("call-2")
        other.set_remote(Side.USER, other_user.address)
        other.watch_keys(Side.USER)
        await until_done(relay)
        user.press("1", session.local(Side.USER))
        await events.until(1)
        other_user.press("*", other.local(Side.USER))
        await events.until(2)
    assert events.told == [
        ("call/1%", KeyPressed(side=Side.USER, key="1")),
        ("call-2", KeyPressed(side=Side.USER, key="*")),
    ]


async def test_watched_keys_are_told_after_a_new_address(relay: MediaRelay, events: Events) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as old, Phone(USER_HZ) as new:
        session.set_remote(Side.USER, old.address)
        session.watch_keys(Side.USER)
        session.set_remote(Side.USER, new.address)
        await until_done(relay)
        old.press("5", session.local(Side.USER))
        new.press("6", session.local(Side.USER))
        await events.until(1)
    assert events.told == [("call-1", KeyPressed(side=Side.USER, key="6"))]


async def digits_heard(listener: Phone, count: int) -> list[tuple[int, int, bool]]:
    """Code, longest duration and marker of each of the first events, by their timestamps."""
    seen: dict[int, tuple[int, int, bool]] = {}
    ended: set[int] = set()
    async with asyncio.timeout(WAIT_FOR_DIGITS_SECONDS):
        while len(ended) < count:
            packet = await listener.next_packet()
            if packet.payload_type == TELEPHONE_EVENT.payload_type:
                code, flags, *duration = packet.payload
                _, _, is_marked = seen.get(packet.timestamp, (0, 0, False))
                seen[packet.timestamp] = (code, int.from_bytes(duration), is_marked or packet.marker)
                if flags & 0x80:
                    ended.add(packet.timestamp)
    return list(seen.values())


WAIT_FOR_DIGITS_SECONDS = 60


@pytest.mark.parametrize("side", list(Side))
async def test_digits_are_heard_as_events_and_the_voice_comes_back(
    relay: MediaRelay, events: Events, side: Side
) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.watch_keys(side.other)
        listener, speaker = (user, destination) if side is Side.USER else (destination, user)
        async with speaker.speaking(session.local(side.other)):
            await listener.hear(3)
            session.send_digits(side, "4,", (PCMU, TELEPHONE_EVENT))
            session.send_digits(side, "#", (PCMU, TELEPHONE_EVENT))
            assert [event for event, _, _ in await digits_heard(listener, 2)] == [4, 11]
            while (await listener.next_packet()).payload_type != 0:
                pass
            assert {packet.payload_type for packet in await listener.hear(10)} == {0}
    assert events.told == []


async def test_digits_are_tones_where_no_events_are_taken(relay: MediaRelay) -> None:
    session = await relay.open("call-1")
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        session.set_remote(Side.USER, user.address, codecs=(PCMU, TELEPHONE_EVENT))
        session.set_remote(Side.DESTINATION, destination.address, codecs=(PCMU,))
        async with user.speaking(session.local(Side.USER)), asyncio.timeout(WAIT_FOR_DIGITS_SECONDS):
            await destination.hear(3)
            session.send_digits(Side.DESTINATION, "1", (PCMU,))
            while True:
                samples = decode_mu_law((await destination.next_packet()).payload)
                if min(power_at(samples, 697), power_at(samples, 1209)) > LOUD:
                    break


# Silence


@pytest.fixture
def counts_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtpio, "COUNT_SECONDS", 0.05)
    monkeypatch.setattr(rtpengine, "PING_SECONDS", 0.05)


@pytest.mark.usefixtures("counts_often")
async def test_a_side_that_stops_is_told_of_and_one_on_hold_is_not(relay: MediaRelay, events: Events) -> None:
    session = await relay.open("call-1", silence_seconds=0.4)
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.expect_audio(Side.USER, True)
        session.expect_audio(Side.DESTINATION, True)
        await until_done(relay)
        user.speak(session.local(Side.USER))
        destination.speak(session.local(Side.DESTINATION))
        session.expect_audio(Side.DESTINATION, False)
        await events.until(2)
        assert set(events.told) == {("call-1", Silent(side=Side.USER))}
        session.expect_audio(Side.USER, False)
        session.expect_audio(Side.DESTINATION, True)
        told = len(events.told)
        await events.until(told + 1)
        assert events.told[told:] == [("call-1", Silent(side=Side.DESTINATION))]


@pytest.mark.usefixtures("counts_often")
async def test_a_stranger_does_not_pass_for_a_side_that_is_silent(relay: MediaRelay, events: Events) -> None:
    session = await relay.open("call-1", silence_seconds=0.4)
    with Phone(USER_HZ) as user, Phone(STRANGER_HZ) as stranger:
        session.set_remote(Side.USER, user.address)
        session.expect_audio(Side.USER, True)
        await until_done(relay)
        user.speak(session.local(Side.USER))
        async with stranger.speaking(session.local(Side.USER)):
            await events.until(1)
    assert events.told == [("call-1", Silent(side=Side.USER))]


@pytest.mark.usefixtures("counts_often")
async def test_a_new_source_and_a_jump_in_the_numbers_are_heard_and_are_no_silence(
    relay: MediaRelay, events: Events
) -> None:
    session = await relay.open("call-1", silence_seconds=0.6)
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination:
        joined(session, user, destination)
        session.expect_audio(Side.USER, True)
        await until_done(relay)
        for jump in (0, 30_000, 0):
            user.jump(jump)
            for ssrc in (7, 8):
                user.speak(session.local(Side.USER), ssrc=ssrc)
                assert {packet.ssrc for packet in await destination.hear()} == {ssrc}
        comfort_noise = RtpPacket(13, 1, 1, 9, b"\x40")
        user.send(comfort_noise.serialize(), session.local(Side.USER))
        assert (await destination.next_packet()).payload_type == 13
        assert events.told == []


# A phone behind a NAT


async def test_a_phone_that_is_learned_is_heard_and_hears(relay: MediaRelay, events: Events) -> None:
    session = await relay.open("call-1", learning=[Side.USER])
    behind_nat = MediaAddress("127.0.0.3", 4000)
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination, Phone(STRANGER_HZ) as stranger:
        session.set_remote(Side.USER, behind_nat, learns=True)
        session.watch_first_packet(Side.USER)
        await until_done(relay)
        user.speak(session.local(Side.USER), 1)
        await events.until(1)
        session.set_remote(Side.DESTINATION, destination.address)
        await until_done(relay)
        stranger.speak(session.local(Side.USER))
        stranger.speak(session.local(Side.DESTINATION))
        user.speak(session.local(Side.USER))
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await user.hear()) == {DESTINATION_HZ}
        destination.forget_what_was_heard()
        user.speak(session.local(Side.USER))
        assert loud_tones(await destination.hear()) == {USER_HZ}
        assert stranger.has_heard_nothing


async def test_a_side_that_is_not_learned_stays_pinned_beside_one_that_is(relay: MediaRelay) -> None:
    session = await relay.open("call-1", learning=[Side.USER])
    with Phone(USER_HZ) as user, Phone(DESTINATION_HZ) as destination, Phone(STRANGER_HZ) as stranger:
        stranger.speak(session.local(Side.DESTINATION))
        session.set_remote(Side.USER, user.address, learns=True)
        session.set_remote(Side.DESTINATION, destination.address)
        await until_done(relay)
        stranger.speak(session.local(Side.DESTINATION))
        destination.speak(session.local(Side.DESTINATION))
        assert loud_tones(await user.hear()) == {DESTINATION_HZ}
        assert stranger.has_heard_nothing


# Ports


@pytest.mark.parametrize("name", list(RELAYS))
async def test_twenty_ports_are_five_calls_again_and_again(name: str, events: Events) -> None:
    ports = free_range(20)
    async with RELAYS[name](events, ports) as relay:
        sessions: list[MediaSession] = [await relay.open(f"call-{number}") for number in range(5)]
        assert {session.local(side).port for session in sessions for side in Side} == set(ports[::2])
        with pytest.raises(NoMediaPorts):
            await relay.open("call-5")
        assert relay.healthy
        for number in range(300):
            sessions[number % 5].close()
            sessions[number % 5] = await relay.open(f"again-{number}")
        for session in sessions:
            session.close()
        assert relay.open_sessions == 0


@pytest.mark.parametrize("name", list(RELAYS))
async def test_ports_of_another_program_are_passed_over(name: str, events: Events) -> None:
    ports = free_range(20)
    with contextlib.ExitStack() as held:
        for port in ports[:12:2]:
            other = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            other.bind(("127.0.0.1", port))
        async with RELAYS[name](events, ports) as relay:
            sessions = [await relay.open(f"call-{number}") for number in range(2)]
            assert {session.local(side).port for session in sessions for side in Side} == set(ports[12::2])
            with pytest.raises(NoMediaPorts):
                await relay.open("call-2")
            assert relay.open_sessions == 2
