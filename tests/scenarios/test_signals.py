"""Signals as terminals and service managers send them, to every process of a server at once: calls end in order."""

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.server import Deployment, Server
from tests.peers.tool import WAIT_SECONDS, poll
from tests.scenarios import talk
from tests.scenarios.sound import DESTINATION_HZ, USER_HZ, assert_hears, mutual, voice_of

pytestmark = pytest.mark.peer


@pytest.fixture
def own(deployment: Deployment, tmp_path: Path) -> Deployment:
    """Data of this test's own server."""
    return deployment.copied_to(tmp_path / "data")


def signal_all(server: Server, kind: signal.Signals) -> None:
    """Ctrl-C (SIGINT), or what systemd does unless told otherwise (SIGTERM)."""
    os.killpg(server.process.pid, kind)


async def until_it_drains(server: Server) -> None:
    """Return once it takes no new calls."""
    async with aiohttp.ClientSession(server.url) as session:

        async def ready() -> int:
            async with session.get("/readyz") as answer:
                return answer.status

        await poll(ready, lambda status: status == 503, "a server that drains")


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
async def test_a_call_goes_on_with_its_sound_until_it_is_hung_up(
    own: Deployment, kind: signal.Signals
) -> None:
    async with Phone.listening(own.user_port) as user, Phone.listening(own.trunk_port) as destination:
        with (
            Server.running(own) as server,
            voice_of(user, USER_HZ) as user_voice,
            voice_of(destination, DESTINATION_HZ) as destination_voice,
        ):
            async with Client.of(server) as client:
                call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
                async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
                    signal_all(server, kind)
                    await until_it_drains(server)
                    for voice in (user_voice, destination_voice):
                        voice.forget_what_was_heard()
                    await assert_hears(user_voice, DESTINATION_HZ)
                    await assert_hears(destination_voice, USER_HZ)
                assert (await client.call(call_id))["state"] == "connected"
            user_leg.hang_up()
            assert await asyncio.to_thread(server.process.wait, WAIT_SECONDS) == 0
            assert await destination_leg.settled() is Ending.TALKED


async def test_a_call_goes_on_with_its_sound_while_settings_are_read_again(own: Deployment) -> None:
    """As when a terminal is closed, which tells all processes of the server."""
    async with Phone.listening(own.user_port) as user, Phone.listening(own.trunk_port) as destination:
        with (
            Server.running(own) as server,
            voice_of(user, USER_HZ) as user_voice,
            voice_of(destination, DESTINATION_HZ) as destination_voice,
        ):
            async with Client.of(server) as client:
                call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
                async with mutual((user_voice, user_leg), (destination_voice, destination_leg)):
                    signal_all(server, signal.SIGHUP)
                    await poll(lambda: said(server, "config.reloaded"), bool, "settings that were read again")
                    for voice in (user_voice, destination_voice):
                        voice.forget_what_was_heard()
                    await assert_hears(user_voice, DESTINATION_HZ)
                    await assert_hears(destination_voice, USER_HZ)
                user_leg.hang_up()
                assert (await client.finished(call_id))["outcome"] == "completed"
            assert await destination_leg.settled() is Ending.TALKED


async def said(server: Server, event: str) -> bool:
    """Whether the log has such a line."""
    return event in server.log.read_text()


async def test_a_second_signal_skips_the_drain_and_more_of_them_do_not_kill(own: Deployment) -> None:
    async with Phone.listening(own.user_port) as user, Phone.listening(own.trunk_port) as destination:
        with Server.running(own) as server:
            async with Client.of(server) as client:
                _, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
                # So that the server waits a while for the answer, when nothing else is left to do.
                destination_leg.unanswered.add("BYE")
                signal_all(server, signal.SIGTERM)
                await until_it_drains(server)

            async def status_after_one_more() -> int | None:
                status = server.process.poll()
                if status is None:
                    signal_all(server, signal.SIGTERM)
                    signal_all(server, signal.SIGINT)
                return status

            assert await poll(status_after_one_more, lambda status: status is not None, "the end") == 0
            assert await user_leg.settled() is Ending.TALKED
