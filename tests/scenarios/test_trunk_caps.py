"""Caps of a trunk: no more calls at once and no faster than its carrier lets one have, and no user rung for nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.peers.client import Client
from tests.peers.phone import Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import LOOPBACK, free_port
from tests.scenarios.two_carriers import two_carriers

pytestmark = pytest.mark.peer

CHANNELS = 2
BOTH_LEGS_USER = "+18175629999"


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """Of the two carriers; the second one carries only what begins with +44, so that nothing is tried there."""
    return free_port(), free_port()


@pytest.fixture(scope="module")
def server(
    deployment: Deployment, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The first trunk carries two calls at once; a line is reached over it, too."""
    data_dir = tmp_path_factory.mktemp("server") / "data"
    own = deployment.copied_to(data_dir)
    ringbridge(data_dir, "trunk", "remove", "exchange")
    place = ("--uri", f"sip:{LOOPBACK}:{ports[0]}")
    ringbridge(data_dir, "trunk", "add", "--name", "narrow", *place, "--channels", str(CHANNELS))
    line = ("--account", own.account_id, "--number", BOTH_LEGS_USER, "--trunk", "narrow", "--no-confirm")
    ringbridge(data_dir, "line", "add", *line)
    with Server.running(own) as running:
        yield running


@pytest.fixture
async def carrier(ports: tuple[int, int]) -> AsyncIterator[Phone]:
    """Where everybody picks up."""
    async with Phone.listening(ports[0], on_leg=Leg.answer) as phone:
        yield phone


async def refusal(server: Server, user_line: str, destination_line: str) -> str:
    """The code of a request that is refused; "" if it is not."""
    headers = {"Authorization": server.deployment.authorization}
    fields = {"user_line": user_line, "destination_line": destination_line}
    async with (
        aiohttp.ClientSession(server.url, headers=headers) as session,
        session.post("/api/v1/call", json=fields) as response,
    ):
        return response.headers.get("X-Error-Code", "")


async def test_a_call_more_than_the_trunk_carries_is_refused_before_anybody_is_rung(
    server: Server, client: Client, user: Phone, carrier: Phone
) -> None:
    """Each call keeps its channel while its user's phone still rings."""
    ids = [await client.place(index, index) for index in range(CHANNELS)]
    legs = [await user.leg_to(user_number(index)) for index in range(CHANNELS)]
    assert (await gauge(client, "narrow")) == CHANNELS

    assert (await refusal(server, user_number(2), destination_number(2))) == "trunk_full"

    legs[0].refuse(486)
    await client.finished(ids[0])
    third = await client.place(2, 2)
    third_leg = await user.leg_to(user_number(2))
    for leg in (legs[1], third_leg):
        leg.answer()
    for call_id, leg in ((ids[1], legs[1]), (third, third_leg)):
        await client.reaches(call_id, "connected")
        leg.hang_up()
        assert (await client.finished(call_id))["outcome"] == "completed"
    assert (await gauge(client, "narrow")) == 0


async def test_of_a_crowd_that_clicks_at_once_as_many_are_rung_as_there_are_channels(
    server: Server, client: Client, user: Phone, carrier: Phone
) -> None:
    codes = await asyncio.gather(
        *(refusal(server, user_number(index), destination_number(index)) for index in range(10, 20))
    )
    assert Counter(codes) == {"": CHANNELS, "trunk_full": 10 - CHANNELS}

    for index, code in enumerate(codes, start=10):
        if code == "":
            (await user.leg_to(user_number(index))).refuse(486)
    await client.sees_nothing_left()
    assert len(user.legs) == CHANNELS
    assert (await gauge(client, "narrow")) == 0


async def test_a_call_whose_both_legs_go_over_the_trunk_takes_two_channels(
    server: Server, client: Client, user: Phone, carrier: Phone
) -> None:
    call_id = await client.place_between(BOTH_LEGS_USER, destination_number(3))
    await client.reaches(call_id, "connected")
    assert (await gauge(client, "narrow")) == 2
    assert (await refusal(server, user_number(4), destination_number(4))) == "trunk_full"
    carrier.legs[0].hang_up()
    assert (await client.finished(call_id))["outcome"] == "completed"

    # With one channel left such a call is refused, and another one is not.
    call_id = await client.place(4, 4)
    user_leg = await user.leg_to(user_number(4))
    assert (await refusal(server, BOTH_LEGS_USER, destination_number(5))) == "trunk_full"
    user_leg.answer()
    await client.reaches(call_id, "connected")
    user_leg.hang_up()
    await client.finished(call_id)


@pytest.mark.parametrize("ending", ["user refuses", "destination refuses", "user hangs up", "given up"])
async def test_channels_are_free_again_however_a_call_ends(
    client: Client, user: Phone, ports: tuple[int, int], ending: str
) -> None:
    async with Phone.listening(ports[0]) as carrier:
        call_id = await client.place(6, 6)
        user_leg = await user.leg_to(user_number(6))
        if ending == "user refuses":
            user_leg.refuse(486)
        else:
            user_leg.answer()
            leg = await carrier.leg_to(destination_number(6))
            leg.ring()
            await client.reaches(call_id, "ringing_destination")
            match ending:
                case "destination refuses":
                    leg.refuse(486)
                case "user hangs up":
                    user_leg.hang_up()
                case "given up":
                    await client.hang_up(call_id)
        await client.finished(call_id)

    assert (await gauge(client, "narrow")) == 0


async def test_calls_wait_for_the_pace_of_the_carrier(
    deployment: Deployment, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Three users pick up at once; the carrier takes one new call a second."""
    data_dir = tmp_path_factory.mktemp("pace") / "data"
    uris = [f"sip:{LOOPBACK}:{port}" for port in ports]
    words = ("--calls-per-second", "1", "--prefix", "+1512")
    with two_carriers(deployment, data_dir, uris, words=words, second_words=("--prefix", "+44")) as server:
        async with (
            Client.of(server) as client,
            Phone.listening(deployment.user_port, on_leg=Leg.answer),
            Phone.listening(ports[0], on_leg=Leg.answer) as carrier,
        ):
            ids = await asyncio.gather(*(client.place(index, index) for index in range(3)))
            for call_id in ids:
                await client.reaches(call_id, "connected")
            invited_at = sorted(leg.time_of("INVITE") or 0.0 for leg in carrier.legs)
            for call_id in ids:
                await client.hang_up(call_id)
                await client.finished(call_id)

    # Two seconds, less what a busy machine may take from that; the pace itself is tested in engines/native/test_channels.
    assert invited_at[2] - invited_at[0] > 0.5


async def gauge(client: Client, trunk: str) -> float:
    """How many channels of a trunk are taken, as /metrics says."""
    return (await client.gauges())[f'ringbridge_trunk_channels{{trunk="{trunk}"}}']
