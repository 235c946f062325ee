"""What is done after each change of the directory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ringbridge import surroundings
from ringbridge.call.errors import StoreUnavailable
from ringbridge.store.part import ALL_PARTS, Part
from ringbridge.surroundings import Surroundings
from tests.service.double import MemoryDirectory

PATIENCE_SECONDS = 60.0


class ToldDirectory(MemoryDirectory):
    """A directory whose changes a test tells of."""

    on_change: Callable[[frozenset[Part]], None]

    @asynccontextmanager
    async def watch(self, on_change: Callable[[frozenset[Part]], None]) -> AsyncIterator[None]:
        self.on_change = on_change
        yield


class Neighbours:
    """Engine, dispatcher and withdrawals in one: counts what each is asked for."""

    def __init__(self) -> None:
        self.looks: asyncio.Queue[int] = asyncio.Queue()
        self.look_errors: list[Exception] = []
        self.hangs = False
        self._refreshed = asyncio.Event()
        self.asked: list[str] = []
        self.errors: list[Exception] = []

    def know_trunks(self, trunks: Any) -> None:
        self.asked.append("trunks")

    async def know_peers(self, places: list[str]) -> None:
        self.asked.append("peers")
        self._refreshed.set()
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.errors:
            raise self.errors.pop()

    def know_devices(self, line_ids: list[str]) -> None:
        self.asked.append("devices")
        self._refreshed.set()

    async def refresh(self) -> None:
        self.asked.append("webhooks")
        self._refreshed.set()

    async def look(self) -> None:
        if self.look_errors:
            raise self.look_errors.pop()
        self.looks.put_nowait(1)

    async def until_asked(self, asked: list[str]) -> None:
        """Wait until it was asked for this and nothing else."""
        while len(self.asked) < len(asked):
            self._refreshed.clear()
            await self._refreshed.wait()
        assert self.asked == asked


@pytest.mark.parametrize("errors", [[], [StoreUnavailable("gone")], [RuntimeError("a bug")]])
async def test_after_a_change_calls_are_looked_at_twice(
    monkeypatch: pytest.MonkeyPatch, errors: list[Exception]
) -> None:
    """A call that was being stored at the time of the change is up by the second time; an error is outlived."""
    monkeypatch.setattr(surroundings, "_SETTLING_SECONDS", 0.01)
    monkeypatch.setattr(surroundings, "_RETRY_SECONDS", 0.01)
    directory, neighbours = ToldDirectory(), Neighbours()
    kept: Any = Surroundings(directory)  # type: ignore[arg-type]
    kept.engine = kept.dispatcher = kept.withdrawals = neighbours
    neighbours.look_errors = list(errors)
    async with asyncio.timeout(PATIENCE_SECONDS), kept.kept_up_to_date():
        directory.on_change(ALL_PARTS)
        for _ in range(2):
            await neighbours.looks.get()
    assert neighbours.look_errors == []


async def test_a_revocation_does_not_wait_for_names_that_hang() -> None:
    directory, neighbours = ToldDirectory(), Neighbours()
    kept: Any = Surroundings(directory)  # type: ignore[arg-type]
    kept.engine = kept.dispatcher = kept.withdrawals = neighbours
    neighbours.hangs = True
    async with asyncio.timeout(PATIENCE_SECONDS), kept.kept_up_to_date():
        for part, asked in ((Part.LINES, ["peers"]), (Part.KEYS, ["peers"])):
            directory.on_change(frozenset({part}))
            await neighbours.until_asked(asked)
            await neighbours.looks.get()


@pytest.mark.parametrize(
    ("parts", "asked"),
    [
        ({Part.KEYS}, []),
        ({Part.ACCOUNTS, Part.LIMITS, Part.DO_NOT_CALL, Part.RATES}, []),
        ({Part.WEBHOOKS}, ["webhooks"]),
        ({Part.LINES}, ["peers", "devices"]),
        ({Part.TRUNKS}, ["trunks", "peers"]),
        (ALL_PARTS, ["trunks", "peers", "devices", "webhooks"]),
    ],
)
async def test_what_did_not_change_is_not_read_again(parts: set[Part], asked: list[str]) -> None:
    directory, neighbours = ToldDirectory(), Neighbours()
    kept: Any = Surroundings(directory)  # type: ignore[arg-type]
    kept.engine = kept.dispatcher = kept.withdrawals = neighbours
    async with asyncio.timeout(PATIENCE_SECONDS), kept.kept_up_to_date():
        directory.on_change(frozenset(parts))
        await neighbours.looks.get()
        await neighbours.until_asked(asked)
    assert neighbours.asked == asked


async def test_what_could_not_be_read_is_read_again_with_what_changed_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(surroundings, "_RETRY_SECONDS", 0.01)
    directory, neighbours = ToldDirectory(), Neighbours()
    kept: Any = Surroundings(directory)  # type: ignore[arg-type]
    kept.engine = kept.dispatcher = kept.withdrawals = neighbours
    neighbours.errors = [StoreUnavailable("gone")]
    async with asyncio.timeout(PATIENCE_SECONDS), kept.kept_up_to_date():
        directory.on_change(frozenset({Part.LINES}))
        await neighbours.until_asked(["peers", "peers", "devices"])
