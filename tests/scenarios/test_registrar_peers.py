"""Real phones that register: baresip twice on one line, over each transport, and SIPp, which knows MD5 only."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.baresip import Baresip
from tests.peers.certificates import Authority
from tests.peers.client import Client
from tests.peers.registrant import DeviceAccount
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import LOOPBACK, free_port, require_tool
from tests.scenarios.audio import DESTINATION_TONE_HZ, USER_TONE_HZ, compare, talk

pytestmark = pytest.mark.peer

SCENARIO = Path(__file__).parent / "registering_phone.xml"
LINE = 9200


@pytest.fixture(scope="module")
def own(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Data with a line whose phones register."""
    return deployment.copied_to(tmp_path_factory.mktemp("phones") / "data")


@pytest.fixture(scope="module")
def account(own: Deployment) -> DeviceAccount:
    """What is typed into the phones of that line."""
    return DeviceAccount.added_to(own, f"+{user_number(LINE)}")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a server with a certificate."""
    return Authority(tmp_path_factory.mktemp("authority")).issue(LOOPBACK).settings()


@pytest.fixture(scope="module")
def server(own: Deployment, account: DeviceAccount, settings: dict[str, str]) -> Iterator[Server]:
    """A server with that line."""
    with Server.running(own, settings=settings) as running:
        yield running


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_two_baresips_of_a_line_ring_and_one_has_the_call(
    server: Server,
    own: Deployment,
    client: Client,
    account: DeviceAccount,
    settings: dict[str, str],
    tmp_path: Path,
    transport: str,
) -> None:
    port = settings["RINGBRIDGE_SIP_TLS_PORT"] if transport == "tls" else server.sip_port
    uri = f"sip:{account.username}@{LOOPBACK}:{port};transport={transport}"
    async with (
        Baresip.registered(
            uri, account.password, tone_hz=USER_TONE_HZ, folder=tmp_path / "desk", picks_up=False
        ) as desk,
        Baresip.registered(
            uri, account.password, tone_hz=USER_TONE_HZ, folder=tmp_path / "soft", picks_up=False
        ) as soft,
        Baresip.running(
            f"+{destination_number(1)}",
            port=server.deployment.trunk_port,
            tone_hz=DESTINATION_TONE_HZ,
            folder=tmp_path / "destination",
            picks_up=False,
        ) as destination,
    ):
        devices = ringbridge(own.data_dir, "device", "list", "--account", own.account_id)
        assert devices.count(f" {transport.upper()} ") == 2
        call_id = await client.place(LINE, 1)
        await desk.event("CALL_INCOMING")
        await soft.event("CALL_INCOMING")
        soft.accept()
        await desk.event("CALL_CLOSED")
        await talk(client, call_id, soft, destination)

    compare(soft, destination)
    assert not list((tmp_path / "desk").glob("dump-*-dec.wav"))


@pytest.mark.parametrize(("password", "status"), [("", 0), ("wrong", 1)])
async def test_sipp_registers_with_md5_if_it_knows_the_password(
    server: Server, account: DeviceAccount, tmp_path: Path, password: str, status: int
) -> None:
    sipp = await asyncio.create_subprocess_exec(
        *(require_tool("sipp", "sip-tester"), "-sf", str(SCENARIO), "-m", "1", "-nostdin"),
        *("-i", LOOPBACK, "-p", str(free_port()), "-key", "user", account.username),
        *("-au", account.username, "-ap", password or account.password),
        f"{LOOPBACK}:{server.sip_port}",
        cwd=tmp_path,
        env={**os.environ, "TERM": "dumb"},
        stdout=asyncio.subprocess.DEVNULL,
    )

    assert await asyncio.wait_for(sipp.wait(), 60.0) == status
