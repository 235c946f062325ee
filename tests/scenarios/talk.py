"""The first steps that most scenarios share: place a call, and bring it to the stage the scenario is about."""

import asyncio

from tests.peers.client import Client
from tests.peers.phone import Leg, Phone
from tests.peers.server import destination_number, user_number
from tests.peers.tool import poll

# RFC 3551 section 6.
PCMU, PCMA = 0, 8


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


async def connect_with_unlike_codecs(
    client: Client, user: Phone, destination: Phone, index: int, *, mute: set[str] | None = None
) -> tuple[str, Leg, Leg]:
    """A joined call whose user takes PCMU before PCMA and whose destination takes PCMA only: ours to settle by a re-INVITE."""
    call_id = await client.place(index, index)
    user_leg = await user.leg_to(user_number(index))
    user_leg.payload_types = (PCMU, PCMA)
    user_leg.unanswered |= mute or set()
    user_leg.answer()
    destination_leg = await destination.leg_to(destination_number(index))
    destination_leg.payload_types = (PCMA,)
    destination_leg.answer()
    return call_id, user_leg, destination_leg


async def all_answered(leg: Leg, method: str) -> None:
    """Return once each request of this method that the phone has sent has its final answer."""
    sent = {line.message.cseq for line in leg.ladder if line.sent and line.message.kind == method}

    async def unanswered() -> set[tuple[int, str]]:
        heard = [line.message for line in leg.ladder if not line.sent]
        return sent - {message.cseq for message in heard if (message.status or 0) >= 200}

    await poll(unanswered, lambda left: not left, f"an answer to each {method} of {leg}")


def released_apart(first: Leg, second: Leg) -> float:
    """Seconds between the release of the two legs; both must have been released."""
    assert first.released_at is not None, f"never released: {first}"
    assert second.released_at is not None, f"never released: {second}"
    return abs(first.released_at - second.released_at)
