"""A trunk that wants the caller's number asserted, and withheld from whoever is called."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import LOOPBACK


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose trunk for American numbers has wishes; the other one, for all, is there already."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    uri = f"sip:{LOOPBACK}:{own.trunk_port}"
    wishes = (
        "--caller-id",
        "anonymous",
        "--number-format",
        "e164",
        "--number-prefix",
        "99#",
        "--prefix",
        "+1",
    )
    ringbridge(own.data_dir, "trunk", "add", "--name", "discreet", "--uri", uri, *wishes)
    with Server.running(own) as running:
        yield running


async def test_the_trunk_s_wishes_are_on_the_wire(client: Client, user: Phone, destination: Phone) -> None:
    call_id = await client.place(1, 1)
    user_leg = await user.leg_to(user_number(1))
    user_leg.answer()
    leg = await destination.leg_to(f"99%23{destination_number(1)}")
    leg.answer()
    await asyncio.gather(leg.heard("ACK"), client.reaches(call_id, "connected"))
    leg.hang_up()
    shown = await client.finished(call_id)

    assert leg.invite.first("From").startswith('"Anonymous" <sip:anonymous@anonymous.invalid>')
    assert leg.invite.first("P-Asserted-Identity") == f"<sip:{user_number(1)}@{LOOPBACK}>"
    assert leg.invite.first("Privacy") == "id"
    assert user_number(1) not in leg.invite.first("Contact")
    assert (shown["user"]["trunk"], shown["destination"]["trunk"]) == (None, "discreet")


async def test_our_own_phone_sees_whom_it_will_talk_to(client: Client, user: Phone) -> None:
    call_id = await client.place(2, 2)
    leg = await user.leg_to(user_number(2))
    leg.refuse(486)
    await client.finished(call_id)

    assert f"+{destination_number(2)}" in leg.invite.first("From")
    assert leg.invite.all("P-Asserted-Identity") == []
