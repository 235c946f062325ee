"""A phone that registers over TLS and takes no call whose audio is not encrypted: baresip, with the relay that can."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.baresip import Baresip
from tests.peers.certificates import Authority
from tests.peers.client import Client
from tests.peers.registrant import DeviceAccount
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.tool import LOOPBACK
from tests.scenarios.audio import DESTINATION_TONE_HZ, USER_TONE_HZ, compare, talk
from tests.scenarios.relays import serving_with

pytestmark = pytest.mark.peer

LINE = 9300


@pytest.fixture(scope="module")
def own(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Data with a line whose phones register."""
    return deployment.copied_to(tmp_path_factory.mktemp("phones") / "data")


@pytest.fixture(scope="module")
def account(own: Deployment) -> DeviceAccount:
    """What is typed into the phones of that line."""
    return DeviceAccount.added_to(own, f"+{user_number(LINE)}", "--srtp", "required")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a server with a certificate."""
    return Authority(tmp_path_factory.mktemp("authority")).issue(LOOPBACK).settings()


@pytest.fixture(scope="module")
def server(own: Deployment, account: DeviceAccount, settings: dict[str, str]) -> Iterator[Server]:
    """A server with that line."""
    with serving_with("rtpengine", own, settings=settings) as running:
        yield running


async def test_it_and_a_destination_that_does_not_encrypt_hear_each_other(
    server: Server, client: Client, account: DeviceAccount, settings: dict[str, str], tmp_path: Path
) -> None:
    port = settings["RINGBRIDGE_SIP_TLS_PORT"]
    async with (
        Baresip.registered(
            f"sip:{account.username}@{LOOPBACK}:{port};transport=tls",
            account.password,
            tone_hz=USER_TONE_HZ,
            folder=tmp_path / "user",
            parameters=";mediaenc=srtp-mand",
        ) as user,
        Baresip.running(
            f"+{destination_number(1)}",
            port=server.deployment.trunk_port,
            tone_hz=DESTINATION_TONE_HZ,
            folder=tmp_path / "destination",
            picks_up=False,
        ) as destination,
    ):
        call_id = await client.place(LINE, 1)
        await user.event("CALL_ESTABLISHED")
        await talk(client, call_id, user, destination, user_hangs_up=True)

    compare(user, destination)
