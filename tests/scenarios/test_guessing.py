"""Row A5: somebody guesses keys, from one address and from many, beside a customer who is at work."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from statistics import quantiles

import aiohttp
import pytest

from ringbridge.demo.curl import authorization
from ringbridge.service.credential import new_key
from tests.peers.server import Deployment, Server

GUESSES = 2_000
AT_ONCE = 20
# What an answer may take beside the guessing, however busy the machine; it takes a few milliseconds.
PATIENCE_SECONDS = 2.0


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    with Server.running(own) as running:
        yield running


def wrong_key(number: int) -> str:
    """A well-formed key that opens nothing."""
    return new_key(b"", "", "", 0.0, lambda octets: number.to_bytes(octets, "big"))[1]


async def guess(server: Server, numbers: range, address: str) -> Counter[int]:
    """Try keys of the account from a loopback address, some at a time; how often each status was the answer."""
    statuses: Counter[int] = Counter()
    left = iter(numbers)

    async def some(session: aiohttp.ClientSession) -> None:
        for number in left:
            headers = {"Authorization": authorization(server.deployment.account_id, wrong_key(number))}
            async with session.post("/api/v1/call", data=b"", headers=headers) as answer:
                statuses[answer.status] += 1
                assert ("Retry-After" in answer.headers) == (answer.status == 429)

    connector = aiohttp.TCPConnector(local_addr=(address, 0), limit=AT_ONCE)
    async with aiohttp.ClientSession(server.url, connector=connector) as session:
        await asyncio.gather(*(some(session) for _ in range(AT_ONCE)))
    return statuses


async def work(server: Server, is_over: asyncio.Event) -> list[float]:
    """Ask as a customer until it is over: no answer is a refusal. How long each took, in seconds."""
    took = []
    loop = asyncio.get_running_loop()
    headers = {"Authorization": server.deployment.authorization}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        while not is_over.is_set():
            began_at = loop.time()
            async with session.get("/api/v2/calls?limit=1") as answer:
                assert answer.status == 200
            took.append(loop.time() - began_at)
    return took


@pytest.mark.parametrize(
    ("addresses", "calm"),
    # Of one address and account ten in a minute, of one network (/24) a hundred; each further guess pushes the next away.
    [(["127.7.6.1"], range(10, 40)), ([f"127.7.7.{host}" for host in range(1, 201)], range(100, 160))],
)
async def test_guesses_are_slowed_down_and_the_customer_is_not(
    server: Server, addresses: list[str], calm: range
) -> None:
    is_over = asyncio.Event()
    working = asyncio.create_task(work(server, is_over))
    statuses: Counter[int] = Counter()
    each = GUESSES // len(addresses)
    for index, address in enumerate(addresses):
        statuses += await guess(server, range(index * each + 1, (index + 1) * each + 1), address)
    is_over.set()
    took = await working
    assert (set(statuses), statuses.total()) == ({401, 429}, GUESSES)
    assert statuses[401] in calm
    assert quantiles(took, n=100)[98] < PATIENCE_SECONDS
