"""What is done after each change of the directory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ringbridge import surroundings
from ringbridge.call.errors import StoreUnavailable
from ringbridge.surroundings import Surroundings
from tests.service.double import MemoryDirectory

PATIENCE_SECONDS = 30.0


class ToldDirectory(MemoryDirectory):
    """A directory whose changes a test tells of."""

    on_change: Callable[[], None]

    @asynccontextmanager
    async def _watching(self, on_change: Callable[[], None]) -> AsyncIterator[None]:
        self.on_change = on_change
        yield

    watch = _watching


class Neighbours:
    """Engine, dispatcher and withdrawals in one: counts what each is asked for."""

    def __init__(self) -> None:
        self.looks: asyncio.Queue[int] = asyncio.Queue()
        self.known_trunks: list[str] = []
        self.errors: list[Exception] = []

    def know_trunks(self, trunks: Any) -> None:
        self.known_trunks = [trunk.name for trunk in trunks]

    async def know_peers(self, uris: list[str]) -> None:
        if self.errors:
            raise self.errors.pop()

    def know_devices(self, line_ids: list[str]) -> None:
        pass

    async def refresh(self) -> None:
        pass

    async def look(self) -> None:
        self.looks.put_nowait(1)


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
    neighbours.errors = list(errors)
    async with asyncio.timeout(PATIENCE_SECONDS), kept.kept_up_to_date():
        directory.on_change()
        for _ in range(2):
            await neighbours.looks.get()
    assert (neighbours.errors, neighbours.known_trunks) == ([], ["carrier"])
