"""Asterisk that knows ringbridge by a password."""

import pytest

from tests.pbx.guide import Ports, block, with_words
from tests.pbx.sound import tenths
from tests.peers.asterisk import Asterisk
from tests.peers.baresip import Baresip
from tests.peers.client import Client
from tests.peers.tool import poll
from tests.scenarios.audio import DESTINATION_TONE_HZ, USER_TONE_HZ

pytestmark = pytest.mark.pbx


@pytest.fixture(scope="module")
def asterisk_files(asterisk_files: dict[str, str], ports: Ports) -> dict[str, str]:
    """The configuration with a password. The address alone must not open any door."""
    with_password = ports.localized(block("pjsip.conf with-a-password"))
    by_address = with_words(asterisk_files["pjsip.conf"], {"match=127.0.0.10": "match=127.0.0.99"})
    return {**asterisk_files, "pjsip.conf": f"{with_password}\n{by_address}"}


@pytest.fixture(scope="module", params=["with-a-password", "registered"])
def commands(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What is typed at ringbridge."""
    return (str(request.param),)


async def test_both_legs_prove_who_they_are(ada: Baresip, destination: Baresip, client: Client) -> None:
    call_id = await client.place_between("100", "+15125292329")
    shown = await ada.event("CALL_ESTABLISHED")
    await destination.event("CALL_INCOMING")
    destination.accept()
    await destination.event("CALL_ESTABLISHED")
    await destination.hears_for(2.0)
    destination.hang_up()
    await ada.event("CALL_CLOSED")

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert "+18175629000@" in shown["peeruri"]
    assert tenths(ada.heard(), DESTINATION_TONE_HZ) >= 8
    assert tenths(destination.heard(), USER_TONE_HZ) >= 8


async def test_asterisk_knows_where_ringbridge_registered(
    asterisk: Asterisk, commands: tuple[str, ...], client: Client, ports: Ports
) -> None:
    async def contacts() -> str:
        return asterisk.command("pjsip show contacts")

    if commands == ("registered",):
        await poll(contacts, lambda shown: f"@127.0.0.10:{ports['127.0.0.10']}" in shown, "the registration")
    else:
        assert "crm/" not in await contacts()
