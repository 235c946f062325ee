"""Keys for one leg, and the end of one leg, by the API; and what it says when neither can be done."""

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.scenarios import talk
from tests.scenarios.relays import WITH_EACH_RELAY
from tests.scenarios.sound import (
    DESTINATION_HZ,
    USER_HZ,
    assert_hears,
    assert_hears_tone,
    ear_of,
    hears_key,
    mutual,
    voice_of,
)

pytestmark = [pytest.mark.peer, WITH_EACH_RELAY]

HUNG_UP_HZ = 425


@pytest.mark.parametrize("leg", ["user", "destination"])
async def test_keys_are_heard_by_the_leg_that_is_named_and_its_far_end_is_heard_again(
    client: Client, user: Phone, destination: Phone, leg: str
) -> None:
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
        listener = user_voice if leg == "user" else destination_voice
        async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
            assert (await client.act(call_id, "digits", digits="4", leg=leg))["status"] == 202
            assert await hears_key(listener) == "4"
            await assert_hears(listener, DESTINATION_HZ if leg == "user" else USER_HZ)
        user_leg.hang_up()

    shown = await client.finished(call_id)
    assert "digits_sent" in [event["name"] for event in shown["events"]]


@pytest.mark.parametrize("leg", ["user", "destination"])
async def test_who_is_left_hears_a_tone_and_is_released(
    client: Client, user: Phone, destination: Phone, leg: str
) -> None:
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 2)
        legs = {"user": (user_voice, user_leg), "destination": (destination_voice, destination_leg)}
        _, leaving = legs.pop(leg)
        ((voice, left),) = legs.values()
        # RTP of its own keeps the tone's way open, whichever relay it is.
        async with voice.speaking(ear_of(left)):
            assert (await client.act(call_id, "hangup", leg=leg))["status"] == 202
            await leaving.heard("BYE")
            await assert_hears_tone(voice, HUNG_UP_HZ)
            await left.heard("BYE")

    shown = await client.finished(call_id)
    assert (shown["outcome"], shown["cause"], shown["ended_by"]) == ("completed", "canceled", "api")
    assert [event["name"] for event in shown["events"]][-2:] == [f"{leg}_ended", "ended"]
    assert [await one.settled() for one in (leaving, left)] == [Ending.TALKED, Ending.TALKED]


async def test_a_destination_that_rings_is_given_up(client: Client, user: Phone, destination: Phone) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 3)
    await client.act(call_id, "hangup", leg="destination")

    assert await destination_leg.settled() is Ending.CANCELLED
    assert (await client.finished(call_id))["outcome"] == "canceled"
    assert await user_leg.settled() is Ending.TALKED


async def test_what_means_nothing_in_a_state_is_refused_with_its_word(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 4)
    await client.reaches(call_id, "ringing_destination")
    refused = await client.act(call_id, "hold")
    assert (refused["status"], refused["code"]) == (409, "wrong_state")
    assert "ringing_destination" in refused["detail"]
    user_leg.hang_up()
    await client.finished(call_id)
    assert await destination_leg.settled() is Ending.CANCELLED

    ended = await client.act(call_id, "resume")
    assert (ended["status"], ended["code"]) == (409, "wrong_state")
    assert "ended" in ended["detail"]
