"""A server that is killed, or told to stop, in the middle of calls: nobody is left on the line, and every call has its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from ringbridge.engines.native.journal import DialogJournal
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Deployment, Server, user_number
from tests.peers.tool import WAIT_SECONDS, free_port
from tests.scenarios import talk
from tests.scenarios.killed import before_the_kill

pytestmark = pytest.mark.peer


@pytest.fixture
def own(deployment: Deployment, tmp_path: Path) -> Deployment:
    """Data that outlives a server."""
    return deployment.copied_to(tmp_path / "data")


@asynccontextmanager
async def phones(own: Deployment) -> AsyncIterator[tuple[Phone, Phone]]:
    async with Phone.listening(own.user_port) as user, Phone.listening(own.trunk_port) as destination:
        yield user, destination


async def in_every_state(client: Client, user: Phone, destination: Phone) -> tuple[list[str], list[Leg]]:
    """A call that rings the user, one that rings the destination and one that is joined: their ids and legs."""
    ringing = await client.place(1, 1)
    user_leg = await user.leg_to(user_number(1))
    user_leg.ring()
    await client.reaches(ringing, "ringing_user")
    waiting, *waiting_legs = await talk.ring_destination(client, user, destination, 2)
    joined, *joined_legs = await talk.connect(client, user, destination, 3)
    return [ringing, waiting, joined], [user_leg, *waiting_legs, *joined_legs]


async def test_a_killed_server_ends_what_it_left_when_it_is_back(own: Deployment) -> None:
    same_port = {"RINGBRIDGE_SIP_PORT": str(free_port())}
    async with phones(own) as (user, destination):
        ids, legs = await before_the_kill(
            own, same_port, lambda client: in_every_state(client, user, destination)
        )
        invited = (len(user.legs), len(destination.legs))
        with Server.running(own, settings=same_port) as server:
            async with Client.of(server) as client:
                endings = [await leg.settled() for leg in legs]
                shown = [await client.call(call_id) for call_id in ids]
                counted = (await client.gauges())['ringbridge_calls_ended_total{outcome="interrupted"}']
            recorded = server.recorded_calls()

    assert endings == [Ending.CANCELLED, Ending.TALKED, Ending.CANCELLED, Ending.TALKED, Ending.TALKED]
    assert {(call["state"], call["outcome"]) for call in shown} == {("ended", "interrupted")}
    assert sorted(recorded) == sorted(ids)
    assert counted == len(ids)
    assert (len(user.legs), len(destination.legs)) == invited, "something was dialled again"


async def test_a_leg_whose_bye_was_not_answered_when_the_server_was_killed_gets_another(
    own: Deployment,
) -> None:
    same_port = {"RINGBRIDGE_SIP_PORT": str(free_port())}
    async with phones(own) as (user, destination):

        async def hang_up_in_vain(client: Client) -> Leg:
            _, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
            destination_leg.unanswered.add("BYE")
            user_leg.hang_up()
            await destination_leg.heard("BYE")
            return destination_leg

        destination_leg = await before_the_kill(own, same_port, hang_up_in_vain)
        destination_leg.unanswered.clear()
        with Server.running(own, settings=same_port):
            ending = await destination_leg.settled()

    byes = [line.message.cseq[0] for line in destination_leg.ladder if line.message.kind == "BYE"]
    assert ending == Ending.TALKED
    assert len(set(byes)) == 2, "a second server told it again"
    assert DialogJournal(own.data_dir / "dialogs.journal").kept() == {}


async def test_a_server_told_to_stop_ends_what_outlasts_the_drain(own: Deployment) -> None:
    async with phones(own) as (user, destination):
        with Server.running(own, settings={"RINGBRIDGE_DRAIN_SECONDS": "0.5"}) as server:
            async with Client.of(server) as client:
                ids, legs = await in_every_state(client, user, destination)
            server.process.terminate()
            await asyncio.to_thread(server.process.wait, WAIT_SECONDS)
            endings = [await leg.settled() for leg in legs]
            recorded = server.recorded_calls()

    assert endings == [Ending.CANCELLED, Ending.TALKED, Ending.CANCELLED, Ending.TALKED, Ending.TALKED]
    assert sorted(recorded) == sorted(ids)


async def test_a_draining_server_refuses_new_calls_and_dials_nobody(own: Deployment) -> None:
    async with phones(own) as (user, destination):
        with Server.running(own, settings={"RINGBRIDGE_DRAIN_SECONDS": "60"}) as server:
            async with Client.of(server) as client:
                call_id, user_leg, _ = await talk.connect(client, user, destination, 4)
                server.process.terminate()
                headers = {"Authorization": own.authorization}
                async with aiohttp.ClientSession(server.url, headers=headers) as session:
                    status = 200
                    async with asyncio.timeout(WAIT_SECONDS):
                        while status == 200:
                            async with session.get("/readyz") as answer:
                                status = answer.status
                    fields = {"user_line": user_number(5), "destination_line": "15125290005"}
                    async with session.post("/api/v1/call", json=fields) as refused:
                        body = await refused.text()
            user_leg.hang_up()
            await asyncio.to_thread(server.process.wait, WAIT_SECONDS)
            recorded = server.recorded_calls()

    assert (status, refused.status, "Retry-After" in refused.headers) == (503, 500, True)
    assert body == '{"error": "Something went wrong. Please try again later."}'
    assert recorded == [call_id]
    assert [leg.number for leg in user.legs] == [user_number(4)]
