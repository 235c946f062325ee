"""Phones that have no codec in common, with a relay that transcodes and with one that does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import wire
from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.scenarios import talk
from tests.scenarios.audio import (
    destinations_baresip,
    talk_and_compare,
    users_baresip,
)
from tests.scenarios.relays import serving_with

pytestmark = pytest.mark.peer

G722 = 9


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    with serving_with("rtpengine", own) as running:
        yield running


@pytest.mark.parametrize("codec", ["PCMU/8000/1", "G722/16000/1"])
async def test_they_hear_each_other(server: Server, client: Client, tmp_path: Path, codec: str) -> None:
    await talk_and_compare(
        client,
        users_baresip(server.deployment, tmp_path, codec="PCMA/8000/1"),
        destinations_baresip(server.deployment, tmp_path, codec=codec),
    )


async def test_the_destination_may_have_what_the_user_has_not_and_nobody_is_asked_again(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(2, 2)
    user_leg = await user.leg_to(user_number(2))
    user_leg.payload_types = (talk.PCMA,)
    user_leg.answer()
    destination_leg = await destination.leg_to(destination_number(2))
    assert wire.payload_types_of(destination_leg.invite.body) == [talk.PCMA, 101, talk.PCMU, G722]
    destination_leg.payload_types = (G722,)
    destination_leg.answer()
    await client.reaches(call_id, "connected")
    user_leg.payload_types = (talk.PCMU,)
    user_leg.offer()
    answered = await user_leg.heard("200 INVITE")
    user_leg.acknowledge(answered)
    assert wire.payload_types_of(answered.body) == [talk.PCMU, 101]

    user_leg.hang_up()
    assert (await client.finished(call_id))["outcome"] == "completed"
    assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.TALKED)
    assert (user_leg.count("INVITE"), destination_leg.count("INVITE")) == (1, 1)
