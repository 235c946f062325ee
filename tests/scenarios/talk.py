"""The first steps that most scenarios share: place a call, and bring it to the stage the scenario is about."""

import asyncio

from tests.peers.client import Client
from tests.peers.phone import Leg, Phone
from tests.peers.server import destination_number, user_number


async def ring_destination(
    client: Client, user: Phone, destination: Phone, index: int
) -> tuple[str, Leg, Leg]:
    """A call whose user has answered and whose destination rings: its id and both legs."""
    call_id, user_leg, destination_leg = await dial_destination(client, user, destination, index)
    destination_leg.ring()
    return call_id, user_leg, destination_leg


async def dial_destination(
    client: Client, user: Phone, destination: Phone, index: int
) -> tuple[str, Leg, Leg]:
    """A call whose user has answered and whose destination has its INVITE, unanswered yet."""
    call_id = await client.place(index, index)
    user_leg = await user.leg_to(user_number(index))
    user_leg.answer()
    return call_id, user_leg, await destination.leg_to(destination_number(index))


async def connect(client: Client, user: Phone, destination: Phone, index: int) -> tuple[str, Leg, Leg]:
    """A call whose two sides are joined: both 200s acknowledged, and the API says so."""
    call_id, user_leg, destination_leg = await ring_destination(client, user, destination, index)
    destination_leg.answer()
    await asyncio.gather(user_leg.heard("ACK"), destination_leg.heard("ACK"))
    await client.reaches(call_id, "connected")
    return call_id, user_leg, destination_leg


def released_apart(first: Leg, second: Leg) -> float:
    """Seconds between the release of the two legs; both must have been released."""
    assert first.released_at is not None, f"never released: {first}"
    assert second.released_at is not None, f"never released: {second}"
    return abs(first.released_at - second.released_at)
