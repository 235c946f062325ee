"""Measures what webhooks cost whoever places a call: `.venv/bin/python -m bench.webhooks --help`.

Two thousand accounts with a webhook each and as many without; simulated calls, so that nothing but this server and
the receivers takes part. Printed is how long `POST /api/v1/call` takes without webhooks, with receivers that take
everything, and with receivers that never answer, in turn.
"""

import argparse
import asyncio
import multiprocessing
import secrets
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
from sqlalchemy import event
from tests.peers.server import Deployment, Server, destination_number
from tests.peers.tool import LOOPBACK

from ringbridge.call.directory import AccountLimits, Line, LineKind
from ringbridge.call.webhook import WebhookFormat
from ringbridge.config import load_pepper
from ringbridge.service.credential import new_key
from ringbridge.service.webhooks import new_webhook
from ringbridge.store.administration import Administration
from ringbridge.store.database import migrate, open_database
from ringbridge.store.webhooks import SqlWebhooks

WEBHOOKS = 2_000
GOAL_MS = 5.0

# Both answer, and the destination hangs up after three seconds.
_DESTINATION = destination_number(100)
_NOW = time.time()


def main() -> int:
    """Run it; 0 if the goal was met."""
    parser = argparse.ArgumentParser(prog="bench.webhooks", description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second (default: 20)")
    parser.add_argument(
        "--calls", type=int, default=100, help="calls of each kind in each round (default: 100)"
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds (default: 9)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ringbridge-bench-") as name:
        return asyncio.run(_measure(Path(name), options.rate, options.calls, options.rounds))


async def _measure(folder: Path, rate: float, calls: int, rounds: int) -> int:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    receiver = context.Process(target=receive, args=(theirs,), daemon=True)
    receiver.start()
    taking, silent = await asyncio.to_thread(ours.recv)
    print(f"provisioning {3 * WEBHOOKS} accounts ...", file=sys.stderr)
    urls = {"without": [], "taking": [taking], "silent": [silent]}
    callers = provision(folder / "data", urls, accounts=WEBHOOKS)
    deployment = Deployment(
        data_dir=folder / "data", account_id="", authorization="", user_port=0, trunk_port=0, host=LOOPBACK
    )
    times: dict[str, list[list[float]]] = {kind: [] for kind in callers}
    settings = {"RINGBRIDGE_WEBHOOK_PRIVATE": "127.0.0.0/8", "RINGBRIDGE_LOG_LEVEL": "error"}
    with Server.running(deployment, settings=settings) as server:
        async with aiohttp.ClientSession(server.url) as session:
            await place(session, callers["without"][:50], rate)
            for _ in range(rounds):
                for kind, accounts in callers.items():
                    chosen = [accounts[index % len(accounts)] for index in range(calls)]
                    times[kind].append(await place(session, chosen, rate))
    ours.send(None)
    taken = await asyncio.to_thread(ours.recv)
    receiver.join()
    print(
        f"{rounds} rounds of {calls} calls of each kind at {rate:g}/s; {taken} events were taken by receivers"
    )
    p99s = []
    for kind, found in times.items():
        p50, p99 = (statistics.median(_percentile(one, part) for one in found) for part in (50, 99))
        p99s.append(p99)
        print(f"{kind:8} medians of the rounds: p50 {p50:6.2f} ms  p99 {p99:6.2f} ms")
    return 0 if max(p99s[1:]) - p99s[0] < GOAL_MS else 1


def _percentile(times: list[float], part: int) -> float:
    return statistics.quantiles(times, n=100)[part - 1]


async def place(session: aiohttp.ClientSession, callers: list[tuple[str, str]], rate: float) -> list[float]:
    """Place a call for each of `callers` (header, line) at an even rate; how long each request took, in ms."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(index: int, authorization: str, line: str) -> float:
        await asyncio.sleep(max(0.0, began + index / rate - loop.time()))
        at = time.perf_counter()
        fields = {"user_line": line, "destination_line": _DESTINATION}
        headers = {"Authorization": authorization}
        async with session.post("/api/v1/call", json=fields, headers=headers) as response:
            text = await response.text()
        took = (time.perf_counter() - at) * 1000.0
        assert response.status == 200, f"{response.status}: {text}"
        return took

    return list(await asyncio.gather(*(one(index, *caller) for index, caller in enumerate(callers))))


def provision(
    data_dir: Path, urls: Mapping[str, Sequence[str]], *, accounts: int
) -> dict[str, list[tuple[str, str]]]:
    """So many accounts of each kind with a line each, and webhooks that lead to the URLs of their kind: their headers and lines."""
    data_dir.mkdir(parents=True)
    database = open_database(f"sqlite:///{data_dir}/ringbridge.db")
    # What is thrown away in a minute need not be durable; the server opens the file anew.
    event.listen(database, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    migrate(database)
    administration, webhooks, pepper = (
        Administration(database),
        SqlWebhooks(database),
        load_pepper(data_dir, has_keys=False),
    )
    found: dict[str, list[tuple[str, str]]] = {kind: [] for kind in urls}
    for kind, wanted in urls.items():
        for index in range(accounts):
            account = administration.add_account(f"{kind} {index}", account_id=f"{kind}-{index}").id
            key, text = new_key(pepper, account, "bench", _NOW, secrets.token_bytes, is_test=True)
            administration.add_key(key)
            line = Line(
                id=account, account_id=account, number="201", kind=LineKind.URI, uri=f"sip:1@{LOOPBACK}"
            )
            administration.add_line(line)
            administration.set_limits(account, AccountLimits(duplicates_s=0.0, per_user=10))
            for url in wanted:
                webhooks.add_now(
                    new_webhook(
                        account,
                        url=url,
                        name=None,
                        kind=WebhookFormat.RINGBRIDGE,
                        events=[],
                        utc_now=_NOW,
                    )
                )
            header = "Basic " + b64encode(f"{account}:{text}".encode()).decode()
            found[kind].append((header, "201"))
    database.dispose()
    return found


def receive(pipe: Connection) -> None:
    """A process of two receivers: one takes everything, one never answers. Tells where they are, and then how much came."""
    asyncio.run(_serve_until_told(pipe))


async def _serve_until_told(pipe: Connection) -> None:
    taken = 0

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                )
                await reader.readexactly(int(length.partition(b":")[2]))
                taken += 1
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with (
        await asyncio.start_server(take, LOOPBACK, 0) as taker,
        await asyncio.start_server(keep_silent, LOOPBACK, 0) as silent,
    ):
        pipe.send([f"http://{LOOPBACK}:{one.sockets[0].getsockname()[1]}/" for one in (taker, silent)])
        await asyncio.to_thread(pipe.recv)
        pipe.send(taken)


if __name__ == "__main__":
    sys.exit(main())
