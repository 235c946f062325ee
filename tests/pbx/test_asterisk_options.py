"""Asterisk with what docs/pbx.md leaves off, and says may be on."""

import re

import pytest

from tests.pbx.guide import RINGBRIDGE, with_words
from tests.peers.asterisk import Asterisk
from tests.peers.baresip import Baresip
from tests.peers.client import Client
from tests.peers.server import Server
from tests.scenarios.audio import USER_TONE_HZ, tenths

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


@pytest.mark.parametrize("user_hangs_up", [True, False], ids=["user", "destination"])
async def test_the_user_is_heard_until_either_hangs_up(
    asterisk: Asterisk,
    server: Server,
    ada: Baresip,
    destination: Baresip,
    client: Client,
    user_hangs_up: bool,
) -> None:
    """What Ada's phone hears is not looked at: Asterisk steps out within the first packets that it gets, and baresip is deaf
    to a stream that another one follows so soon, now and then.
    """
    asterisk.command("pjsip set history clear")
    asterisk.command("pjsip set history on")
    call_id = await client.place_between("100", "+15125292329")
    await destination.event("CALL_INCOMING")
    destination.accept()
    await destination.event("CALL_ESTABLISHED")
    await destination.hears_for(2.0)
    first, other = (ada, destination) if user_hangs_up else (destination, ada)
    first.hang_up()
    await other.event("CALL_CLOSED")
    assert (await client.finished(call_id))["outcome"] == "completed"

    assert tenths(destination.heard(), USER_TONE_HZ) >= 8
    # Asterisk stepped out of both legs' audio: it, and not ringbridge, offered anew.
    offers = rf"==> {re.escape(RINGBRIDGE)}:{server.sip_port} +INVITE "
    assert len(re.findall(offers, asterisk.command("pjsip show history"))) >= 2
