"""Asterisk that knows ringbridge by a password."""

import pytest

from tests.pbx.guide import RINGBRIDGE, Ports, block, with_words
from tests.peers.asterisk import Asterisk
from tests.peers.baresip import Baresip
from tests.peers.client import Client
from tests.peers.server import Server
from tests.peers.tool import poll
from tests.scenarios.audio import compare, talk

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
    await talk(client, call_id, ada, destination)

    assert "+18175629000@" in shown["peeruri"]
    compare(ada, destination)


async def test_asterisk_knows_where_ringbridge_registered(
    asterisk: Asterisk, commands: tuple[str, ...], server: Server
) -> None:
    async def contacts() -> str:
        return asterisk.command("pjsip show contacts")

    if commands == ("registered",):
        here = f"crm/sip:crm@{RINGBRIDGE}:{server.sip_port} "
        await poll(contacts, lambda shown: here in shown, "the registration")
    else:
        assert "crm/" not in await contacts()
