"""Answers that make no call: without a description, with a damaged one, or with nothing in it that can be heard.

Whoever answers so is acknowledged and released, and the call ends for a reason that says so (RFC 3261 section 13.2.2.4).
Row B10 of docs/reliability.md.
"""

import asyncio

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import destination_number, user_number
from tests.peers.voice import Conversation
from tests.scenarios import talk

pytestmark = pytest.mark.peer

# Of the machine's own time: the reason is spoken in less than a second, and the release before it waits for nobody.
RELEASE_SECONDS = 15.0
MOST_OFFERS = 2

_HEAD = "v=0\r\no=test 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
UNUSABLE = {
    "nothing": "",
    "no description": "v=0\r\nhello\r\n",
    "not even text": "\0\ufffd" * 40,
    "no media": _HEAD,
    "no address": "v=0\r\no=test 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
    "a refused stream": f"{_HEAD}m=audio 0 RTP/AVP 0\r\n",
    "no codec of ours": f"{_HEAD}m=audio 9 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n",
    "key presses only": f"{_HEAD}m=audio 9 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
    "a hundred films": _HEAD + "m=video 9 RTP/AVP 31\r\n" * 100,
}


@pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE)
async def test_an_unusable_answer_of_the_destination_ends_the_call(
    client: Client, user: Phone, destination: Phone, body: str
) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 1)
    destination_leg.answer(body.encode())
    answered_at = asyncio.get_running_loop().time()
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["cause"]) == ("destination_unreachable", "incompatible_media")
    for leg in (user_leg, destination_leg):
        assert await leg.settled() == Ending.TALKED
        assert leg.released_at is not None
        assert leg.released_at - answered_at < RELEASE_SECONDS
        assert (leg.count("INVITE"), leg.count("BYE")) == (1, 1)


@pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE)
async def test_an_unusable_answer_of_the_user_ends_the_call_and_nobody_else_is_dialled(
    client: Client, user: Phone, destination: Phone, body: str
) -> None:
    call_id = await client.place(2, 2)
    leg = await user.leg_to(user_number(2))
    leg.answer(body.encode())
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["cause"]) == ("user_unreachable", "incompatible_media")
    assert await leg.settled() == Ending.TALKED
    assert (leg.count("INVITE"), leg.count("BYE")) == (1, 1)
    assert destination.legs == []


async def test_audio_among_other_streams_is_found(client: Client, user: Phone, destination: Phone) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 3)
    head, line, audio = destination_leg.session().decode().partition("m=audio")
    destination_leg.answer((head + "m=video 0 RTP/AVP 31\r\n" * 8 + line + audio).encode())

    await assert_heard_and_end(client, call_id, user_leg, destination_leg)


async def test_a_phone_that_answers_on_hold_is_heard_once_it_has_resumed(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 4)
    # As RFC 2543 held a call.
    destination_leg.answer(destination_leg.session().replace(b"c=IN IP4 127.0.0.1", b"c=IN IP4 0.0.0.0"))
    await client.reaches(call_id, "connected")
    destination_leg.offer("sendrecv")
    await destination_leg.heard("200 INVITE")

    await assert_heard_and_end(client, call_id, user_leg, destination_leg)


async def test_a_phone_that_changes_its_mind_with_every_answer_is_not_asked_for_ever(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(5, 5)
    user_leg = await user.leg_to(user_number(5))
    user_leg.payload_types = (talk.PCMU, talk.PCMA)
    user_leg.answer()
    destination_leg = await destination.leg_to(destination_number(5))
    destination_leg.payload_types = (talk.PCMA,)
    user_leg.payload_types = (talk.PCMU,)
    destination_leg.answer()
    await client.reaches(call_id, "connected")
    for codec in (talk.PCMA, talk.PCMU, talk.PCMA):
        user_leg.payload_types = (codec,)
        user_leg.offer()
        await talk.all_answered(user_leg, "INVITE")
    user_leg.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert await destination_leg.settled() == Ending.TALKED
    offers = [leg.count("INVITE") - 1 for leg in (user_leg, destination_leg)]
    assert max(offers) <= MOST_OFFERS, f"{user_leg}\n{destination_leg}"


async def assert_heard_and_end(client: Client, call_id: str, user_leg: Leg, destination_leg: Leg) -> None:
    """The two are joined and hear each other; then the user hangs up."""
    await client.reaches(call_id, "connected")
    async with Conversation.between(user_leg, destination_leg) as conversation:
        await conversation.is_mutual(user_leg, destination_leg)
    user_leg.hang_up()
    assert (await client.finished(call_id))["outcome"] == "completed"
    assert await destination_leg.settled() == Ending.TALKED
