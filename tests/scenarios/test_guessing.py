"""Row A5: somebody guesses keys, from one address and from many, beside a customer who is at work."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from statistics import median

import aiohttp
import pytest

from ringbridge.service.credential import new_key
from ringbridge.service.example import authorization
from tests.peers.client import Client
from tests.peers.phone import Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, user_number

GUESSES = 2_000
GUESSES_PER_SECOND = 320.0
CALLS_PER_SECOND = 5.0
CALM_SECONDS = 2.0
# What an answer may take beside the guessing, however busy the machine; it takes a few milliseconds.
PATIENCE_SECONDS = 20.0
# How much longer than without it, at the most: twice as long, and what a machine that is busy otherwise may add.
SLOWER, BUSY_SECONDS = 2.0, 0.5

ONE_ADDRESS = ["127.7.6.1"]
MANY_ADDRESSES = [f"127.7.{network}.{host}" for host in range(1, 51) for network in range(10, 14)]


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    with Server.running(own) as running:
        yield running


@pytest.fixture
async def busy_user(server: Server) -> AsyncIterator[Phone]:
    """A phone that is busy, so that calls are over at once."""

    def refuse(leg: Leg) -> None:
        leg.refuse(486)

    async with Phone.listening(server.deployment.user_port, on_leg=refuse) as phone:
        yield phone


def wrong_key(number: int) -> str:
    """A well-formed key that opens nothing."""
    return new_key(b"", "", "", 0.0, lambda octets: number.to_bytes(octets, "big"))[1]


async def moments(per_second: float, seconds: float) -> AsyncIterator[int]:
    """Count from 0, so often a second for so long; moments that were missed come at once."""
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    for number in range(int(per_second * seconds)):
        due = loop.create_future()
        loop.call_at(began_at + number / per_second, due.set_result, None)
        await due
        yield number


async def guess(server: Server, addresses: list[str]) -> Counter[int]:
    """Try keys of the account from loopback addresses in turn; how often each status was the answer."""
    statuses: Counter[int] = Counter()

    async def try_one(session: aiohttp.ClientSession, number: int) -> None:
        headers = {"Authorization": authorization(server.deployment.account_id, wrong_key(number + 1))}
        async with session.post("/api/v1/call", data=b"", headers=headers) as answer:
            statuses[answer.status] += 1
            assert ("Retry-After" in answer.headers) == (answer.status == 429)

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tries:
        sessions = [
            await stack.enter_async_context(
                aiohttp.ClientSession(
                    server.url, connector=aiohttp.TCPConnector(local_addr=(address, 0), limit=20)
                )
            )
            for address in addresses
        ]
        async for number in moments(GUESSES_PER_SECOND, GUESSES / GUESSES_PER_SECOND):
            tries.create_task(try_one(sessions[number % len(sessions)], number))
    return statuses


async def place_calls(server: Server, seconds: float) -> list[float]:
    """Place calls as a customer, who is never refused; how long each answer took, in seconds."""
    took = []
    loop = asyncio.get_running_loop()
    headers = {"Authorization": server.deployment.authorization}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        async for number in moments(CALLS_PER_SECOND, seconds):
            lines = {"user_line": user_number(number), "destination_line": destination_number(number)}
            began_at = loop.time()
            async with session.post("/api/v1/call", json=lines) as answer:
                assert answer.status == 200
            took.append(loop.time() - began_at)
    return took


@pytest.mark.parametrize(
    ("addresses", "calm"),
    # Of one address and account ten in a minute, of one network (/24) a hundred; each further guess pushes the next away.
    [(ONE_ADDRESS, range(10, 40)), (MANY_ADDRESSES, range(400, 640))],
    ids=["one address", "200 addresses"],
)
async def test_guesses_are_slowed_down_and_the_customer_is_not(
    server: Server, client: Client, busy_user: Phone, addresses: list[str], calm: range
) -> None:
    usually = await place_calls(server, CALM_SECONDS)
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    statuses, meanwhile = await asyncio.gather(
        guess(server, addresses), place_calls(server, GUESSES / GUESSES_PER_SECOND)
    )

    assert (set(statuses), statuses.total()) == ({401, 429}, GUESSES)
    # A slow machine takes more than a minute, and each has its own.
    minutes = 1 + int((loop.time() - began_at) / 60.0)
    assert statuses[401] in range(calm.start, minutes * calm.stop)
    assert max(meanwhile) < PATIENCE_SECONDS
    assert median(meanwhile) < SLOWER * median(usually) + BUSY_SECONDS
    await client.sees_nothing_left()
    assert len(busy_user.legs) == len(usually) + len(meanwhile)
