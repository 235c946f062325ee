"""Transfers by the API: one of two who talk is joined with a third, or comes back to whom it talked to."""

from typing import NamedTuple

import pytest

from ringbridge.media.g711 import decode_mu_law
from ringbridge.media.tones import FULL_SCALE, power_at
from tests.peers.client import Client, Shown
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import destination_number, user_number
from tests.scenarios import talk
from tests.scenarios.relays import WITH_EACH_RELAY
from tests.scenarios.sound import (
    DESTINATION_HZ,
    STRANGER_HZ,
    USER_HZ,
    Voice,
    assert_hears,
    assert_hears_tone,
    ear_of,
    mutual,
    voice_of,
)
from tests.scenarios.talk import PCMA, PCMU

pytestmark = [pytest.mark.peer, WITH_EACH_RELAY]

ON_HOLD_HZ = 425
# North America's ringing tone.
RINGBACK_HZ = 440
# RFC 3551 section 6: a codec that nobody offers.
G729 = 18
THIRD = 500


class Side(NamedTuple):
    """One of those who talk, and what it sounds like."""

    leg: Leg
    voice: Voice
    frequency_hz: int


async def ask(client: Client, call_id: str, waiting: str, third: int = THIRD) -> Shown:
    """Ask that this leg be transferred to a third."""
    return await client.act(call_id, "transfer", leg=waiting, destination_line=destination_number(third))


def names(shown: Shown) -> list[str]:
    return [event["name"] for event in shown["events"]]


@pytest.mark.parametrize("waiting", ["user", "destination"])
async def test_who_waits_hears_ringback_and_then_the_third_and_who_leaves_is_released(
    client: Client, user: Phone, destination: Phone, waiting: str
) -> None:
    with (
        voice_of(user, USER_HZ) as user_voice,
        voice_of(destination, DESTINATION_HZ) as destination_voice,
    ):
        call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
        sides = {
            "user": Side(user_leg, user_voice, USER_HZ),
            "destination": Side(destination_leg, destination_voice, DESTINATION_HZ),
        }
        stays = sides.pop(waiting)
        (leaves,) = sides.values()
        async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
            with voice_of(destination, STRANGER_HZ) as third_voice:
                assert (await ask(client, call_id, waiting))["status"] == 202
                third_leg = await destination.leg_to(destination_number(THIRD))
                third_leg.ring()
                await assert_hears_tone(stays.voice, RINGBACK_HZ)
                await assert_hears_tone(leaves.voice, ON_HOLD_HZ)
                third_leg.answer()
                await leaves.leg.heard("BYE")
                async with third_voice.speaking(ear_of(third_leg)):
                    # Who has left speaks on, and is heard by nobody.
                    await assert_hears(stays.voice, STRANGER_HZ)
                    await assert_hears(third_voice, stays.frequency_hz)
                third_leg.hang_up()

    shown = await client.finished(call_id)
    assert (shown["outcome"], shown["ended_by"]) == ("completed", "third")
    assert names(shown)[-4:] == ["transferring", "third_ringing", "transferred", "ended"]
    (third,) = shown["thirds"]
    assert (third["number"], third["outcome"]) == (f"+{destination_number(THIRD)}", "completed")
    assert third["talk_seconds"] > 0.0
    assert [await leg.settled() for leg in (user_leg, destination_leg, third_leg)] == [Ending.TALKED] * 3


@pytest.mark.parametrize("waiting", ["user", "destination"])
async def test_who_waits_hears_why_the_third_cannot_be_had_and_the_two_talk_on(
    client: Client, user: Phone, destination: Phone, waiting: str
) -> None:
    with (
        voice_of(user, USER_HZ) as user_voice,
        voice_of(destination, DESTINATION_HZ) as destination_voice,
    ):
        call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 2)
        async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
            await ask(client, call_id, waiting)
            third_leg = await destination.leg_to(destination_number(THIRD))
            third_leg.refuse(486)
            await client.reaches(call_id, "returning")
            listener = user_voice if waiting == "user" else destination_voice
            listener.forget_what_was_heard()
            # A phrase is spoken: no tone has most of it.
            spoken = decode_mu_law(b"".join(packet.payload for packet in await listener.hear(20)))
            loudness = 2 * sum(sample**2 for sample in spoken) / len(spoken) / FULL_SCALE**2
            assert loudness > 0.001
            assert max(power_at(spoken, tone) for tone in (USER_HZ, DESTINATION_HZ)) < loudness / 2
            await client.comes_to(call_id, "resumed")
            for voice in (user_voice, destination_voice):
                voice.forget_what_was_heard()
            await assert_hears(user_voice, DESTINATION_HZ)
            await assert_hears(destination_voice, USER_HZ)
        user_leg.hang_up()

    shown = await client.finished(call_id)
    assert names(shown)[-4:] == ["transferring", "transfer_failed", "resumed", "ended"]
    assert [third["outcome"] for third in shown["thirds"]] == ["destination_busy"]
    assert (shown["outcome"], shown["ended_by"]) == ("completed", "user")
    assert await third_leg.settled() is Ending.REFUSED


