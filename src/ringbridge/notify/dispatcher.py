"""Sends what is in the outbox: each webhook by itself, the events of one call in their order, each until it is taken.

Nothing is only in memory but what is being sent now, so a server that was killed goes on where it was; an event whose
outcome was not written yet is sent again.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from types import TracebackType
from typing import Protocol, Self

import structlog

from ringbridge.call.errors import StoreUnavailable
from ringbridge.call.webhook import Attempt, DeliveryKey, DueDelivery, Reply, Webhook
from ringbridge.notify.lanes import SLOW_SECONDS, Place
from ringbridge.notify.payload import body
from ringbridge.notify.queues import Queue, Queues
from ringbridge.notify.schedule import pause_seconds
from ringbridge.tasks import Tasks

log = structlog.get_logger()

_ROWS_OF_EACH = 64
_DATABASE_PAUSE_SECONDS = 1.0

GONE = 410
"""The status by which a receiver says that it wants no more (Standard Webhooks)."""


class Outbox(Protocol):
    """What is to be sent. See `store.outbox.Outbox`."""

    async def refresh(self) -> set[str]: ...

    def webhook(self, webhook_id: str) -> Webhook | None: ...

    def listen(self, on_news: Callable[[Iterable[str], Iterable[DeliveryKey]], None]) -> None: ...

    async def pending(self) -> dict[str, float]: ...

    async def due(self, webhook_ids: Sequence[str], utc_now: float, limit: int) -> list[DueDelivery]: ...

    async def has_delivered_since(self, webhook_id: str, since: float) -> bool: ...

    async def disable(self, webhook_id: str, reason: str, at: float) -> None: ...


class Sends(Protocol):
    """Sends one request. See `notify.sender.Sender`."""

    async def send(self, webhook: Webhook, event_id: str, body: bytes, utc_now: float) -> Reply: ...


class Observer(Protocol):
    """Counts what is sent."""

    def webhook_tried(self, result: str) -> None:
        """A try is over: `delivered`, `failed` (it will be tried again) or `given_up`."""
        ...

    def webhook_disabled(self) -> None:
        """A webhook was disabled because of its receiver."""
        ...


class Dispatcher:
    """An async context manager: while entered, it sends. Leaving it gives up what is being sent, for the next server.

    save: keeps the outcome of a try; the outbox tells when it is durable.
    """

    def __init__(
        self,
        outbox: Outbox,
        sender: Sends,
        save: Callable[[Attempt], None],
        utc_now: Callable[[], float],
        observer: Observer,
        pause: Callable[[int, float, float], float | None] = pause_seconds,
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._save = save
        self._utc_now = utc_now
        self._observer = observer
        self._pause = pause
        self._queues = Queues()
        self._tasks = Tasks("webhooks.fault")

    async def __aenter__(self) -> Self:
        self._outbox.listen(self._on_news)
        await self._outbox.refresh()
        await self._resume()
        self._tasks.begin(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.cancel()

    async def refresh(self) -> None:
        """Somebody changed which webhooks there are. Raises StoreUnavailable."""
        if await self._outbox.refresh():
            await self._resume()

    async def _resume(self) -> None:
        """Look for all that waits. Raises StoreUnavailable."""
        for webhook_id, due_at in (await self._outbox.pending()).items():
            self._queues.wake_at(due_at, webhook_id)

    def _on_news(self, webhook_ids: Iterable[str], tried: Iterable[DeliveryKey]) -> None:
        for webhook_id in webhook_ids:
            self._queues.wake(webhook_id)
        for key in tried:
            self._queues.let_go(key.webhook_id, key.call_id)

    def wake(self, webhook_id: str) -> None:
        """Look for what waits for this webhook."""
        self._queues.wake(webhook_id)

    async def _run(self) -> None:
        while True:
            await self._queues.until_work(self._utc_now())
            ids = self._queues.take(self._utc_now(), lambda id_: self._outbox.webhook(id_) is not None)
            if not ids:
                continue
            try:
                due = await self._outbox.due(ids, self._utc_now(), _ROWS_OF_EACH)
            except StoreUnavailable as error:
                log.warning("webhooks.not_read", reason=str(error))
                retry_at = self._utc_now() + _DATABASE_PAUSE_SECONDS
                for webhook_id in ids:
                    self._queues.wake_at(retry_at, webhook_id)
                continue
            for (webhook_id, call_id), rows in groupby(due, key=lambda one: one.key[:2]):
                room = self._queues.begin(webhook_id, call_id)
                if room is not None:
                    self._tasks.begin(self._send_in_order(webhook_id, call_id, list(rows), *room))

    async def _send_in_order(
        self, webhook_id: str, call_id: str, rows: list[DueDelivery], queue: Queue, place: Place
    ) -> None:
        slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._queues.slow_down, place)
        try:
            for row in rows:
                webhook = self._outbox.webhook(webhook_id)
                if webhook is not None and webhook.is_of_calls:
                    webhook = replace(webhook, url=row.call_url or "")
                if webhook is None or not await self._try(webhook, row, queue):
                    break
        finally:
            slow.cancel()
            self._queues.end(webhook_id, call_id, queue, place)

    async def _try(self, webhook: Webhook, row: DueDelivery, queue: Queue) -> bool:
        """Send one event; whether it was taken."""
        key, attempts = row.key, row.attempts + 1
        if not webhook.wants(row.notice.name):
            # Somebody changed the webhook since.
            queue.calls[key.call_id] += 1
            self._save(Attempt(key, attempts, self._utc_now(), None, None, "no longer wanted", False))
            return True
        reply = await self._reply(webhook, row)
        now = self._utc_now()
        # Of single calls' webhooks each leads elsewhere: one that fails says nothing of the others.
        queue.failed_last = not reply.is_taken and not webhook.is_of_calls
        next_at = None
        if not reply.is_taken:
            fraction = random.random()  # noqa: S311 - it spreads load, it keeps no secret
            pause = self._pause(attempts, fraction, reply.retry_after_seconds)
            is_over = reply.status == GONE and webhook.is_of_calls
            next_at = None if pause is None or is_over else now + pause
        queue.calls[key.call_id] += 1
        self._save(Attempt(key, attempts, now, next_at, reply.status, reply.error, reply.is_taken))
        if reply.is_taken:
            self._observer.webhook_tried("delivered")
            return True
        self._observer.webhook_tried("failed" if next_at is not None else "given_up")
        log.info(
            "webhook.failed", webhook=webhook.id, event_id=key.event_id, attempts=attempts, reason=reply.error
        )
        if reply.status == GONE:
            await self._disable(webhook, "gone")
        elif next_at is None:
            await self._disable(webhook, "failing", unless_delivered_since=row.created_at)
        else:
            self._queues.wake_at(next_at, webhook.id)
        return False

    async def _reply(self, webhook: Webhook, row: DueDelivery) -> Reply:
        """What comes back for one event."""
        try:
            content = body(row.notice, webhook.format)
            return await self._sender.send(webhook, row.key.event_id, content, self._utc_now())
        except Exception:
            # A fault of ours is tried again like one of theirs: with pauses.
            log.exception("webhook.fault", webhook=webhook.id, event_id=row.key.event_id)
            return Reply(None, "it could not be sent")

    async def _disable(
        self, webhook: Webhook, reason: str, *, unless_delivered_since: float | None = None
    ) -> None:
        """Send no more to a receiver that wants no more, or that took nothing else in all the time of an event."""
        if webhook.is_of_calls:
            return
        since = unless_delivered_since
        try:
            if since is not None and await self._outbox.has_delivered_since(webhook.id, since):
                return
            await self._outbox.disable(webhook.id, reason, self._utc_now())
        except StoreUnavailable as error:
            log.warning("webhook.not_disabled", webhook=webhook.id, reason=str(error))
            return
        self._observer.webhook_disabled()
        log.error("webhook.disabled", webhook=webhook.id, account=webhook.account_id, reason=reason)
