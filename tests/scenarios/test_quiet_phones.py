"""Phones that send little or nothing, and are no reason to end a call: only a silence that is none of these is one.

Rows C6 and D5 of docs/reliability.md. All calls are up at once, beside one whose phone has really gone silent: when that
one is ended, the others have been quiet for longer. A hold of two minutes is tried in tests/media/test_silence.py.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import pytest

from ringbridge.media.rtp import RtpPacket
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.scenarios import talk
from tests.scenarios.sound import DESTINATION_HZ, USER_HZ, Voice, assert_hears, ear_of, mutual, voice_of

pytestmark = pytest.mark.peer

# A silence is noticed within 20 s; the rest is the machine's.
SILENCE_SECONDS = 90.0
COMFORT_NOISE = 13
NOISE_SECONDS = 7.0


class Talk(NamedTuple):
    """A call with both voices."""

    call_id: str
    user: Leg
    destination: Leg
    user_voice: Voice
    destination_voice: Voice


@asynccontextmanager
async def talking(
    client: Client, user: Phone, destination: Phone, index: int, *, heard: bool = True
) -> AsyncIterator[Talk]:
    """A joined call; both have spoken and were heard, unless only the user ever speaks."""
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id, user_leg, leg = await talk.connect(client, user, destination, index)
        if heard:
            async with mutual((user_voice, user_leg), (destination_voice, leg)):
                pass
        yield Talk(call_id, user_leg, leg, user_voice, destination_voice)


@asynccontextmanager
async def murmuring(voice: Voice, leg: Leg) -> AsyncIterator[None]:
    """A packet of comfort noise now and then (RFC 3389), as phones send that do not transmit pauses."""
    loop = asyncio.get_running_loop()
    port = ear_of(leg)
    timer: asyncio.Handle = loop.call_soon(lambda: murmur(1))

    def murmur(number: int) -> None:
        nonlocal timer
        voice.send(RtpPacket(COMFORT_NOISE, number, 160 * number, 7, b"\x40").serialize(), port)
        timer = loop.call_later(NOISE_SECONDS, murmur, number + 1)

    try:
        yield
    finally:
        timer.cancel()


async def test_only_true_silence_ends_a_call(client: Client, user: Phone, destination: Phone) -> None:
    """C6 and D5: hold from either side, sound one way only, and comfort noise outlast a call that has gone silent."""
    async with AsyncExitStack() as calls:

        async def up(index: int, *, heard: bool = True) -> Talk:
            return await calls.enter_async_context(talking(client, user, destination, index, heard=heard))

        held_by_user, held_by_destination, one_way, noisy = [
            await up(index, heard=index != 3) for index in (1, 2, 3, 4)
        ]
        for voice, leg in (
            (held_by_user.destination_voice, held_by_user.destination),
            (held_by_destination.user_voice, held_by_destination.user),
            (one_way.user_voice, one_way.user),
            (noisy.user_voice, noisy.user),
        ):
            await calls.enter_async_context(voice.speaking(ear_of(leg)))
        await calls.enter_async_context(murmuring(noisy.destination_voice, noisy.destination))
        held_by_user.user.offer("sendonly")
        await held_by_user.user.heard("200 INVITE")
        held_by_destination.destination.offer("inactive")
        await held_by_destination.destination.heard("200 INVITE")
        # From here on all of them are quiet; the last one is to blame.
        silent = await up(5)
        async with silent.user_voice.speaking(ear_of(silent.user)):
            ended = await client.finished(silent.call_id, seconds=SILENCE_SECONDS)

        assert (ended["cause"], ended["ended_by"]) == ("media_timeout", "server")
        assert [await leg.settled() for leg in (silent.user, silent.destination)] == [Ending.TALKED] * 2
        quiet = (held_by_user, held_by_destination, one_way, noisy)
        assert [(await client.call(one.call_id))["state"] for one in quiet] == ["connected"] * len(quiet)
        held_by_user.user.offer("sendrecv")
        await held_by_user.user.heard("200 INVITE", count=2)
        held_by_user.user_voice.forget_what_was_heard()
        await assert_hears(held_by_user.user_voice, DESTINATION_HZ)
        for one in quiet:
            one.user.hang_up()
            assert (await client.finished(one.call_id))["outcome"] == "completed"


async def test_a_new_source_and_a_jump_in_the_numbers_are_heard(
    client: Client, user: Phone, destination: Phone
) -> None:
    """D5: what a phone does that was restarted, or that another one behind the same address takes over from."""
    async with talking(client, user, destination, 6) as one:
        for jump in (30_000, 0):
            one.destination_voice.jump(jump)
            for ssrc in (7, 8):
                one.destination_voice.speak(ear_of(one.destination), ssrc=ssrc)
                # What was said before may still be under way.
                while (await one.user_voice.next_packet()).ssrc != ssrc:
                    pass
                assert {packet.ssrc for packet in await one.user_voice.hear(4)} == {ssrc}
        one.user.hang_up()
        assert (await client.finished(one.call_id))["outcome"] == "completed"
