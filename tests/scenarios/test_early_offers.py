"""Holds, resumes and refreshes before the two are joined, in fifty calls at once: each is answered, and all are joined.

RFC 3261 section 14.2, RFC 3311 section 5.2, RFC 4028 section 9; row B14 of docs/reliability.md.
"""

import asyncio

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import destination_number, user_number
from tests.peers.voice import Conversation
from tests.peers.wire import direction_of

pytestmark = pytest.mark.peer

CALLS = 50
# In one call the destination answers while the user's last offer is on its way, in the next one after it.
STAGES = ["destination dialled", "destination rings", "destination answers"]


async def hold_and_resume(leg: Leg, method: str) -> None:
    """Hold, ask for nothing but the time to go on, and resume."""
    leg.offer("sendonly", method=method)
    held = await leg.heard(f"200 {method}")
    refreshes = leg.count("200 UPDATE") + 1
    leg.request("UPDATE")
    await leg.heard("200 UPDATE", count=refreshes)
    leg.offer("sendrecv", method=method)
    resumed = await leg.heard(f"200 {method}", count=3 if method == "UPDATE" else 2)
    assert direction_of(held.body) in ("recvonly", "inactive")
    assert direction_of(resumed.body) == "sendrecv"


async def test_every_call_is_joined_whatever_its_user_offers_before(
    client: Client, user: Phone, destination: Phone
) -> None:
    async def one(index: int, conversation: Conversation) -> None:
        method, stage = ("INVITE", "UPDATE")[index % 2], STAGES[index % len(STAGES)]
        call_id = await client.place(index, index)
        user_leg = await user.leg_to(user_number(index))
        user_leg.answer()
        await user_leg.heard("ACK")
        destination_leg = await destination.leg_to(destination_number(index))
        if stage == "destination answers":
            offering = asyncio.create_task(hold_and_resume(user_leg, method))
            destination_leg.answer()
            await offering
        elif stage == "destination rings":
            destination_leg.ring()
            await client.reaches(call_id, "ringing_destination")
            await hold_and_resume(user_leg, method)
            destination_leg.answer()
        else:
            await hold_and_resume(user_leg, method)
            destination_leg.ring()
            destination_leg.answer()
        await client.reaches(call_id, "connected")
        conversation.join((user_leg, destination_leg))
        await conversation.is_mutual(user_leg, destination_leg)
        user_leg.hang_up()
        assert (await client.finished(call_id))["outcome"] == "completed"
        assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.TALKED)

    async with Conversation.between() as conversation:
        await asyncio.gather(*(one(index, conversation) for index in range(CALLS)))
