"""Offers in the middle of a call: hold and resume from either side, at any stage, and offers that cross.

RFC 3261 section 14 (491 and who waits how long), RFC 3311 (UPDATE), RFC 3264 section 8.4 (hold).
"""

import pytest

from tests.peers import wire
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.scenarios import talk

pytestmark = pytest.mark.peer


async def end(client: Client, call_id: str, user_leg: Leg, destination_leg: Leg) -> None:
    """The user hangs up, and both legs and the call are over as they should be."""
    user_leg.hang_up()
    assert (await client.finished(call_id))["outcome"] == "completed"
    assert await user_leg.settled() == Ending.TALKED
    assert await destination_leg.settled() == Ending.TALKED


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_an_offer_while_the_prompt_plays_is_answered_and_the_call_is_still_joined(
    client: Client, user: Phone, destination: Phone, method: str
) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 1)
    await user_leg.heard("ACK")
    user_leg.offer("sendonly", method=method)
    held = await user_leg.heard(f"200 {method}")
    user_leg.offer("sendrecv", method=method)
    resumed = await user_leg.heard(f"200 {method}", count=2)

    assert wire.direction_of(held.body) in ("recvonly", "inactive")
    assert wire.direction_of(resumed.body) == "sendrecv"

    destination_leg.answer()
    await client.reaches(call_id, "connected")
    await end(client, call_id, user_leg, destination_leg)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("side", ["user", "destination"])
async def test_either_side_can_hold_and_resume_a_joined_call(
    client: Client, user: Phone, destination: Phone, side: str, method: str
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 2)
    holder = user_leg if side == "user" else destination_leg
    for count, direction in enumerate(["sendonly", "sendrecv", "inactive", "sendrecv"], start=1):
        holder.offer(direction, method=method)
        await holder.heard(f"200 {method}", count=count)

    answers = [
        line.message for line in holder.ladder if not line.sent and line.message.kind == f"200 {method}"
    ]
    directions = [wire.direction_of(answer.body) for answer in answers]
    assert directions[0] in ("recvonly", "inactive")
    assert directions[1:] == ["sendrecv", "inactive", "sendrecv"]
    await end(client, call_id, user_leg, destination_leg)


async def test_the_user_is_offered_the_one_codec_that_the_destination_took(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect_with_unlike_codecs(client, user, destination, 3)
    ours = await user_leg.heard("INVITE", count=2)
    await user_leg.heard("ACK", count=2)

    assert wire.payload_types_of(ours.body)[0] == talk.PCMA
    assert talk.PCMU not in wire.payload_types_of(ours.body)
    await end(client, call_id, user_leg, destination_leg)
    assert (user_leg.count("INVITE"), destination_leg.count("INVITE")) == (2, 1)


async def test_offers_that_cross_are_both_refused_and_ours_is_made_again(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect_with_unlike_codecs(
        client, user, destination, 4, mute={"INVITE"}
    )
    ours = await user_leg.heard("INVITE", count=2)
    user_leg.offer()
    await user_leg.heard("491 INVITE")
    user_leg.unanswered.clear()
    user_leg.respond(ours, 491)
    refused_at = user_leg.ladder[-1].at
    again = await user_leg.heard("INVITE", count=3)
    pause_seconds = user_leg.ladder[-1].at - refused_at

    # The owner of the Call-ID waits 2.1 to 4 s (14.1).
    assert 2.0 < pause_seconds < 15.0
    assert wire.payload_types_of(again.body)[0] == talk.PCMA
    await end(client, call_id, user_leg, destination_leg)
