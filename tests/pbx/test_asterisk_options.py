"""Asterisk with what docs/pbx.md leaves off, and says may be on."""

import re
from collections.abc import AsyncIterator

import pytest

from ringbridge.media.sdp import MediaAddress
from tests.pbx.guide import ASTERISK, PASSWORD, RINGBRIDGE, Ports, with_words
from tests.peers.asterisk import Asterisk
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.registrant import DeviceAccount, Registrant
from tests.peers.server import Server
from tests.peers.tool import free_sip_port, poll
from tests.scenarios.sound import DESTINATION_HZ, USER_HZ, ear_of, mutual, voice_of

pytestmark = pytest.mark.pbx

# A session timer of 90 seconds is the shortest that RFC 4028 allows: a refresh is not awaited here, only agreed on.
OPTIONS = """direct_media=yes
rtp_symmetric=yes
timers=always
timers_sess_expires=90
send_pai=yes
trust_id_inbound=yes
trust_id_outbound=yes
send_connected_line=yes
"""


@pytest.fixture(scope="module")
def asterisk_files(asterisk_files: dict[str, str]) -> dict[str, str]:
    """The configuration with all of them at every endpoint."""
    return {
        **asterisk_files,
        "pjsip.conf": with_words(asterisk_files["pjsip.conf"], {"direct_media=no\n": OPTIONS}),
    }


@pytest.fixture
async def ada_in_script(asterisk: Asterisk, ports: Ports) -> AsyncIterator[Phone]:
    """Ada's phone, registered with Asterisk.

    Not baresip, which is deaf, now and then, once another stream follows within its first packets: Asterisk steps out
    that soon.
    """
    async with Phone.listening(free_sip_port(), on_leg=Leg.ring) as phone:
        account = DeviceAccount(username="100", password=PASSWORD)
        registrant = Registrant(phone, (ASTERISK, ports[ASTERISK]), account)
        assert (await registrant.register()).status == 200
        yield phone
        assert (await registrant.register(seconds=0)).status == 200


@pytest.mark.parametrize("user_hangs_up", [True, False], ids=["user", "destination"])
async def test_both_hear_each_other_until_either_hangs_up(
    asterisk: Asterisk,
    server: Server,
    ada_in_script: Phone,
    carrier: Phone,
    client: Client,
    user_hangs_up: bool,
) -> None:
    asterisk.command("pjsip set history clear")
    asterisk.command("pjsip set history on")
    with voice_of(ada_in_script, USER_HZ) as user_voice, voice_of(carrier, DESTINATION_HZ) as other_voice:
        call_id = await client.place_between("100", "+15125292329")
        user = await ada_in_script.leg_to("phone")
        user.answer()
        destination = await carrier.leg_to("15125292329")
        destination.answer()
        await speaks_with_ringbridge(user)
        await speaks_with_ringbridge(destination)
        async with mutual((user_voice, user), (other_voice, destination)):
            pass
    (user if user_hangs_up else destination).hang_up()
    assert await user.settled() is Ending.TALKED
    assert await destination.settled() is Ending.TALKED
    assert (await client.finished(call_id))["outcome"] == "completed"

    # Asterisk stepped out of both legs' audio: it, and not ringbridge, offered anew.
    offers = rf"==> {re.escape(RINGBRIDGE)}:{server.sip_port} +INVITE "
    assert len(re.findall(offers, asterisk.command("pjsip show history"))) >= 2


async def speaks_with_ringbridge(leg: Leg) -> None:
    """Return once Asterisk has told the phone to send its sound there, and no longer to Asterisk."""

    async def ear() -> MediaAddress:
        return ear_of(leg)

    await poll(ear, lambda address: address.host == RINGBRIDGE, "audio past Asterisk")
