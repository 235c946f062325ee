"""A customer at work, alone and beside somebody who guesses keys (row A5): how long an answer takes, and what a guess costs.

The guesser has a process of his own, so that what he does costs the customer nothing but what it costs the server. He
comes over a new connection for each key, which is the dearest way. The kinds take turns by ten seconds, so that what
else the machine does touches all alike.
"""

import asyncio
import multiprocessing
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

from bench.customer import Customer, busy_user
from bench.process import cpu_seconds
from bench.report import Figure, Table
from bench.trial import Target
from ringbridge.service.authentication import parse_basic
from ringbridge.service.credential import new_key
from ringbridge.service.example import authorization

GUESSES = 2_000
SLICE_SECONDS = 10.0
CALLS_PER_SECOND = 5.0
# Of each kind, for the slowest in a hundred to be more than a single one.
SAMPLES = 500
SLICES = int(SAMPLES / SLICE_SECONDS / CALLS_PER_SECOND)
# How much longer an answer may take beside the guessing.
SLOWER = 2.0

ADDRESSES: dict[str, Sequence[str]] = {
    "alone": (),
    "beside one address": ("127.7.6.1",),
    "beside 200 addresses": tuple(
        f"127.7.{network}.{host}" for host in range(1, 51) for network in range(10, 14)
    ),
}


async def measure_guessing(target: Target, runs: int) -> Table:
    """The figures of `runs` runs, each of SAMPLES calls of every kind. Raises AssertionError if a customer was refused."""
    p50s: dict[str, list[float]] = {kind: [] for kind in ADDRESSES}
    p99s: dict[str, list[float]] = {kind: [] for kind in ADDRESSES}
    costs: list[float] = []
    customer = Customer(target, CALLS_PER_SECOND)
    async with busy_user(target), _guesser(target) as guesser:
        for _ in range(runs):
            took: dict[str, list[float]] = {kind: [] for kind in ADDRESSES}
            cpu: Counter[str] = Counter()
            for _ in range(SLICES):
                for kind, addresses in ADDRESSES.items():
                    before = cpu_seconds(target.processes["server"])
                    guesser.send(addresses)
                    took[kind] += await customer.work(SLICE_SECONDS)
                    assert not customer.refused, customer.refused
                    statuses = await asyncio.to_thread(guesser.recv)
                    cpu[kind] += cpu_seconds(target.processes["server"]) - before
                    assert statuses.total() == (GUESSES if addresses else 0), statuses
            for kind, found in took.items():
                parts = statistics.quantiles(found, n=100)
                p50s[kind].append(parts[49])
                p99s[kind].append(parts[98])
            costs.append((sum(cpu.values()) - 3 * cpu["alone"]) * 1000 / (2 * SLICES * GUESSES))
    kinds = list(ADDRESSES)
    return Table(
        f"Answers to {CALLS_PER_SECOND:g} calls/s beside {GUESSES / SLICE_SECONDS:g} wrong keys/s, {SAMPLES} of each kind in a run",
        [
            *(Figure(f"{kind}, p50", "ms", p50s[kind]) for kind in kinds),
            *(Figure(f"{kind}, p99", "ms", p99s[kind]) for kind in kinds),
            *(
                Figure(
                    f"{kind}, p99 to that alone",
                    "times",
                    [there / alone for there, alone in zip(p99s[kind], p99s["alone"], strict=True)],
                    goal=SLOWER,
                )
                for kind in kinds[1:]
            ),
            Figure("CPU time of the server for a guess", "ms", costs),
        ],
    )


@asynccontextmanager
async def _guesser(target: Target) -> AsyncIterator[Connection]:
    """The process that guesses while it is told addresses, for a slice each time, and says how often each status was the answer."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    account = parse_basic(target.headers["Authorization"])
    assert account is not None, "the account whose keys are guessed is the customer's"
    process = context.Process(target=guess_when_told, args=(theirs, target.url, account[0]), daemon=True)
    process.start()
    try:
        yield ours
    finally:
        ours.send(None)
        await asyncio.to_thread(process.join)


def guess_when_told(pipe: Connection, url: str, account_id: str) -> None:
    """The process of the guesser."""
    while (addresses := pipe.recv()) is not None:
        pipe.send(asyncio.run(_guess(url, account_id, addresses)) if addresses else Counter())


async def _guess(url: str, account_id: str, addresses: Sequence[str]) -> Counter[str]:
    """Try GUESSES keys of the account at an even rate, from the addresses in turn."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.rpartition(":")
    statuses: Counter[str] = Counter()
    loop = asyncio.get_running_loop()

    async def try_one(number: int) -> None:
        head = (
            f"POST /{path} HTTP/1.1",
            f"host: {host}",
            f"authorization: {authorization(account_id, _wrong_key(number))}",
            "content-length: 0",
            "connection: close",
        )
        address = addresses[number % len(addresses)]
        reader, writer = await asyncio.open_connection(name, int(port), local_addr=(address, 0))
        writer.write("\r\n".join((*head, "", "")).encode())
        answer = await reader.read()
        writer.close()
        statuses[answer[9:12].decode()] += 1

    began_at = loop.time()
    async with asyncio.TaskGroup() as tries:
        for number in range(GUESSES):
            await asyncio.sleep(max(0.0, began_at + number * SLICE_SECONDS / GUESSES - loop.time()))
            tries.create_task(try_one(number))
    return statuses


def _wrong_key(number: int) -> str:
    """A well-formed key that opens nothing."""
    return new_key(b"", "", "", 0.0, lambda octets: (number + 1).to_bytes(octets, "big"))[1]
