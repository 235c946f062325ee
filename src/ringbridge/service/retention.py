"""Deleting what accounts do not want to keep any more, while the server runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from ringbridge.call.errors import CallError
from ringbridge.call.record import RecordStore
from ringbridge.service.clock import Clock
from ringbridge.tasks import beside, is_set_within

log = structlog.get_logger()

SWEEP_SECONDS = 3600.0

# Calls that are being placed wait for a batch at most, and have the database to themselves ten times as long.
_BATCH = 200
_PAUSE_SECONDS = 0.2


@asynccontextmanager
async def sweeping(records: RecordStore, clock: Clock) -> AsyncIterator[None]:
    """While entered, delete old calls: at once, and every hour. What fails is logged and tried again with the next sweep."""
    async with beside(lambda stopped: _sweep(records, clock, stopped)):
        yield


async def _sweep(records: RecordStore, clock: Clock, stopped: asyncio.Event) -> None:
    deleted = 0
    while True:
        try:
            count = await asyncio.to_thread(records.sweep, clock.utc_now(), _BATCH)
        except CallError as error:
            log.warning("records.not_swept", error=str(error))
            count = 0
        except Exception:
            log.exception("records.not_swept")
            count = 0
        deleted += count
        is_done = count < _BATCH
        if is_done and deleted:
            log.info("records.swept", calls=deleted)
            deleted = 0
        if await is_set_within(stopped, SWEEP_SECONDS if is_done else _PAUSE_SECONDS):
            return
