"""Lost packets: whatever is lost once or twice is repeated by somebody, and the call is made and ended all the same.

RFC 3261 sections 17.1 (requests), 13.3.1.4 (answers to INVITE) and 13.2.2.4 (ACK for every repeated answer). All patterns
run at once, each on a call of its own, because every loss costs half a second and more.
"""

import asyncio
from typing import Any, NamedTuple

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.relay import LossyRelay
from tests.peers.server import Server, destination_number, user_number

pytestmark = pytest.mark.peer

PATTERNS: list[tuple[str, ...]] = [
    ("INVITE",),
    ("INVITE", "INVITE"),
    ("180 INVITE",),
    ("200 INVITE",),
    ("200 INVITE", "200 INVITE"),
    ("ACK",),
    ("ACK", "ACK"),
    ("BYE",),
    ("BYE", "BYE"),
    ("200 BYE",),
    ("INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"),
]


class Outcome(NamedTuple):
    """What became of one call, and what the relay had not yet lost."""

    shown: dict[str, Any]
    user: Leg
    destination: Leg
    not_lost: list[str]


@pytest.fixture(scope="module")
def losses_before_user(server: Server) -> dict[tuple[str, ...], Outcome]:
    """A call for every pattern, lost between the server and the user's phone."""
    return asyncio.run(_call_through_losses(server, near_user=True))


@pytest.fixture(scope="module")
def losses_before_destination(server: Server) -> dict[tuple[str, ...], Outcome]:
    """A call for every pattern, lost between the server and the destination's phone."""
    return asyncio.run(_call_through_losses(server, near_user=False))


@pytest.mark.parametrize("pattern", PATTERNS, ids="+".join)
def test_a_call_survives_losses_before_the_user(
    losses_before_user: dict[tuple[str, ...], Outcome], pattern: tuple[str, ...]
) -> None:
    _assert_survived(losses_before_user[pattern])


@pytest.mark.parametrize("pattern", PATTERNS, ids="+".join)
def test_a_call_survives_losses_before_the_destination(
    losses_before_destination: dict[tuple[str, ...], Outcome], pattern: tuple[str, ...]
) -> None:
    _assert_survived(losses_before_destination[pattern])


def _assert_survived(outcome: Outcome) -> None:
    assert outcome.not_lost == []
    assert outcome.shown["outcome"] == "completed"
    assert (outcome.user.ending, outcome.destination.ending) == (Ending.TALKED, Ending.TALKED)


async def _call_through_losses(server: Server, *, near_user: bool) -> dict[tuple[str, ...], Outcome]:
    deployment = server.deployment
    number_of = user_number if near_user else destination_number
    lossy_port = deployment.user_port if near_user else deployment.trunk_port
    clear_port = deployment.trunk_port if near_user else deployment.user_port
    async with (
        Client.of(server) as client,
        Phone.listening(0, behind=lossy_port) as lossy,
        Phone.listening(clear_port) as clear,
        LossyRelay.between(
            lossy_port, lossy.port, lose={number_of(index): kinds for index, kinds in enumerate(PATTERNS)}
        ) as relay,
    ):
        user, destination = (lossy, clear) if near_user else (clear, lossy)

        async def one(index: int) -> Outcome:
            # The phone behind the losses is the one that hangs up, and is hung up on in the other half of the calls.
            call_id = await client.place(index, index)
            user_leg = await user.leg_to(user_number(index))
            user_leg.ring()
            user_leg.answer()
            destination_leg = await destination.leg_to(destination_number(index))
            destination_leg.ring()
            destination_leg.answer()
            await asyncio.gather(user_leg.heard("ACK"), destination_leg.heard("ACK"))
            (user_leg if index % 2 else destination_leg).hang_up()
            shown = await client.finished(call_id)
            await asyncio.gather(user_leg.settled(), destination_leg.settled())
            return Outcome(shown, user_leg, destination_leg, relay.to_lose[number_of(index)])

        outcomes = await asyncio.gather(*(one(index) for index in range(len(PATTERNS))))
    return dict(zip(PATTERNS, outcomes, strict=True))
