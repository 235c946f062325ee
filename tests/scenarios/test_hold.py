"""Hold and resume in the middle of a talk, from either side: afterwards each hears the other as before.

RFC 3264 section 8.4 and, for phones of the last century, RFC 2543's zeros.
"""

import pytest

from tests.peers import wire
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.tool import LOOPBACK
from tests.scenarios import talk
from tests.scenarios.relays import WITH_EACH_RELAY
from tests.scenarios.sound import DESTINATION_HZ, USER_HZ, assert_hears, mutual, voice_of

pytestmark = [pytest.mark.peer, WITH_EACH_RELAY]


async def offer(leg: Leg, method: str, body: bytes, *, count: int) -> str:
    """Make an offer, the `count`-th of this method; the direction that the server answers."""
    leg.request(method, body)
    answer = await leg.heard(f"200 {method}", count=count)
    return wire.direction_of(answer.body)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("side", ["user", "destination"])
async def test_both_hear_each_other_again_after_each_hold(
    client: Client, user: Phone, destination: Phone, side: str, method: str
) -> None:
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id, *legs = await talk.connect(client, user, destination, 1)
        holder = legs[0 if side == "user" else 1]
        voices = (user_voice, destination_voice)
        async with mutual((user_voice, legs[0]), (destination_voice, legs[1])):
            for number, (held, answered) in enumerate(
                [("sendonly", "recvonly"), ("inactive", "inactive")], start=1
            ):
                body = holder.session(held)
                assert await offer(holder, method, body, count=2 * number - 1) == answered
                body = holder.session("sendrecv")
                assert await offer(holder, method, body, count=2 * number) == "sendrecv"
                for voice in voices:
                    voice.forget_what_was_heard()
                await assert_hears(user_voice, DESTINATION_HZ)
                await assert_hears(destination_voice, USER_HZ)
        legs[1].hang_up()

        assert (await client.finished(call_id))["outcome"] == "completed"
        assert [await leg.settled() for leg in legs] == [Ending.TALKED, Ending.TALKED]


async def test_both_hear_each_other_again_after_a_hold_with_zeros(
    client: Client, user: Phone, destination: Phone
) -> None:
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 2)
        async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
            zeros = user_leg.session().replace(f"c=IN IP4 {LOOPBACK}".encode(), b"c=IN IP4 0.0.0.0")
            await offer(user_leg, "INVITE", zeros, count=1)
            await offer(user_leg, "INVITE", user_leg.session(), count=2)
            for voice in (user_voice, destination_voice):
                voice.forget_what_was_heard()
            await assert_hears(user_voice, DESTINATION_HZ)
            await assert_hears(destination_voice, USER_HZ)
        user_leg.hang_up()

        assert (await client.finished(call_id))["outcome"] == "completed"


async def test_a_phone_that_moves_its_sound_elsewhere_is_heard_and_hears_there(
    client: Client, user: Phone, destination: Phone
) -> None:
    """What a phone does that is moved to another network in the middle of a talk."""
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 3)
        async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
            pass
        with voice_of(destination, DESTINATION_HZ) as moved:
            destination_leg.rtp_port = moved.address.port
            assert await offer(destination_leg, "INVITE", destination_leg.session(), count=1) == "sendrecv"
            user_voice.forget_what_was_heard()
            async with mutual((user_voice, user_leg), (moved, destination_leg)):
                pass
        user_leg.hang_up()

        assert (await client.finished(call_id))["outcome"] == "completed"
