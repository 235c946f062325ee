"""Calls over TCP, and what becomes of them when connections break."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.peers import wire
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg
from tests.peers.server import Deployment, Server, user_number
from tests.peers.stream_phone import StreamPhone
from tests.peers.wire import SipMessage
from tests.scenarios import talk
from tests.scenarios.audio import (
    destinations_baresip,
    talk_and_compare,
    users_baresip,
)

pytestmark = pytest.mark.peer

LINES = 10


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Lines and a trunk that are reached over TCP; the trunk asks for credentials."""
    return Deployment.provision(
        tmp_path_factory.mktemp("deployment") / "data",
        lines=LINES,
        transport="tcp",
        trunk_words=("--username", "carrier-user", "--password", "carrier-secret"),
    )


@pytest.fixture
async def user(server: Server) -> AsyncIterator[StreamPhone]:
    """The phone that every user's line rings at."""
    async with StreamPhone.listening_for_connections(server.deployment.user_port) as phone:
        yield phone


@pytest.fixture
async def destination(server: Server) -> AsyncIterator[StreamPhone]:
    """The far end of the trunk."""
    async with StreamPhone.listening_for_connections(server.deployment.trunk_port) as phone:
        yield phone


@pytest.mark.parametrize("user_hangs_up", [True, False])
async def test_a_call_over_tcp_is_like_any_other(
    server: Server, client: Client, user: StreamPhone, destination: StreamPhone, user_hangs_up: bool
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
    (user_leg if user_hangs_up else destination_leg).hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.TALKED)
    assert (user.accepted, destination.accepted) == (1, 1)
    via = destination_leg.invite.first("Via")
    assert via.startswith(f"SIP/2.0/TCP 127.0.0.1:{server.sip_port};")


async def test_many_calls_share_one_connection(
    client: Client, user: StreamPhone, destination: StreamPhone
) -> None:
    calls = await asyncio.gather(*(talk.connect(client, user, destination, index) for index in range(10)))
    for _, _, destination_leg in calls:
        destination_leg.hang_up()
    for call_id, user_leg, _ in calls:
        assert (await client.finished(call_id))["outcome"] == "completed"
        assert await user_leg.settled() is Ending.TALKED

    assert (user.accepted, destination.accepted) == (1, 1)


@pytest.mark.parametrize("breaks", ["reset", "vanish"])
async def test_a_bye_goes_over_a_new_connection_when_the_old_one_broke_in_mid_call(
    client: Client, user: StreamPhone, destination: StreamPhone, breaks: str
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 2)
    await (destination.reset() if breaks == "reset" else destination.vanish())
    user_leg.hang_up()
    await destination_leg.heard("BYE")

    assert await destination_leg.settled() is Ending.TALKED
    assert (await client.finished(call_id))["outcome"] == "completed"
    assert destination.accepted == 2


async def test_a_ringing_call_is_cancelled_over_a_new_connection(
    client: Client, user: StreamPhone, destination: StreamPhone
) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 3)
    await destination.reset()
    user_leg.hang_up()
    await destination_leg.heard("CANCEL")

    assert await destination_leg.settled() is Ending.CANCELLED
    assert (await client.finished(call_id))["outcome"] == "user_hung_up"


async def test_a_phone_that_is_switched_off_is_unreachable_at_once(client: Client) -> None:
    call_id = await client.place(4, 4)

    assert (await client.finished(call_id, seconds=20.0))["outcome"] == "user_unreachable"


def challenge(leg: Leg, request: SipMessage) -> None:
    """Ask for the trunk's credentials."""
    field = ("WWW-Authenticate", 'Digest realm="carrier", nonce="n1", qop="auth"')
    leg.phone.send(wire.response(request, 401, to_tag=leg.tag, headers=[field]), leg.peer)


def credentials_sent_to(leg: Leg) -> list[str]:
    """The requests with credentials that a phone has heard."""
    return [
        line.message.kind
        for line in leg.ladder
        if line.message.all("Authorization") or line.message.all("Proxy-Authorization")
    ]


async def test_a_phone_that_challenges_in_the_trunks_name_gets_no_credentials(
    client: Client, user: StreamPhone
) -> None:
    call_id = await client.place(5, 5)
    user_leg = await user.leg_to(user_number(5))
    challenge(user_leg, user_leg.invite)
    await user_leg.heard("ACK")

    assert (await client.finished(call_id))["outcome"] != "completed"
    assert (user_leg.count("INVITE"), credentials_sent_to(user_leg)) == (1, [])


async def test_only_the_trunk_gets_its_credentials(
    client: Client, user: StreamPhone, destination: StreamPhone
) -> None:
    call_id, user_leg, destination_leg = await talk.dial_destination(client, user, destination, 6)
    user_leg.unanswered.add("BYE")
    challenge(destination_leg, destination_leg.invite)
    await destination_leg.heard("INVITE", count=2)
    await client.reaches(call_id, "connected")
    destination_leg.hang_up()
    challenge(user_leg, await user_leg.heard("BYE"))
    assert (await client.finished(call_id))["outcome"] == "completed"

    assert credentials_sent_to(destination_leg)[0] == "INVITE"
    assert (user_leg.count("BYE"), credentials_sent_to(user_leg)) == (1, [])


@pytest.mark.parametrize("user_hangs_up", [True, False])
async def test_baresips_hear_each_other(
    server: Server, client: Client, tmp_path: Path, user_hangs_up: bool
) -> None:
    await talk_and_compare(
        client,
        users_baresip(server.deployment, tmp_path, transport="tcp"),
        destinations_baresip(server.deployment, tmp_path, transport="tcp"),
        user_hangs_up=user_hangs_up,
    )
