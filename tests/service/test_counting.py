"""Counting in the background: batches until nothing is left, then now and then; what fails is tried again."""

import asyncio
import threading

import pytest
from structlog.testing import capture_logs

from ringbridge.call.errors import StoreUnavailable
from ringbridge.service import counting
from ringbridge.service.clock import Clock

PATIENCE_SECONDS = 30.0


class Uncounted:
    """A double of the store: so many calls wait; each of `failures` is raised once, before anything is counted."""

    def __init__(self, waiting: int, *, failures: list[Exception] | None = None, rounds: int = 1) -> None:
        self.waiting = waiting
        self.failures = failures or []
        self.done: list[str] = []
        self.rounds = rounds
        self.is_over = threading.Event()

    def count(self, until: float, limit: int) -> int:
        assert abs(until + counting.SETTLING_SECONDS - Clock().utc_now()) < PATIENCE_SECONDS
        if self.failures:
            raise self.failures.pop(0)
        counted = min(self.waiting, limit)
        self.waiting -= counted
        self.done.append(f"count {counted}")
        if not counted:
            self.rounds -= 1
            # What follows an empty batch for the first time is not over yet.
            if self.rounds < 0:
                self.is_over.set()
        return counted

    def prune(self, now_utc: float) -> None:
        self.done.append("prune")

    def recount(self, since: float, until: float) -> int:
        assert until - since == pytest.approx(86_400.0)
        self.done.append("recount")
        return 2


async def counted(store: Uncounted, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done until so many rounds were over."""
    monkeypatch.setattr(counting, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(counting, "ROUND_SECONDS", 0.001)
    async with counting.counting(store, Clock()):  # type: ignore[arg-type]
        assert await asyncio.to_thread(store.is_over.wait, PATIENCE_SECONDS)
    return store.done


async def test_a_backlog_is_counted_first_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as logs:
        done = await counted(Uncounted(1200), monkeypatch)
    assert done[:7] == ["count 500", "count 500", "count 200", "count 0", "prune", "recount", "count 0"]
    # Within the hour, nothing is tidied again.
    assert done.count("prune") == 1
    assert [(line["event"], line.get("calls"), line.get("hours")) for line in logs] == [
        ("statistics.counted", 1200, None),
        ("statistics.recounted", None, 2),
    ]


async def test_what_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [StoreUnavailable("gone fishing"), ValueError("a bug")]
    with capture_logs() as logs:
        done = await counted(Uncounted(7, failures=failures), monkeypatch)
    assert done[:2] == ["count 7", "count 0"]
    assert [line["log_level"] for line in logs if line["event"] == "statistics.not_counted"] == [
        "warning",
        "error",
    ]
