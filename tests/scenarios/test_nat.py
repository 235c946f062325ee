"""Phones behind a NAT: their descriptions name an address where nobody is."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.peers.client import Client
from tests.peers.phone import Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import LOOPBACK
from tests.peers.voice import Conversation
from tests.scenarios.relays import RELAYS, serving_with

pytestmark = pytest.mark.peer

BEHIND_NAT, PINNED = 9101, 9102
"""Lines that are made for these tests."""

NOBODY = "127.0.0.9"


@pytest.fixture(scope="module", params=RELAYS)
def server(
    request: pytest.FixtureRequest, deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    for line, words in ((BEHIND_NAT, ("--nat",)), (PINNED, ())):
        number = user_number(line)
        uri = f"sip:{number}@{LOOPBACK}:{own.user_port}"
        added = ("--account", own.account_id, "--number", f"+{number}", "--uri", uri)
        ringbridge(own.data_dir, "line", "add", *added, *words)
    with serving_with(request.param, own) as running:
        yield running


@dataclass
class Legs:
    """Both legs of a call."""

    user: Leg
    destination: Leg


async def connect(client: Client, user: Phone, destination: Phone, line: int) -> tuple[str, Legs]:
    """A joined call whose user's phone says that it is where nobody is."""
    call_id = await client.place(line, line)
    user_leg = await user.leg_to(user_number(line))
    user_leg.answer(user_leg.session().replace(LOOPBACK.encode(), NOBODY.encode()))
    destination_leg = await destination.leg_to(destination_number(line))
    destination_leg.answer()
    await client.reaches(call_id, "connected")
    return call_id, Legs(user_leg, destination_leg)


async def test_a_phone_behind_a_nat_is_heard_and_hears_only_on_a_line_that_says_so(
    client: Client, user: Phone, destination: Phone
) -> None:
    learned_id, learned = await connect(client, user, destination, BEHIND_NAT)
    pinned_id, pinned = await connect(client, user, destination, PINNED)
    async with Conversation.between(
        learned.user, learned.destination, pinned.user, pinned.destination
    ) as conversation:
        await conversation.is_mutual(learned.user, learned.destination)
        with pytest.raises(AssertionError, match="not heard"):
            await conversation.is_mutual(pinned.user, pinned.destination, seconds=1.0)
        await conversation.is_mutual(learned.user, learned.destination)
    for call_id, legs in ((learned_id, learned), (pinned_id, pinned)):
        legs.user.hang_up()
        assert (await client.finished(call_id))["outcome"] == "completed"
