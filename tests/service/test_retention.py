"""The sweep of what accounts do not want to keep any more."""

import asyncio
import threading

import pytest
from structlog.testing import capture_logs

from ringbridge.call.errors import StoreUnavailable
from ringbridge.service import retention
from ringbridge.service.clock import Clock

PATIENCE_SECONDS = 30.0


class OldCalls:
    """A double of the records: so many old calls; it may be out of order `failures` times."""

    def __init__(self, count: int, *, failures: int = 0) -> None:
        self.left = count
        self.failures = failures
        self.sweeps: list[int] = []
        self.is_swept = threading.Event()

    def sweep(self, now_utc: float, limit: int) -> int:
        assert abs(now_utc - Clock().utc_now()) < PATIENCE_SECONDS
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("The database is not available: gone fishing")
        deleted = min(limit, self.left)
        self.left -= deleted
        self.sweeps.append(deleted)
        if deleted < limit:
            self.is_swept.set()
        return deleted


async def swept(records: OldCalls) -> list[int]:
    """How many were deleted by each batch until none was left."""
    async with retention.sweeping(records, Clock()):  # type: ignore[arg-type]
        assert await asyncio.to_thread(records.is_swept.wait, PATIENCE_SECONDS)
    return records.sweeps


async def test_old_calls_go_in_batches_and_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_PAUSE_SECONDS", 0.001)
    with capture_logs() as logs:
        assert await swept(OldCalls(450)) == [200, 200, 50]
    assert [(line["event"], line["calls"]) for line in logs] == [("records.swept", 450)]


async def test_a_sweep_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SWEEP_SECONDS", 0.001)
    with capture_logs() as logs:
        assert (await swept(OldCalls(7, failures=2)))[0] == 7
    assert [line["event"] for line in logs][:3] == ["records.not_swept", "records.not_swept", "records.swept"]
