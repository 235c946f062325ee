"""A server with twenty media ports, which is five calls: none is lost, whoever ends, dies or holds some of them.

Row D2 of docs/reliability.md, and what becomes of calls when the relay dies.
"""

import asyncio
import os
import random
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import aiohttp
import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Deployment, Server
from tests.peers.tool import LOOPBACK, WAIT_SECONDS, poll
from tests.scenarios import talk
from tests.scenarios.sound import DESTINATION_HZ, USER_HZ, mutual, voice_of

pytestmark = pytest.mark.peer

PORTS = 20
CALLS = 5
"""RTP and RTCP for either side: four ports each."""
ROUNDS = 40
QUIET_PORTS = range(32_000, 32_760)
"""Between the media ports of other tests and those that the system gives to anybody."""
WORKER = b"rtpio_worker"


def hold(port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> "closing[socket.socket]":
    """Keep a port from others, as a foreign program does; OSError if one of them was first."""
    other = socket.socket(socket.AF_INET, kind)
    try:
        other.bind((LOOPBACK, port))
    except OSError:
        other.close()
        raise
    return closing(other)


@pytest.fixture(scope="module")
def ports() -> Iterator[range]:
    """Ports that nobody else uses as long as the tests run. Who holds the first one for TCP has the UDP ports of all."""
    for first in random.sample(QUIET_PORTS[::PORTS], k=len(QUIET_PORTS) // PORTS):
        with suppress(OSError), hold(first, socket.SOCK_STREAM):
            with ExitStack() as held:
                for port in range(first, first + PORTS):
                    held.enter_context(hold(port))
            yield range(first, first + PORTS)
            return
    raise AssertionError(f"no {PORTS} free ports in {QUIET_PORTS}")


@pytest.fixture(scope="module")
def settings(ports: range) -> dict[str, str]:
    return {"RINGBRIDGE_MEDIA_PORTS": f"{ports[0]}-{ports[-1]}"}


@pytest.fixture(scope="module")
def server(
    deployment: Deployment, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    with Server.running(own, settings=settings) as running:
        yield running


async def all_up(
    client: Client, user: Phone, destination: Phone, *, first: int = 1, count: int = CALLS
) -> list[tuple[str, Leg, Leg]]:
    """As many calls as there are ports for, joined."""
    return list(
        await asyncio.gather(
            *(talk.connect(client, user, destination, index) for index in range(first, first + count))
        )
    )


async def refused_for_want_of_ports(client: Client, user: Phone, index: int) -> None:
    """A call more than there are ports for ends before anybody's phone rings."""
    rung = len(user.legs)
    shown = await client.finished(await client.place(index, index))
    assert (shown["outcome"], shown["cause"]) == ("failed", "no_media_ports")
    assert len(user.legs) == rung


async def end(client: Client, calls: list[tuple[str, Leg, Leg]]) -> None:
    """The users hang up."""
    for call_id, user_leg, destination_leg in calls:
        user_leg.hang_up()
        assert (await client.finished(call_id))["outcome"] == "completed"
        assert await destination_leg.settled() is Ending.TALKED


async def is_ready(server: Server) -> None:
    """Return once the server says that it can take calls."""
    async with aiohttp.ClientSession(server.url) as session:

        async def status() -> int:
            async with session.get("/readyz") as answer:
                return answer.status

        await poll(status, lambda status: status == 200, "a server that is ready")


async def test_a_call_without_ports_rings_nobody_and_the_next_has_those_of_one_that_ended(
    client: Client, user: Phone, destination: Phone
) -> None:
    """D2: the call that is one too many."""
    calls = await all_up(client, user, destination)
    await refused_for_want_of_ports(client, user, 6)
    first, *others = calls
    await end(client, [first])
    await end(client, [*others, await talk.connect(client, user, destination, 7)])


async def test_hundreds_of_calls_go_through_the_same_ports(server: Server, client: Client) -> None:
    """D2: the ports of a call that is shown as ended are free at once."""
    async with Phone.listening(server.deployment.user_port, on_leg=lambda leg: leg.refuse(486)):

        async def one_after_the_other(lane: int) -> set[str]:
            return {
                (await client.finished(await client.place(100 + lane, 1)))["outcome"] for _ in range(ROUNDS)
            }

        outcomes = await asyncio.gather(*map(one_after_the_other, range(CALLS)))

    assert outcomes == [{"user_busy"}] * CALLS


async def test_ports_that_another_program_holds_are_passed_over(
    client: Client, user: Phone, destination: Phone, ports: range
) -> None:
    """D2: six ports are three pairs, so that three calls have room in place of five."""
    with ExitStack() as held:

        async def taken() -> bool:
            with suppress(OSError), ExitStack() as some:
                for port in ports[4:10]:
                    some.enter_context(hold(port))
                held.push(some.pop_all())
                return True
            return False

        await poll(taken, bool, "the ports of the calls before")
        calls = await all_up(client, user, destination, first=20, count=3)
        await refused_for_want_of_ports(client, user, 26)
    await end(client, [*calls, *await all_up(client, user, destination, first=30, count=2)])


async def test_a_relay_that_dies_ends_its_calls_and_the_next_ones_have_sound(
    server: Server, client: Client, user: Phone, destination: Phone
) -> None:
    """D4: every leg gets its BYE, and none of the ports is lost."""
    calls = await all_up(client, user, destination, first=40)
    os.kill(relay_of(server), signal.SIGKILL)
    for call_id, *legs in calls:
        shown = await client.finished(call_id)
        assert (shown["outcome"], shown["cause"], shown["ended_by"]) == (
            "completed",
            "media_failed",
            "server",
        )
        assert [await leg.settled() for leg in legs] == [Ending.TALKED, Ending.TALKED]
        assert [leg.count("BYE") for leg in legs] == [1, 1]
    await is_ready(server)
    with voice_of(user, USER_HZ) as user_voice, voice_of(destination, DESTINATION_HZ) as destination_voice:
        again = await talk.connect(client, user, destination, 50)
        async with mutual((user_voice, again[1]), (destination_voice, again[2])):
            pass
    await end(client, [again, *await all_up(client, user, destination, first=51, count=CALLS - 1)])


async def test_a_killed_server_leaves_no_ports_behind(
    deployment: Deployment, settings: dict[str, str], tmp_path: Path
) -> None:
    """D2: a crash with all ports held; the next server has them all."""
    own = deployment.copied_to(tmp_path / "data")
    async with Phone.listening(own.user_port) as user, Phone.listening(own.trunk_port) as destination:

        async def serve_until_killed() -> None:
            with Server.running(own, settings=settings) as server:
                async with Client.of(server) as client:
                    await all_up(client, user, destination)
                server.process.kill()
                await asyncio.to_thread(server.process.wait, WAIT_SECONDS)

        with pytest.raises(AssertionError, match="serve ended with status -9"):
            await serve_until_killed()
        with Server.running(own, settings=settings) as server:
            async with Client.of(server) as client:
                await end(client, await all_up(client, user, destination, first=10))
                await client.sees_nothing_left()


def relay_of(server: Server) -> int:
    """The process of the server's media relay."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    (relay,) = [int(pid) for pid in children if WORKER in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return relay
