"""Asterisk that knows ringbridge by its address: the user's phone is registered there, and the outside is behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.pbx.guide import ASTERISK, PASSWORD, Ports
from tests.peers.asterisk import Asterisk
from tests.peers.baresip import Baresip
from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.server import Server, ringbridge
from tests.peers.tool import LOOPBACK, free_sip_port
from tests.scenarios.audio import DESTINATION_TONE_HZ, USER_TONE_HZ, compare, hears, talk

pytestmark = pytest.mark.pbx


@pytest.fixture
async def bob(server: Server, tmp_path: Path) -> AsyncIterator[Baresip]:
    """Bob's phone, which is registered nowhere."""
    port = free_sip_port()
    words = ("--number", "200", "--name", "Bob", "--uri", f"sip:200@{LOOPBACK}:{port}")
    ringbridge(server.deployment.data_dir, "line", "add", "--account", server.deployment.account_id, *words)
    async with Baresip.running("200", port=port, tone_hz=USER_TONE_HZ, folder=tmp_path / "bob") as phone:
        yield phone


@pytest.mark.parametrize("user_hangs_up", [True, False], ids=["user", "destination"])
async def test_both_hear_each_other_and_the_phone_shows_whom_it_calls(
    ada: Baresip, destination: Baresip, client: Client, user_hangs_up: bool
) -> None:
    call_id = await client.place_between("100", "+15125292329")
    shown = await ada.event("CALL_ESTABLISHED")
    calling = await talk(client, call_id, ada, destination, user_hangs_up=user_hangs_up)

    assert shown["peerdisplayname"] == "Calling +15125292329"
    assert "+18175629000@" in calling["peeruri"]
    compare(ada, destination)


async def test_a_phone_of_asterisk_is_called_by_its_number_outside(
    asterisk: Asterisk, bob: Baresip, client: Client, ports: Ports, tmp_path: Path
) -> None:
    """Bob's phone knows no Asterisk: for him it is a trunk, and Ada's phone is where a number leads to."""
    uri = f"sip:100@{ASTERISK}:{ports[ASTERISK]}"
    async with Baresip.registered(
        uri, PASSWORD, tone_hz=DESTINATION_TONE_HZ, folder=tmp_path / "ada", picks_up=False
    ) as ada:
        await talk(client, await client.place_between("200", "+15125290100"), bob, ada)
    compare(bob, ada)


@pytest.mark.parametrize(
    ("number", "tone_hz"), [("+15125290620", 620.0), ("+15125290000", USER_TONE_HZ)], ids=["tone", "echo"]
)
async def test_the_dialplan_is_heard(ada: Baresip, client: Client, number: str, tone_hz: float) -> None:
    call_id = await client.place_between("100", number)
    await client.reaches(call_id, "connected")
    await hears(ada, tone_hz)
    ada.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"


async def test_sound_before_the_answer_is_heard(ada: Baresip, client: Client) -> None:
    call_id = await client.place_between("100", "+15125290183")
    await client.reaches(call_id, "connected")
    await hears(ada, 480.0)
    await hears(ada, 620.0)
    ada.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (486, "destination_busy"),
        (603, "destination_declined"),
        (404, "destination_invalid"),
        (503, "destination_unreachable"),
    ],
)
async def test_a_refusal_behind_asterisk_is_told(
    ada: Baresip, carrier: Phone, client: Client, status: int, outcome: str
) -> None:
    call_id = await client.place_between("100", "+15125292329")
    leg = await carrier.leg_to("15125292329")
    leg.refuse(status)

    assert await leg.settled() is Ending.REFUSED
    assert (await client.finished(call_id))["outcome"] == outcome
    await ada.event("CALL_CLOSED")


async def test_a_call_that_is_given_up_stops_ringing_behind_asterisk(
    ada: Baresip, destination: Baresip, client: Client
) -> None:
    call_id = await client.place_between("100", "+15125292329")
    await destination.event("CALL_INCOMING")
    ada.hang_up()
    await destination.event("CALL_CLOSED")

    assert (await client.finished(call_id))["outcome"] == "user_hung_up"


async def test_a_phone_that_is_not_registered_is_unreachable(asterisk: object, client: Client) -> None:
    call_id = await client.place_between("100", "+15125292329")

    assert (await client.finished(call_id))["outcome"] == "user_unreachable"
