"""A trunk that rings several phones for one INVITE: each is a dialog of its own (RFC 3261 sections 12.1 and 13.2.2.4)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.voice import Conversation
from tests.scenarios import talk

pytestmark = pytest.mark.peer

# A fork that nobody ended would be up for as long as its phone likes.
FREED_WITHIN_SECONDS = 20.0


@pytest.fixture
async def others() -> AsyncIterator[list[Phone]]:
    """Phones that the trunk rings besides; the server knows nothing of them."""
    async with AsyncExitStack() as phones:
        yield [await phones.enter_async_context(Phone.listening(0)) for _ in range(2)]


def forks(leg: Leg, others: list[Phone]) -> list[Leg]:
    """The leg, and those of the other phones that the same INVITE has come to."""
    for phone in others:
        phone.take(leg.invite, leg.peer)
    return [leg, *(phone.legs[0] for phone in others)]


@pytest.mark.parametrize("answering", [0, 1, 2])
async def test_of_phones_that_send_early_media_the_one_that_answers_is_talked_to(
    client: Client, user: Phone, destination: Phone, others: list[Phone], answering: int
) -> None:
    call_id, user_leg, leg = await talk.dial_destination(client, user, destination, answering)
    legs = forks(leg, others)
    for one in legs:
        one.respond(one.invite, 183, body=one.session())
    await client.reaches(call_id, "ringing_destination")
    answered = legs[answering]
    answered.answer()
    await client.reaches(call_id, "connected")
    async with Conversation.between(user_leg) as conversation:
        conversation.join([answered])
        await conversation.is_mutual(user_leg, answered)
    user_leg.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert await answered.settled() == Ending.TALKED
    assert {one.ending for one in legs if one is not answered} == {Ending.RINGING}


async def test_of_phones_that_all_answer_one_is_kept_and_the_others_are_released(
    client: Client, user: Phone, destination: Phone, others: list[Phone]
) -> None:
    call_id, user_leg, leg = await talk.dial_destination(client, user, destination, 4)
    legs = forks(leg, others)
    for one in legs:
        one.answer()
    await asyncio.gather(*(one.heard("ACK") for one in legs))
    await client.reaches(call_id, "connected")
    loop = asyncio.get_running_loop()
    seconds_left = FREED_WITHIN_SECONDS - (loop.time() - leg.ladder[0].at)
    kept, *released = legs
    await asyncio.gather(*(one.heard("BYE", seconds=seconds_left) for one in released))
    async with Conversation.between(user_leg, kept) as conversation:
        await conversation.is_mutual(user_leg, kept)
    assert kept.count("BYE") == 0
    user_leg.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert await kept.settled() == Ending.TALKED
    assert [(one.ending, one.count("BYE")) for one in released] == [(Ending.TALKED, 1)] * 2
