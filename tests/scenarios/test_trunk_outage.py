"""Row C3: a carrier that dies under a crowd of calls, comes back, and dies together with the other one.

Each call is carried, or has failed within five seconds; each carrier that is back is used within half a minute.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest

from tests.peers.client import Client
from tests.peers.phone import Leg, Phone
from tests.peers.server import Deployment, Server
from tests.peers.tool import LOOPBACK, free_port, poll
from tests.scenarios.two_carriers import two_carriers

pytestmark = pytest.mark.peer

CROWD = 10
BACK_WITHIN_SECONDS = 30.0
FAILED_WITHIN_SECONDS = 5.0
SLACK_SECONDS = 15.0


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """Of the two carriers."""
    return free_port(), free_port()


@pytest.fixture(scope="module")
def server(
    deployment: Deployment, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    uris = [f"sip:{LOOPBACK}:{port}" for port in ports]
    with two_carriers(deployment, tmp_path_factory.mktemp("server") / "data", uris) as running:
        yield running


@pytest.fixture
async def user(server: Server) -> AsyncIterator[Phone]:
    """A user who always picks up."""
    async with Phone.listening(server.deployment.user_port, on_leg=Leg.answer) as phone:
        yield phone


class Mortal:
    """Picks up for everybody, while it lives; dead, it is silent."""

    def __init__(self) -> None:
        self.lives = True
        self.met: list[str] = []
        """The numbers that were dialled while it was dead."""

    def take(self, leg: Leg) -> None:
        if self.lives:
            leg.answer()
        else:
            self.met.append(leg.number)


@pytest.fixture
async def first(ports: tuple[int, int]) -> AsyncIterator[Mortal]:
    carrier = Mortal()
    async with Phone.listening(ports[0], on_leg=carrier.take):
        yield carrier


@pytest.fixture
async def second(ports: tuple[int, int]) -> AsyncIterator[Mortal]:
    carrier = Mortal()
    async with Phone.listening(ports[1], on_leg=carrier.take):
        yield carrier


async def test_a_carrier_that_dies_is_left_alone_until_it_is_back(
    client: Client, user: Phone, first: Mortal, second: Mortal
) -> None:
    first.lives = False
    # A crowd meets it at once: nobody knows yet. The next one does not.
    assert await crowd(client, 0) == {"second": CROWD}
    known = len(first.met)
    assert await crowd(client, CROWD) == {"second": CROWD}
    assert len(first.met) <= known + 1, "one call may try it out"

    first.lives = True
    numbers = iter(range(2 * CROWD, 9_000))

    async def carrier_of_the_next() -> str:
        [trunk] = await crowd(client, next(numbers), size=1)
        return trunk

    async with asyncio.timeout(BACK_WITHIN_SECONDS + SLACK_SECONDS):
        await poll(carrier_of_the_next, lambda trunk: trunk == "first", "a call over the first")


async def test_where_both_are_dead_calls_fail_fast_and_the_first_that_is_back_is_used(
    client: Client, user: Phone, first: Mortal, second: Mortal
) -> None:
    first.lives = second.lives = False
    # Those that find out wait for both of them.
    await asyncio.gather(*(outcome(client, number) for number in range(CROWD)))
    later = await asyncio.gather(*(outcome(client, number) for number in range(CROWD)))
    assert {shown["outcome"] for shown in later} == {"destination_unreachable"}
    assert max(map(seconds_to_fail, later)) < FAILED_WITHIN_SECONDS + SLACK_SECONDS

    second.lives = True
    numbers = iter(range(CROWD, 9_000))
    async with asyncio.timeout(BACK_WITHIN_SECONDS + SLACK_SECONDS):
        shown = await poll(
            lambda: outcome(client, next(numbers)), lambda shown: shown["outcome"] == "completed", "a call"
        )
    assert shown["destination"]["trunk"] == "second"


async def crowd(client: Client, start: int, *, size: int = CROWD) -> Counter[str]:
    """So many calls at once, given up as soon as they are connected; how many each trunk has carried."""

    async def one(number: int) -> str:
        return str((await outcome(client, number))["destination"]["trunk"])

    return Counter(await asyncio.gather(*(one(number) for number in range(start, start + size))))


async def outcome(client: Client, number: int) -> dict[str, Any]:
    """What becomes of a call, which is given up once it is connected."""
    call_id = await client.place(number % CROWD, number)
    # It says so by an error if the call ends instead.
    with suppress(AssertionError):
        await client.reaches(call_id, "connected")
        await client.hang_up(call_id)
    return await client.finished(call_id)


def seconds_to_fail(shown: dict[str, Any]) -> float:
    """From the user's answer to the end of what was tried; then the user is told why."""
    answered_at, ended_at = shown["user"]["answered_at"], shown["destination"]["ended_at"]
    return (datetime.fromisoformat(ended_at) - datetime.fromisoformat(answered_at)).total_seconds()
