"""Damaged answers to an offer of ours, five hundred of them: the call outlives them, or ends, and nothing is left.

What cannot be read is dropped (RFC 3261 section 18.3); the offer is then answered by what follows, or by nobody. Row B11 of
docs/reliability.md.
"""

import asyncio

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.voice import Conversation
from tests.scenarios import spoiled, talk

pytestmark = pytest.mark.peer

CALLS = 50


async def test_a_call_outlives_the_damaged_answers_to_its_offer(
    client: Client, user: Phone, destination: Phone
) -> None:
    async def one(index: int, conversation: Conversation) -> None:
        call_id, user_leg, destination_leg = await talk.connect_with_unlike_codecs(
            client, user, destination, index, mute={"INVITE"}
        )
        ours = await user_leg.heard("INVITE", count=2)
        spoiled.answer(user_leg, ours)
        if index % 2:
            user_leg.respond(ours, 200, body=user_leg.session())
        else:
            user_leg.respond(ours, 488)
        await user_leg.heard("ACK", count=2)
        conversation.join((user_leg, destination_leg))
        await conversation.is_mutual(user_leg, destination_leg)
        destination_leg.hang_up()
        assert (await client.finished(call_id))["outcome"] == "completed"
        assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.TALKED)
        assert user_leg.count("ACK") == 2, "a damaged answer was taken for one"

    async with Conversation.between() as conversation:
        await asyncio.gather(*(one(index, conversation) for index in range(CALLS)))