async def test_a_transfer_that_was_called_off_may_be_asked_for_again(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 3)
    await ask(client, call_id, "destination")
    first = await destination.leg_to(destination_number(THIRD))
    first.ring()
    assert (await client.act(call_id, "hangup", leg="third"))["status"] == 202
    assert await first.settled() is Ending.CANCELLED
    await client.comes_to(call_id, "resumed")

    await ask(client, call_id, "destination", THIRD + 1)
    second = await destination.leg_to(destination_number(THIRD + 1))
    # The user need not wait for it.
    user_leg.hang_up()
    await client.comes_to(call_id, "user_ended")
    second.answer()
    await second.heard("ACK")
    await client.comes_to(call_id, "transferred")
    destination_leg.hang_up()
    shown = await client.finished(call_id)
    assert (shown["outcome"], shown["ended_by"]) == ("completed", "destination")
    assert [await leg.settled() for leg in (user_leg, second)] == [Ending.TALKED] * 2


async def test_who_waits_for_nobody_any_more_hears_why_and_is_released(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 4)
    await ask(client, call_id, "destination")
    third_leg = await destination.leg_to(destination_number(THIRD))
    user_leg.hang_up()
    await client.comes_to(call_id, "user_ended")
    third_leg.refuse(486)
    await destination_leg.heard("BYE")

    shown = await client.finished(call_id)
    assert (shown["outcome"], shown["ended_by"]) == ("completed", "user")
    assert names(shown)[-3:] == ["user_ended", "transfer_failed", "ended"]


async def test_nobody_is_left_on_the_line_when_the_one_who_waits_hangs_up(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 5)
    await ask(client, call_id, "destination")
    third_leg = await destination.leg_to(destination_number(THIRD))
    third_leg.ring()
    await client.comes_to(call_id, "third_ringing")
    destination_leg.hang_up()

    assert await third_leg.settled() is Ending.CANCELLED
    assert await user_leg.settled() is Ending.TALKED
    assert (await client.finished(call_id))["ended_by"] == "destination"


async def test_who_waits_is_told_when_the_third_takes_fewer_codecs(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(7, 7)
    user_leg = await user.leg_to(user_number(7))
    user_leg.payload_types = (PCMU, PCMA)
    user_leg.answer()
    destination_leg = await destination.leg_to(destination_number(7))
    destination_leg.payload_types = (PCMU, PCMA)
    destination_leg.answer()
    await client.reaches(call_id, "connected")
    await ask(client, call_id, "destination")
    third_leg = await destination.leg_to(destination_number(THIRD))
    third_leg.payload_types = (PCMA,)
    third_leg.answer()

    offered = await destination_leg.heard("INVITE", count=2)
    assert b"RTP/AVP 8 " in offered.body
    assert b"RTP/AVP 0 8 " in third_leg.invite.body
    await destination_leg.heard("ACK", count=2)
    third_leg.hang_up()
    await client.finished(call_id)
    assert await user_leg.settled() is Ending.TALKED


async def test_a_third_with_whom_there_can_be_no_talk_is_released_and_the_two_talk_on(
    client: Client, user: Phone, destination: Phone
) -> None:
    with (
        voice_of(user, USER_HZ) as user_voice,
        voice_of(destination, DESTINATION_HZ) as destination_voice,
    ):
        call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 8)
        async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
            await ask(client, call_id, "destination")
            third_leg = await destination.leg_to(destination_number(THIRD))
            third_leg.payload_types = (G729,)
            third_leg.answer()
            await third_leg.heard("BYE")
            await client.comes_to(call_id, "resumed")
            for voice in (user_voice, destination_voice):
                voice.forget_what_was_heard()
            await assert_hears(user_voice, DESTINATION_HZ)
            await assert_hears(destination_voice, USER_HZ)
        user_leg.hang_up()

    shown = await client.finished(call_id)
    assert names(shown)[-4:] == ["transferring", "transfer_failed", "resumed", "ended"]


async def test_a_third_is_refused_like_a_destination(client: Client, user: Phone, destination: Phone) -> None:
    call_id, user_leg, _ = await talk.connect(client, user, destination, 6)
    for number, code in (
        ("911", "emergency_number"),
        ("+44 20 7946 0958", "destination_not_allowed"),
        (destination_number(6), "already_in_call"),
        ("x", "invalid_number"),
    ):
        refused = await client.act(call_id, "transfer", destination_line=number)
        assert (refused["status"], refused["code"]) == (422, code)
    assert (await client.call(call_id))["state"] == "connected"
    user_leg.hang_up()
    await client.finished(call_id)
    refused = await client.act(call_id, "transfer", destination_line=destination_number(THIRD))
    assert (refused["status"], refused["code"]) == (409, "wrong_state")
