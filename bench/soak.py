"""Watches a server at work for a while, for what grows: `.venv/bin/python -m bench.soak --help`.

Complete calls at an even rate by a pair of SIPp phones. With --company there are, beside them, webhooks that take every
event, readers of the stream of events who come and go, and somebody signed in who looks at pages. Printed are, every
half minute, memory, file descriptors and threads of the server and what it started, tasks of its event loop, the sizes
of its files, and at the end the rows of the tables and what a thousand calls of the second half added.
"""

import argparse
import asyncio
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import aiohttp
from tests.peers.tool import LOOPBACK

from bench.driver import OwnServer
from bench.portal_pages import TOKEN, sign_in
from bench.process import family, open_files, resident_kib, threads
from bench.trial import Target, run_trial
from ringbridge.service.authentication import parse_basic
from ringbridge.store.database import open_database

HOLD_MS = 1000
SAMPLE_SECONDS = 30.0
# A stretch of calls has its own phones; between two nothing is up.
STRETCH_SECONDS = 60.0
READERS = 5
READER_SECONDS = 7.0
PAGES = ("/", "/history", "/live", "/limits")
PAGE_SECONDS = 1.0

_GAUGES = ("tasks", "calls", "media_sessions", "sip_sessions", "sip_transactions")


class Sample(NamedTuple):
    """How a server stands: seconds since the start, calls so far, and what is counted by its name."""

    at: float
    calls: int
    values: dict[str, float]


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second (default: 20)")
    parser.add_argument(
        "--company", action="store_true", help="webhooks, readers of events, a portal session"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ringbridge-bench-") as name:
        servers = OwnServer(
            Path(name), {"RINGBRIDGE_WEBHOOK_PRIVATE": "127.0.0.0/8", "RINGBRIDGE_LOG_LEVEL": "info"}
        )
        with servers.running("udp") as target:
            soak = _Soak(target, Path(name), options.rate)
            asyncio.run(soak.run(options.minutes * 60.0, has_company=options.company))
    return 0


class _Soak:
    def __init__(self, target: Target, folder: Path, rate: float) -> None:
        assert target.data_dir is not None, "it is a server of this repository"
        self._target, self._folder, self._rate = target, folder, rate
        self._data_dir = target.data_dir
        self._root = target.url.removesuffix("/api/v1/call")
        self._samples: list[Sample] = []
        self._calls = 0
        self._began = time.monotonic()

    async def run(self, seconds: float, *, has_company: bool) -> None:
        """Calls for so long; prints what it sees."""
        async with AsyncExitStack() as stack:
            if has_company:
                await stack.enter_async_context(self._company())
            watching = asyncio.create_task(self._watch())
            while time.monotonic() < self._began + seconds:
                calls = int(self._rate * STRETCH_SECONDS)
                result = await run_trial(
                    self._target,
                    first=self._calls,
                    calls=calls,
                    rate=self._rate,
                    hold_ms=HOLD_MS,
                    folder=self._folder / f"stretch-{self._calls}",
                    is_captured=False,
                    is_weighed=False,
                )
                self._calls += calls
                if not result.every_call_complete:
                    print(f"{result.complete} of {calls} complete: {dict(result.answers)}", flush=True)
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        await asyncio.sleep(SAMPLE_SECONDS)
        await self._sample()
        self._conclude()

    async def _watch(self) -> None:
        while True:
            await self._sample()
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _sample(self) -> None:
        values: dict[str, float] = {}
        for name, pid in family(self._target.processes["server"]).items():
            values[f"{name} KiB"] = resident_kib(pid)
            values[f"{name} fds"] = open_files(pid)
            values[f"{name} threads"] = threads(pid)
        for name in ("ringbridge.db", "ringbridge.db-wal", "serve.log"):
            file = self._data_dir / name
            values[f"{name} KiB"] = file.stat().st_size // 1024 if file.exists() else 0
        async with aiohttp.ClientSession() as http, http.get(f"{self._root}/metrics") as answer:
            shown = await answer.text()
        for name in _GAUGES:
            found = re.search(rf"^ringbridge_{name} (\S+)", shown, re.MULTILINE)
            if found is not None:
                values[name] = float(found[1])
        accepted = self._rows("SELECT count(*) FROM records")
        sample = Sample(time.monotonic() - self._began, accepted, values)
        self._samples.append(sample)
        words = "  ".join(f"{name} {value:g}" for name, value in values.items())
        print(f"{sample.at:6.0f} s  {accepted} records  {words}", flush=True)

    def _rows(self, statement: str) -> int:
        with closing(sqlite3.connect(f"file:{self._data_dir}/ringbridge.db?mode=ro", uri=True)) as database:
            (count,) = database.execute(statement).fetchone()
            return int(count)

    def _conclude(self) -> None:
        first, last = self._samples[len(self._samples) // 2], self._samples[-1]
        calls = max(1, last.calls - first.calls)
        print(f"\nby a thousand calls, over the last {calls}:")
        for name, value in last.values.items():
            print(f"  {name:28} {(value - first.values.get(name, 0.0)) * 1000 / calls:+10.1f}")
        print("rows in the end:")
        with closing(sqlite3.connect(f"file:{self._data_dir}/ringbridge.db?mode=ro", uri=True)) as database:
            tables = [
                name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
        for table in tables:
            if count := self._rows(f"SELECT count(*) FROM {table}"):
                print(f"  {table:28} {count:10}")

    @asynccontextmanager
    async def _company(self) -> AsyncIterator[None]:
        """Webhooks, readers and somebody at the portal, while entered."""
        credentials = parse_basic(self._target.headers["Authorization"])
        assert credentials is not None
        engine = open_database(f"sqlite:///{self._data_dir}/ringbridge.db")
        sign_in(engine, credentials[0])
        engine.dispose()
        async with (
            await asyncio.start_server(_take, LOOPBACK, 0) as receiver,
            aiohttp.ClientSession(self._root, headers=self._target.headers) as http,
        ):
            url = f"http://{LOOPBACK}:{receiver.sockets[0].getsockname()[1]}/"
            async with http.post("/api/v2/webhooks", json={"url": url}) as answer:
                assert answer.status == 201, await answer.text()
            people = [asyncio.create_task(self._read(http, number)) for number in range(READERS)]
            people.append(asyncio.create_task(self._look()))
            yield
            for person in people:
                person.cancel()
            await asyncio.gather(*people, return_exceptions=True)

    async def _read(self, http: aiohttp.ClientSession, number: int) -> None:
        """Reads events for a while, goes, and comes back to where it was."""
        last = ""
        await asyncio.sleep(number)
        while True:
            headers = {"Last-Event-ID": last} if last else {}
            with suppress(TimeoutError):
                async with (
                    asyncio.timeout(READER_SECONDS),
                    http.get("/api/v2/events", headers=headers) as answer,
                ):
                    assert answer.status == 200, await answer.text()
                    async for line in answer.content:
                        if line.startswith(b"id:"):
                            last = line[3:].decode().strip()

    async def _look(self) -> None:
        cookies = {"Cookie": f"ringbridge={quote(TOKEN)}"}
        async with aiohttp.ClientSession(self._root, headers=cookies) as http:
            while True:
                for path in PAGES:
                    async with http.get(path, allow_redirects=False) as answer:
                        await answer.read()
                        assert answer.status == 200, f"{path}: {answer.status}"
                    await asyncio.sleep(PAGE_SECONDS)


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A receiver that takes everything."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            await reader.readexactly(0 if length is None else int(length[1]))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
    writer.close()


if __name__ == "__main__":
    sys.exit(main())
