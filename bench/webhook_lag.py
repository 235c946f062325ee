"""Measures what sending webhooks costs the event loop that carries calls: `.venv/bin/python -m bench.webhook_lag --help`.

Two thousand accounts with a webhook each and as many without, and a timer of a millisecond in the loop that stores
their calls' events and has them sent. Printed is how late the timer was: with events that nobody wants, with as many
that receivers take, and while a backlog of one event for each webhook is sent at once. The kinds take turns, and the
medians of the rounds count, so that what else the machine does touches all alike. Busy is the loop's own work between
two ticks, in time of the processor, which other programs do not touch at all.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from sqlalchemy import Engine, insert
from tests.store.samples import a_call, accept, completed, ringing
from tests.store.samples import event as call_event

from bench.webhooks import receive
from ringbridge.call.webhook import WebhookFormat
from ringbridge.notify.address import PRIVATE_NETWORKS
from ringbridge.notify.dispatcher import Dispatcher, Sends
from ringbridge.notify.metrics import Metrics
from ringbridge.notify.sender import Sender
from ringbridge.notify.sending_process import SendingProcess
from ringbridge.service.webhooks import new_webhook
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import migrate, open_database, writing
from ringbridge.store.lock import ServerLock
from ringbridge.store.outbox import Outbox
from ringbridge.store.tables import accounts
from ringbridge.store.webhook_row import webhook_row
from ringbridge.store.webhook_tables import webhooks

WEBHOOKS = 2_000
GOAL_MS = 5.0
EVENTS_OF_A_CALL = 8
_TICK_SECONDS = 0.001


def main() -> int:
    """Run it; 0 if the goal was met."""
    parser = argparse.ArgumentParser(prog="bench.webhook_lag", description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second (default: 20)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each kind in each round (default: 4)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument(
        "--in-the-loop", action="store_true", help="send without a process of its own, to compare"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ringbridge-bench-") as name:
        house = _House(Path(name), options.rate, options.seconds, options.in_the_loop)
        return uvloop.run(house.measure(options.rounds))


class _House:
    """A database, a receiver in a process of its own, and what of a server sends."""

    def __init__(self, folder: Path, rate: float, seconds: float, in_the_loop: bool) -> None:
        self._rate, self._seconds, self._in_the_loop = rate, seconds, in_the_loop
        self._engine = _provisioned(folder)
        self._outbox = Outbox(self._engine)
        self._calls = 0

    async def measure(self, rounds: int) -> int:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        receiver = context.Process(target=receive, args=(theirs,), daemon=True)
        receiver.start()
        taking, _ = await asyncio.to_thread(ours.recv)
        _add_webhooks(self._engine, taking)
        found: dict[str, list[tuple[float, ...]]] = {"idle": [], "without": [], "with": [], "backlog": []}
        with ServerLock(self._engine) as lock:
            async with (
                SqlCallStore(self._engine, lock, self._outbox) as store,
                _sender(self._in_the_loop) as sender,
            ):
                self._store, self._sender = store, sender
                for _ in range(rounds):
                    async with self._dispatching():
                        found["idle"].append(await _lateness(asyncio.sleep(self._seconds)))
                        for kind in ("without", "with"):
                            found[kind].append(await _lateness(self._steady(kind)))
                            await asyncio.sleep(1.0)
                    found["backlog"].append(await self._backlog())
        ours.send(None)
        print(f"{await asyncio.to_thread(ours.recv)} events were taken by receivers")
        receiver.join()
        self._engine.dispose()
        p99s = {}
        print(
            f"medians of {rounds} rounds, in ms    late: p50     p99     most | busy at a stretch: p99    most | in all"
        )
        for kind, rows in found.items():
            p50, p99s[kind], most, busy, most_busy, in_all = (
                statistics.median(column) for column in zip(*rows, strict=True)
            )
            print(
                f"{kind:34} {p50:7.2f} {p99s[kind]:7.2f} {most:8.2f} | {busy:20.2f} {most_busy:8.2f} | {in_all:6.0f}"
            )
        return 0 if max(p99s["with"], p99s["backlog"]) - p99s["without"] < GOAL_MS else 1

    @asynccontextmanager
    async def _dispatching(self) -> AsyncIterator[None]:
        async with Dispatcher(self._outbox, self._sender, self._store.save_attempt, time.time, Metrics()):
            yield

    async def _steady(self, kind: str) -> None:
        """Calls of accounts of this kind, with all their events."""
        async with asyncio.TaskGroup() as group:
            for _ in range(int(self._rate * self._seconds)):
                group.create_task(self._call(kind))
                await asyncio.sleep(1.0 / self._rate)

    async def _call(self, kind: str) -> None:
        self._calls += 1
        call = a_call(f"{kind}-{self._calls}", account_id=f"{kind}-{self._calls % WEBHOOKS}")
        await accept(self._store, call)
        for sequence in range(2, EVENTS_OF_A_CALL):
            self._store.save(ringing(call), call_event(call, sequence, "user_ringing", 1.0))
            await asyncio.sleep(0.05)
        self._store.save(completed(call), call_event(call, EVENTS_OF_A_CALL, "ended", 20.0))

    async def _backlog(self) -> tuple[float, ...]:
        """One event of each account waits, and then is sent."""
        calls = [
            a_call(f"backlog-{self._calls}-{index}", account_id=f"with-{index}") for index in range(WEBHOOKS)
        ]
        self._calls += 1
        for at in range(0, WEBHOOKS, 100):
            await asyncio.gather(*(accept(self._store, call) for call in calls[at : at + 100]))

        async def sent() -> None:
            async with self._dispatching():
                while await self._outbox.pending():  # noqa: ASYNC110 - the database tells nobody that it is empty
                    await asyncio.sleep(0.5)

        return await _lateness(sent())


@asynccontextmanager
async def _sender(in_the_loop: bool) -> AsyncIterator[Sends]:
    async with (Sender if in_the_loop else SendingProcess)(PRIVATE_NETWORKS) as sender:
        yield sender


async def _lateness(work: Awaitable[object]) -> tuple[float, ...]:
    """How late a timer was during the work, in ms: half of the time, in 99 of 100 cases, and at most."""
    loop = asyncio.get_running_loop()
    late: list[float] = []
    busy: list[float] = []
    used = time.thread_time()
    due = loop.time() + _TICK_SECONDS
    handle: asyncio.TimerHandle

    def tick() -> None:
        nonlocal due, handle, used
        now = time.monotonic()
        late.append((now - due) * 1000.0)
        used, before = time.thread_time(), used
        busy.append((used - before) * 1000.0)
        due = now + _TICK_SECONDS
        handle = loop.call_later(_TICK_SECONDS, tick)

    due = time.monotonic() + _TICK_SECONDS
    handle = loop.call_later(_TICK_SECONDS, tick)
    await work
    handle.cancel()
    return (
        statistics.quantiles(late, n=100)[49],
        statistics.quantiles(late, n=100)[98],
        max(late),
        statistics.quantiles(busy, n=100)[98],
        max(busy),
        sum(busy),
    )


def _provisioned(folder: Path) -> Engine:
    engine = open_database(f"sqlite:///{folder}/ringbridge.db")
    migrate(engine)
    rows = [
        {"id": f"{kind}-{index}", "name": kind, "country": "US", "language": "en", "suspended": False}
        for kind in ("without", "with")
        for index in range(WEBHOOKS)
    ]
    with writing(engine) as connection:
        connection.execute(insert(accounts), rows)
    return engine


def _add_webhooks(engine: Engine, url: str) -> None:
    made = [
        new_webhook(
            f"with-{index}", url=url, name=None, kind=WebhookFormat.RINGBRIDGE, events=[], utc_now=0.0
        )
        for index in range(WEBHOOKS)
    ]
    with writing(engine) as connection:
        connection.execute(insert(webhooks), [webhook_row(webhook) for webhook in made])


if __name__ == "__main__":
    sys.exit(main())
