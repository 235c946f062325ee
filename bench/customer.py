"""A customer who places calls at an even rate, while something else is done to the server."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from tests.peers.phone import Leg, Phone

from bench.trial import INDEX_DIGITS, Target

_ANSWER_SECONDS = 30.0
_LINES = 10**INDEX_DIGITS


class Customer:
    """Places calls from one line after the other, over connections that are kept.

    refused: the statuses other than 200, and how often each was the answer.
    """

    def __init__(self, target: Target, calls_per_second: float) -> None:
        self._target = target
        self._calls_per_second = calls_per_second
        self._calls = 0
        self.refused: Counter[int] = Counter()

    async def work(self, seconds: float) -> list[float]:
        """How long the answers to the calls of so many seconds took, in ms."""
        loop = asyncio.get_running_loop()
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        async with aiohttp.ClientSession(headers=self._target.headers, timeout=timeout) as http:
            began_at = loop.time()
            calls = []
            for number in range(int(self._calls_per_second * seconds)):
                await asyncio.sleep(max(0.0, began_at + number / self._calls_per_second - loop.time()))
                calls.append(asyncio.create_task(self._place(http)))
            return list(await asyncio.gather(*calls))

    async def work_beside(self, work: asyncio.Task[object]) -> list[float]:
        """The same, second by second until the work is done."""
        took = await self.work(1.0)
        while not work.done():
            took += await self.work(1.0)
        return took

    async def _place(self, http: aiohttp.ClientSession) -> float:
        self._calls += 1
        digits = f"{self._calls % _LINES:0{INDEX_DIGITS}d}"
        fields = {
            "user_line": self._target.user_line.replace("{index}", digits),
            "destination_line": self._target.destination_line.replace("{index}", digits),
        }
        began_at = time.perf_counter()
        async with http.post(self._target.url, json=fields) as answer:
            await answer.read()
        if answer.status != 200:
            self.refused[answer.status] += 1
        return (time.perf_counter() - began_at) * 1000


@asynccontextmanager
async def busy_user(target: Target) -> AsyncIterator[None]:
    """The users' phone is busy, so that calls are over at once."""

    def refuse(leg: Leg) -> None:
        leg.refuse(486)

    async with Phone.listening(target.user_port, on_leg=refuse):
        yield
