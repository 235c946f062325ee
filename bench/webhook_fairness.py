"""Measures whether a webhook whose receiver never answers delays those beside it (row H1): `.venv/bin/python -m bench.webhook_fairness`.

Simulated calls of accounts with one webhook whose receiver takes everything, and of accounts that have beside it one whose
receiver never answers. Printed is how long after its time an event came to the receiver that takes everything. The kinds take
turns; the exit status is 1 if the slowest event beside the bad receiver came over a second later than the slowest without it.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
from tests.peers.server import Deployment, Server
from tests.peers.tool import LOOPBACK

from bench.webhooks import place, provision

ACCOUNTS = 200
GOAL_SECONDS = 1.0
# A simulated call is over by then, and its events are told.
_REST_SECONDS = 8.0


def main() -> int:
    """Run it; 0 if the goal was met."""
    parser = argparse.ArgumentParser(prog="bench.webhook_fairness", description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second (default: 20)")
    parser.add_argument("--calls", type=int, default=200, help="of each kind in each round (default: 200)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ringbridge-bench-") as name:
        return asyncio.run(_measure(Path(name), options.rate, options.calls, options.rounds))


async def _measure(folder: Path, rate: float, calls: int, rounds: int) -> int:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    receiver = context.Process(target=receive, args=(theirs,), daemon=True)
    receiver.start()
    taking, silent = await asyncio.to_thread(ours.recv)
    kinds = {"alone": [taking], "beside a silent one": [taking, silent]}
    callers = provision(folder / "data", kinds, accounts=ACCOUNTS)
    deployment = Deployment(
        data_dir=folder / "data", account_id="", authorization="", user_port=0, trunk_port=0, host=LOOPBACK
    )
    late: dict[str, list[list[float]]] = {kind: [] for kind in kinds}
    settings = {"RINGBRIDGE_WEBHOOK_PRIVATE": "127.0.0.0/8", "RINGBRIDGE_LOG_LEVEL": "error"}
    with Server.running(deployment, settings=settings) as server:
        async with aiohttp.ClientSession(server.url) as session:
            for _ in range(rounds):
                for kind, accounts in callers.items():
                    await place(session, [accounts[index % ACCOUNTS] for index in range(calls)], rate)
                    await asyncio.sleep(_REST_SECONDS)
                    ours.send("how late?")
                    late[kind].append(await asyncio.to_thread(ours.recv))
    ours.send(None)
    receiver.join()
    slowest = []
    for kind, found in late.items():
        p50, p99 = (statistics.median(_percentile(one, part) for one in found) for part in (50, 99))
        slowest.append(max(map(max, found)))
        events = sum(map(len, found))
        print(
            f"{kind:20} {events} events came after: p50 {p50:.3f} s  p99 {p99:.3f} s  at most {slowest[-1]:.3f} s"
        )
    return 0 if slowest[1] - slowest[0] < GOAL_SECONDS else 1


def _percentile(values: list[float], part: int) -> float:
    return statistics.quantiles(values, n=100)[part - 1]


def receive(pipe: Connection) -> None:
    """A process of two receivers; tells where they are, and whenever it is asked how late what came since then was, in seconds."""
    asyncio.run(_serve_until_told(pipe))


async def _serve_until_told(pipe: Connection) -> None:
    late: list[float] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                )
                event = json.loads(await reader.readexactly(int(length.partition(b":")[2])))
                late.append(time.time() - datetime.fromisoformat(event["timestamp"]).timestamp())
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with (
        await asyncio.start_server(take, LOOPBACK, 0) as taker,
        await asyncio.start_server(keep_silent, LOOPBACK, 0) as silent,
    ):
        pipe.send([f"http://{LOOPBACK}:{one.sockets[0].getsockname()[1]}/" for one in (taker, silent)])
        while await asyncio.to_thread(pipe.recv) is not None:
            pipe.send(late.copy())
            late.clear()


if __name__ == "__main__":
    sys.exit(main())
