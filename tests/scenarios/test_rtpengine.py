"""A call whose sound goes through rtpengine, and the end of one when rtpengine dies."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from ringbridge.engines.native.rtpengine_link import DaemonLink
from ringbridge.media.bencode import Value
from tests.engines.native.media_peers import PORTS, Daemon, daemon
from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.tool import LOOPBACK, free_port, poll
from tests.scenarios import talk
from tests.scenarios.audio import (
    DESTINATION_TONE_HZ,
    USER_TONE_HZ,
    destinations_baresip,
    hears,
    users_baresip,
)
from tests.scenarios.killed import before_the_kill

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def rtpengine() -> Iterator[Daemon]:
    with daemon(range(PORTS, PORTS + 1000)) as running:
        asyncio.run(running.until_it_listens())
        yield running


@pytest.fixture(scope="module")
def server(
    deployment: Deployment, rtpengine: Daemon, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    settings = {
        "RINGBRIDGE_MEDIA_RELAY": "rtpengine",
        "RINGBRIDGE_RTPENGINE": f"127.0.0.1:{rtpengine.control_port}",
    }
    with Server.running(own, settings=settings) as running:
        yield running


async def until_ready(server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as session:

        async def ready() -> int:
            async with session.get("/readyz") as response:
                return response.status

        await poll(ready, lambda status: status == 200, "a server that is ready")


async def test_both_hear_each_other(server: Server, client: Client, tmp_path: Path) -> None:
    async with (
        users_baresip(server.deployment, tmp_path) as user,
        destinations_baresip(server.deployment, tmp_path) as destination,
    ):
        call_id = await client.place(1, 1)
        await destination.event("CALL_INCOMING")
        await user.hears_for(1.5)
        destination.accept()
        await destination.event("CALL_ESTABLISHED")
        await hears(destination, USER_TONE_HZ)
        await hears(user, DESTINATION_TONE_HZ)
        destination.hang_up()
        await user.event("CALL_CLOSED")
        assert (await client.finished(call_id))["outcome"] == "completed"


async def test_a_call_ends_on_both_sides_when_rtpengine_dies_and_the_next_has_sound_again(
    server: Server, client: Client, user: Phone, destination: Phone, rtpengine: Daemon
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 2)
    rtpengine.process.kill()
    assert (await client.finished(call_id))["ended_by"] == "server"
    await user_leg.settled()
    await destination_leg.settled()
    rtpengine.start_again()
    await rtpengine.until_it_listens()
    await until_ready(server)
    call_id, _, destination_leg = await talk.connect(client, user, destination, 3)
    destination_leg.hang_up()
    assert (await client.finished(call_id))["outcome"] == "completed"


async def calls_of(rtpengine: Daemon) -> Value:
    """The names of the calls that the daemon holds."""
    link = await DaemonLink.connect(LOOPBACK, rtpengine.control_port, lambda notice: None, lambda link: None)
    try:
        return (await link.reply({"command": "list"}))["calls"]
    finally:
        link.close()


async def test_the_daemon_holds_no_call_of_a_server_that_was_killed_once_that_is_back(
    deployment: Deployment, rtpengine: Daemon, tmp_path: Path
) -> None:
    own = deployment.copied_to(tmp_path / "data")
    settings = {
        "RINGBRIDGE_SIP_PORT": str(free_port()),
        "RINGBRIDGE_MEDIA_RELAY": "rtpengine",
        "RINGBRIDGE_RTPENGINE": f"{LOOPBACK}:{rtpengine.control_port}",
    }
    async with Phone.listening(own.user_port) as user, Phone.listening(own.trunk_port) as destination:

        async def connect(client: Client) -> str:
            call_id, _, _ = await talk.connect(client, user, destination, 4)
            return call_id

        call_id = await before_the_kill(own, settings, connect)
        left = await calls_of(rtpengine)
        assert isinstance(left, list)
        assert call_id.encode() in left
        with Server.running(own, settings=settings):
            await poll(lambda: calls_of(rtpengine), lambda calls: calls == [], "a daemon without calls")


async def test_a_server_that_starts_before_rtpengine_refuses_calls_until_that_is_up(
    deployment: Deployment, tmp_path: Path
) -> None:
    own = deployment.copied_to(tmp_path / "data")
    with daemon(range(PORTS, PORTS + 1000)) as late:
        late.stop()
        settings = {
            "RINGBRIDGE_MEDIA_RELAY": "rtpengine",
            "RINGBRIDGE_RTPENGINE": f"{LOOPBACK}:{late.control_port}",
        }
        with Server.running(own, settings=settings) as server:
            headers = {"Authorization": own.authorization}
            async with aiohttp.ClientSession(server.url, headers=headers) as session:
                async with session.get("/readyz") as response:
                    assert (response.status, (await response.json())["checks"]["media"]) == (503, False)
                fields = {"user_line": user_number(5), "destination_line": destination_number(5)}
                async with session.post("/api/v1/call", json=fields) as refused:
                    assert (refused.status, refused.headers["X-Error-Code"]) == (500, "engine_down")
            assert "media_daemon_absent" in server.log.read_text()
            late.start_again()
            await until_ready(server)
            async with (
                Phone.listening(own.user_port) as user,
                Phone.listening(own.trunk_port) as destination,
                Client.of(server) as client,
            ):
                call_id, user_leg, _ = await talk.connect(client, user, destination, 5)
                user_leg.hang_up()
                assert (await client.finished(call_id))["outcome"] == "completed"
