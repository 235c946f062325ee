"""Row C2: when the second of two carriers is tried, and when it is not. Rows C2 and C3 go on in test_trunk_giving_up, _outage.

The first carrier is SIPp where it is to speak every code, else a scripted phone whose silence and late answers can be
had at will. No person is ever rung over two trunks.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.plain_socket import PlainSocket
from tests.peers.scenario import refusing_scenario
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.sipp import Sipp
from tests.peers.tool import LOOPBACK, free_port

pytestmark = pytest.mark.peer

FAULTS = (408, 500, 502, 503, 504)
REFUSALS = (403, 404, 480, 484, 486, 487, 600, 603, 604)
# What the row promises, and what a busy machine may add to it.
SWITCH_SECONDS = 0.5
SLACK_SECONDS = 2.5
SILENCE_SECONDS = 4.0


class Carriers(NamedTuple):
    """The ports of the two trunks' far ends."""

    first: int
    second: int


class Outcome(NamedTuple):
    """What became of one call: as the API shows it, and its legs."""

    shown: dict[str, Any]
    user: Leg
    second: Leg | None


@pytest.fixture(scope="module")
def carriers(deployment: Deployment) -> Carriers:
    return Carriers(first=deployment.trunk_port, second=free_port())


@pytest.fixture(scope="module")
def server(
    deployment: Deployment, carriers: Carriers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server whose second trunk is another carrier."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    uri = f"sip:{LOOPBACK}:{carriers.second};transport=udp"
    ringbridge(own.data_dir, "trunk", "add", "--name", "second", "--uri", uri)
    with Server.running(own) as running:
        yield running


@pytest.fixture
async def user(server: Server) -> AsyncIterator[Phone]:
    """A user who always picks up."""
    async with Phone.listening(server.deployment.user_port, on_leg=Leg.answer) as phone:
        yield phone


@pytest.fixture
async def second(carriers: Carriers) -> AsyncIterator[Phone]:
    """The second carrier, where everybody picks up."""
    async with Phone.listening(carriers.second, on_leg=Leg.answer) as phone:
        yield phone


async def test_the_next_carrier_is_tried_for_a_carriers_fault_and_for_nothing_else(
    client: Client, user: Phone, second: Phone, carriers: Carriers, tmp_path: Path
) -> None:
    # Refusals between the faults, or the first carrier would soon be left alone.
    codes = [code for pair in zip(REFUSALS, FAULTS, strict=False) for code in pair] + list(REFUSALS[5:])
    scenario = refusing_scenario(sorted(codes))
    async with Sipp.running(scenario, port=carriers.first, calls=len(codes), folder=tmp_path / "s") as first:
        outcomes = {code: await call_through(client, user, second, code) for code in codes}
        assert await first.finished() == 0, first.complaints()

    for code in REFUSALS:
        assert outcomes[code].second is None, f"{code} is no fault of the carrier's"
        assert outcomes[code].shown["destination"]["sip_status"] == code
        assert outcomes[code].shown["destination"]["trunk"] == "exchange"
    to_switch: list[float] = []
    for code in FAULTS:
        shown, user_leg, second_leg = outcomes[code]
        assert second_leg is not None, f"{code} is a fault of the carrier's"
        to_switch.append(seconds_to_switch(user_leg, second_leg))
        assert (shown["outcome"], shown["destination"]["trunk"]) == ("completed", "second")
    # A busy machine is late now and then; who waits for nothing is not late as a rule.
    assert median(to_switch) < SWITCH_SECONDS + SLACK_SECONDS
    # One INVITE for each call, and each refusal acknowledged: never two that live at once.
    assert first.kinds().count("INVITE") == first.kinds().count("ACK") == len(codes)


async def test_a_carrier_that_is_silent_is_left_after_four_seconds_and_its_late_answer_ended(
    client: Client, user: Phone, second: Phone, carriers: Carriers
) -> None:
    async with Phone.listening(carriers.first) as first:
        call_id = await client.place(1, 1)
        silent = await first.leg_to(destination_number(1))
        answered = await second.leg_to(destination_number(1))
        user_leg = await user.leg_to(user_number(1))
        await client.reaches(call_id, "connected")
        sent = silent.count("INVITE")
        waited = seconds_to_switch(user_leg, answered)

        silent.answer()
        assert await silent.settled() is Ending.TALKED
        await client.hang_up(call_id)
        await answered.settled()

    # The INVITE itself is given up after 32 s.
    assert SILENCE_SECONDS <= waited < 25.0
    assert (sent, silent.count("INVITE"), silent.count("CANCEL")) == (4, 4, 0)


async def test_a_silent_carrier_that_begins_to_ring_after_all_is_cancelled(
    client: Client, user: Phone, second: Phone, carriers: Carriers
) -> None:
    async with Phone.listening(carriers.first) as first:
        call_id = await client.place(2, 2)
        late = await first.leg_to(destination_number(2))
        answered = await second.leg_to(destination_number(2))
        await client.reaches(call_id, "connected")

        late.ring()
        assert await late.settled() is Ending.CANCELLED
        await client.hang_up(call_id)
        await answered.settled()


async def test_whoever_was_rung_is_not_rung_over_another_carrier(
    client: Client, user: Phone, second: Phone, carriers: Carriers
) -> None:
    async with Phone.listening(carriers.first) as first:
        call_id = await client.place(3, 3)
        leg = await first.leg_to(destination_number(3))
        leg.ring(183)
        await client.reaches(call_id, "ringing_destination")
        leg.refuse(503)
        shown = await client.finished(call_id)

    assert (shown["outcome"], shown["destination"]["sip_status"]) == ("destination_unreachable", 503)
    assert second.legs == []


async def test_a_carrier_whose_machine_is_gone_costs_less_than_half_a_second(
    client: Client, user: Phone, second: Phone
) -> None:
    outcomes = [await call_through(client, user, second, index) for index in (4, 5)]

    to_switch = [seconds_to_switch(one.user, one.second) for one in outcomes if one.second is not None]
    assert len(to_switch) == 2
    assert min(to_switch) < SWITCH_SECONDS + SLACK_SECONDS


async def test_a_dead_carrier_is_left_alone_and_calls_are_carried_on_by_the_other(
    client: Client, user: Phone, second: Phone, carriers: Carriers
) -> None:
    async with PlainSocket.open(carriers.first) as grave:
        for index in range(6, 10):
            outcome = await call_through(client, user, second, index)
            assert outcome.second is not None
            assert outcome.shown["destination"]["trunk"] == "second"
        heard = {message.split(b" ")[1] for message in grave.datagrams}
    assert len(heard) <= 3, "a carrier that failed three times in a row is asked no more"


async def call_through(client: Client, user: Phone, answering: Phone, index: int) -> Outcome:
    """A call whose user picks up, and hangs up as soon as it is connected."""
    call_id = await client.place(index, index)
    user_leg = await user.leg_to(user_number(index))
    over = asyncio.create_task(client.finished(call_id))
    connected = asyncio.create_task(answering.leg_to(destination_number(index)))
    await asyncio.wait((over, connected), return_when=asyncio.FIRST_COMPLETED)
    leg = None
    if over.done():
        connected.cancel()
    else:
        leg = await connected
        await client.reaches(call_id, "connected")
        user_leg.hang_up()
        await leg.settled()
    shown = await over
    await user_leg.settled()
    return Outcome(shown, user_leg, leg)


def seconds_to_switch(user: Leg, second: Leg) -> float:
    """From the moment when the user had picked up to the INVITE that reached the second carrier."""
    picked_up_at, invited_at = user.time_of("ACK"), second.time_of("INVITE")
    assert picked_up_at is not None
    assert invited_at is not None
    return invited_at - picked_up_at
