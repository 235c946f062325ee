"""A server that registers at its trunks, over the wire; and what its metrics and the doctor say of that."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringbridge.cli.finding import Finding, Level
from ringbridge.cli.trunk_state import trunk_states
from tests.peers.carrier import Carrier
from tests.peers.client import Client
from tests.peers.server import Deployment, Server, ringbridge
from tests.peers.tool import LOOPBACK, free_port, poll

USERNAME, PASSWORD = "1009683", "s3cret"


@pytest.fixture
async def carrier() -> AsyncIterator[Carrier]:
    async with Carrier.listening(free_port()) as listening:
        listening.accounts[USERNAME] = PASSWORD
        yield listening


@pytest.fixture
def own(deployment: Deployment, carrier: Carrier, tmp_path: Path) -> Deployment:
    """A deployment with one trunk, which the server registers at."""
    copied = deployment.copied_to(tmp_path / "data")
    ringbridge(copied.data_dir, "trunk", "remove", "exchange")
    add_trunk(copied, "carrier", carrier.port, "--username", USERNAME, "--password", PASSWORD, "--register")
    return copied


def add_trunk(own: Deployment, name: str, port: int, *words: str) -> None:
    ringbridge(own.data_dir, "trunk", "add", "--name", name, "--uri", f"sip:{LOOPBACK}:{port}", *words)


async def states(server: Server) -> dict[str, Finding]:
    """What the doctor says of each trunk."""
    found = await asyncio.to_thread(trunk_states, server.url)
    return {finding.subject: finding for finding in found}


async def state(server: Server, name: str, expected: str) -> Finding:
    """What the doctor says of a trunk, once that begins like this."""
    subject = f"trunk {name} state"

    def is_so(found: dict[str, Finding]) -> bool:
        return subject in found and found[subject].found.startswith(expected)

    return (await poll(lambda: states(server), is_so, expected))[subject]


async def test_a_registration_is_kept_up_and_taken_back_at_the_end(own: Deployment, carrier: Carrier) -> None:
    carrier.granted_seconds = 2
    with Server.running(own) as server:
        await carrier.hears("REGISTER", count=5)
        good = await state(server, "carrier", "up and registered, 0 legs")
        async with Client.of(server) as client:
            gauges = await client.gauges()
        assert USERNAME in carrier.contacts
    await poll(lambda: contacts_of(carrier), lambda contacts: contacts == {}, "no registration")

    assert good.level is Level.OK
    assert gauges['ringbridge_trunk_up{trunk="carrier"}'] == 1
    assert gauges['ringbridge_trunk_registered{trunk="carrier"}'] == 1
    assert gauges['ringbridge_trunk_registration_status{trunk="carrier"}'] == 200


async def test_a_registration_that_is_lost_is_seen(own: Deployment, carrier: Carrier) -> None:
    carrier.granted_seconds = 2
    with Server.running(own) as server:
        await state(server, "carrier", "up and registered")
        carrier.register_status = 503
        lost = await state(server, "carrier", "not registered: the last answer was 503")

    assert lost.level is Level.WARN
    assert "cannot work" in lost.mend


async def test_a_wrong_password_is_told(own: Deployment, carrier: Carrier) -> None:
    carrier.accounts[USERNAME] = "another"
    with Server.running(own) as server:
        refused = await state(server, "carrier", "not registered: the last answer was 403")

    assert "--password" in refused.mend


async def test_trunks_that_come_are_seen_and_those_that_go_are_not_any_more(
    own: Deployment, carrier: Carrier
) -> None:
    with Server.running(own) as server:
        await state(server, "carrier", "up and registered")
        add_trunk(own, "other", carrier.port)
        assert (await state(server, "other", "up, 0 legs")).level is Level.OK
        ringbridge(own.data_dir, "trunk", "remove", "other")
        await poll(lambda: states(server), lambda found: "trunk other state" not in found, "a trunk less")


async def test_a_trunk_that_cannot_be_looked_up_is_down(own: Deployment) -> None:
    ringbridge(own.data_dir, "trunk", "add", "--name", "gone", "--uri", "sip:nobody.invalid")
    with Server.running(own) as server:
        down = await state(server, "gone", "down")

    assert down.level is Level.WARN


def test_a_server_that_does_not_tell_is_passed_over() -> None:
    assert trunk_states(f"http://{LOOPBACK}:{free_port()}") == []


async def contacts_of(carrier: Carrier) -> dict[str, str]:
    return dict(carrier.contacts)


async def test_a_corrected_password_is_tried_at_once(own: Deployment, carrier: Carrier) -> None:
    carrier.accounts[USERNAME] = "n3w"
    with Server.running(own) as server:
        refused = await state(server, "carrier", "not registered: the last answer was 403")
        words = refused.mend.removeprefix("ringbridge ").partition(" --")[0].split()
        await asyncio.to_thread(ringbridge, own.data_dir, *words, "--password", "n3w")
        # Without the change the next try would be half a minute away.
        good = await state(server, "carrier", "up and registered")

    assert words == ["trunk", "set", "carrier"]
    assert good.level is Level.OK
