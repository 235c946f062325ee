"""Hold and resume by the API: both phones go on as they are, and only what they hear changes."""

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
    mutual,
    voice_of,
)

pytestmark = [pytest.mark.peer, WITH_EACH_RELAY]

ON_HOLD_HZ = 425


@pytest.mark.parametrize("held", ["user", "destination"])
async def test_the_held_one_hears_a_tone_and_the_other_silence_until_both_hear_each_other_again(
    client: Client, user: Phone, destination: Phone, held: str
) -> None:
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
        voices = {"user": user_voice, "destination": destination_voice}
        on_hold = voices.pop(held)
        (other,) = voices.values()
        async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
            for _ in range(2):
                assert (await client.act(call_id, "hold", leg=held))["status"] == 202
                await client.reaches(call_id, "held")
                on_hold.forget_what_was_heard()
                await assert_hears(on_hold)
                await assert_hears(other)
                await assert_hears_tone(on_hold, ON_HOLD_HZ)

                assert (await client.act(call_id, "resume"))["status"] == 202
                user_voice.forget_what_was_heard()
                await assert_hears(user_voice, DESTINATION_HZ)
                destination_voice.forget_what_was_heard()
                await assert_hears(destination_voice, USER_HZ)
        destination_leg.hang_up()

    shown = await client.finished(call_id)
    assert shown["outcome"] == "completed"
    names = [event["name"] for event in shown["events"]]
    assert names[-6:] == ["connected", "held", "resumed", "held", "resumed", "ended"]
    assert [await leg.settled() for leg in (user_leg, destination_leg)] == [Ending.TALKED, Ending.TALKED]
    # Neither phone was asked anything.
    assert user_leg.count("INVITE") == destination_leg.count("INVITE") == 1


@pytest.mark.parametrize("leaving", ["user", "destination"])
async def test_a_held_call_ends_when_either_hangs_up(
    client: Client, user: Phone, destination: Phone, leaving: str
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 2)
    await client.act(call_id, "hold")
    await client.reaches(call_id, "held")
    (user_leg if leaving == "user" else destination_leg).hang_up()

    shown = await client.finished(call_id)
    assert (shown["outcome"], shown["ended_by"]) == ("completed", leaving)
    assert [await leg.settled() for leg in (user_leg, destination_leg)] == [Ending.TALKED, Ending.TALKED]
