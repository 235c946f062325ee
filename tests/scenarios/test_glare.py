"""Everybody offers at once: the server, the user and the destination, in a hundred calls. Nobody loses the call.

RFC 3261 section 14.1: both are refused with 491, the server tries again after 2.1 to 4 s and the phone after 0 to 2 s.
Row B6 of docs/reliability.md.
"""

import asyncio
import random

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.voice import Conversation
from tests.scenarios import talk

pytestmark = pytest.mark.peer

CALLS = 100
# Of the machine's own time; the server's pause is 4 s at most.
SPARE_SECONDS = 20.0


async def test_all_calls_survive_offers_of_all_three_at_once(
    client: Client, user: Phone, destination: Phone
) -> None:
    loop = asyncio.get_running_loop()
    pauses = random.Random(6)

    async def one(index: int, pause_seconds: float, conversation: Conversation) -> float:
        call_id, user_leg, destination_leg = await talk.connect_with_unlike_codecs(
            client, user, destination, index, mute={"INVITE"}
        )
        ours = await user_leg.heard("INVITE", count=2)
        user_leg.offer()
        destination_leg.offer()
        user_leg.respond(ours, 491)
        met_at = loop.time()
        user_leg.unanswered.clear()
        await user_leg.heard("491 INVITE")
        await destination_leg.heard("200 INVITE")
        loop.call_later(pause_seconds, user_leg.offer)
        # The server's second try is over by then, or is the one that this one met.
        await user_leg.heard("INVITE", count=3)
        await user_leg.heard("ACK", count=3)
        conversation.join((user_leg, destination_leg))
        await conversation.is_mutual(user_leg, destination_leg)
        heard_at = loop.time()
        user_leg.hang_up()
        assert (await client.finished(call_id))["outcome"] == "completed"
        assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.TALKED)
        return heard_at - met_at

    async with Conversation.between() as conversation:
        runs = (one(index, pauses.uniform(0, 2), conversation) for index in range(CALLS))
        seconds = await asyncio.gather(*runs)

    assert max(seconds) < 4.0 + SPARE_SECONDS, sorted(seconds)[-10:]
