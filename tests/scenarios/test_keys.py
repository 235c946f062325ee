"""Keys in a call, as RTP: the 1 that a user presses to be connected, and the extension that the destination hears.

RFC 4733; row B12 of docs/reliability.md.
"""

import asyncio
from collections.abc import Iterator

import pytest

from ringbridge.media.g711 import decode_mu_law
from ringbridge.media.tones import power_at
from tests.engines.native.media_peers import LOUD
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.tool import WAIT_SECONDS
from tests.scenarios.relays import RELAYS, serving_with
from tests.scenarios.sound import (
    DESTINATION_HZ,
    STRANGER_HZ,
    USER_HZ,
    Voice,
    assert_hears,
    ear_of,
    hears_key,
    mutual,
    voice_of,
)

pytestmark = pytest.mark.peer

MOBILES = (9001, 9002, 9003)
# ITU-T Q.23: the two tones of a 9.
NINE_HZ = (852, 1477)


@pytest.fixture(scope="module", params=RELAYS)
def server(
    deployment: Deployment, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with lines that are reached over a trunk: whoever answers there is asked to press 1."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    own.add_mobiles(MOBILES)
    # Long enough to press in, however slow the machine is.
    own.set_limits("confirm_s=30")
    with serving_with(request.param, own) as running:
        yield running


async def asked(client: Client, user: Phone, voice: Voice, index: int) -> tuple[str, Leg]:
    """A call whose user has answered and hears the question."""
    call_id = await client.place(index, index)
    leg = await user.leg_to(user_number(index))
    leg.answer()
    await client.reaches(call_id, "confirming")
    await voice.hear()
    return call_id, leg


async def test_the_destination_is_dialled_when_the_user_presses_1(
    client: Client, user: Phone, destination: Phone
) -> None:
    """B12: a key that RFC 4733 carries is the user's word."""
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id, user_leg = await asked(client, user, user_voice, MOBILES[0])
        user_voice.press("1", ear_of(user_leg))
        destination_leg = await destination.leg_to(destination_number(MOBILES[0]))
        destination_leg.answer()
        await client.reaches(call_id, "connected")
        async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
            user_leg.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert await destination_leg.settled() is Ending.TALKED


async def test_other_keys_say_nothing_and_1_may_follow_them(
    client: Client, user: Phone, destination: Phone
) -> None:
    """B12: neither a slip of the finger nor a mailbox's own keys dial anybody."""
    with voice_of(user, USER_HZ) as voice, voice_of(user, STRANGER_HZ) as other_voice:
        other_id, other = await asked(client, user, other_voice, MOBILES[2])
        user.rtp_port = voice.address.port
        call_id, leg = await asked(client, user, voice, MOBILES[1])
        voice.press("5*#", ear_of(leg))
        # Whatever the relay has told of those is known by the time that the other call's key is.
        other_voice.press("1", ear_of(other))
        await destination.leg_to(destination_number(MOBILES[2]))
        assert (await client.call(call_id))["state"] == "confirming"
        assert len(destination.legs) == 1
        voice.press("1", ear_of(leg))
        await destination.leg_to(destination_number(MOBILES[1]))
    for one in (call_id, other_id):
        await client.hang_up(one)
        assert (await client.finished(one))["outcome"] == "canceled"


@pytest.mark.parametrize("written", ["+{} x 9", "{};ext=9", "{},,9"])
async def test_the_extension_is_pressed_once_the_destination_has_answered(
    client: Client, user: Phone, destination: Phone, written: str
) -> None:
    """The destination hears the key as an event, and the voice again after it."""
    number = destination_number(1)
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id = await client.place_between(user_number(1), written.format(number))
        user_leg = await user.leg_to(user_number(1))
        user_leg.answer()
        destination_leg = await destination.leg_to(number)
        destination_leg.ring()
        async with user_voice.speaking(ear_of(user_leg)):
            await client.reaches(call_id, "ringing_destination")
            assert destination_voice.has_heard_nothing
            destination_leg.answer()
            assert await hears_key(destination_voice) == "9"
            await assert_hears(destination_voice, USER_HZ)
        destination_leg.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert await user_leg.settled() is Ending.TALKED


async def test_a_destination_without_telephone_events_hears_the_tones_of_the_key(
    client: Client, user: Phone, destination: Phone
) -> None:
    """In-band, as the keypad of an old telephone would sound."""
    number = destination_number(2)
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        call_id = await client.place_between(user_number(2), f"{number} x 9")
        user_leg = await user.leg_to(user_number(2))
        user_leg.answer()
        destination_leg = await destination.leg_to(number)
        async with user_voice.speaking(ear_of(user_leg)), asyncio.timeout(WAIT_SECONDS):
            head, _, _ = destination_leg.session().partition(b" 101\r\n")
            destination_leg.answer(head + b"\r\n")
            powers = [0.0, 0.0]
            while min(powers) < LOUD:
                samples = decode_mu_law((await destination_voice.next_packet()).payload)
                powers = [power_at(samples, frequency) for frequency in NINE_HZ]
            await assert_hears(destination_voice, USER_HZ)
        user_leg.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert await destination_leg.settled() is Ending.TALKED
