"""What is to be sent to webhooks: who wants which events, which events are due, and how sending them went.

Rows are written by the writer's thread, in the transaction of the change that they tell of (see `change`); it says
here what was committed.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import Connection, Engine, RowMapping, func, insert, select

from ringbridge.call.actor import SERVER, acting_as
from ringbridge.call.audit import Action
from ringbridge.call.history import CallEvent
from ringbridge.call.model import Call
from ringbridge.call.simulation import SIMULATED, is_simulated
from ringbridge.call.webhook import (
    Attempt,
    CallWebhookOwner,
    DeliveryKey,
    DueDelivery,
    Webhook,
    call_webhook,
    owner_of_call_webhook,
)
from ringbridge.store.audit import note
from ringbridge.store.change import Change, ErasedCall
from ringbridge.store.database import reading
from ringbridge.store.deliveries import DUE_AT_ONCE, DueDeliveries
from ringbridge.store.part import Part
from ringbridge.store.revision import changing
from ringbridge.store.webhook_row import webhook_of
from ringbridge.store.webhook_tables import webhook_deliveries, webhooks

News = Callable[[Iterable[str], Iterable[DeliveryKey]], None]


def unsigned(owner: CallWebhookOwner) -> str:
    """No secret: where calls bring no webhooks with them."""
    return ""


class Outbox:
    """The outbox over `engine`. call_secret: an owner's secret for the webhooks that calls bring with them.

    `wanting` and `committed` are for the writer's thread, all else for the event loop's.
    """

    def __init__(self, engine: Engine, call_secret: Callable[[CallWebhookOwner], str] = unsigned) -> None:
        self._engine = engine
        self._call_secret = call_secret
        self._due = DueDeliveries(engine)
        self._by_id: Mapping[str, Webhook] = {}
        self._by_account: Mapping[str, Sequence[Webhook]] = {}
        self._reading = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_news: News | None = None

    async def refresh(self) -> set[str]:
        """Read which webhooks there are; returns the ids of those that were not there or not enabled before."""
        # One after the other: what was read before a change must not take the place of what was read after it.
        async with self._reading:
            found = await asyncio.to_thread(self._read_webhooks)
            by_account: dict[str, list[Webhook]] = {}
            for webhook in found:
                by_account.setdefault(webhook.account_id, []).append(webhook)
            before, self._by_id = self._by_id, {webhook.id: webhook for webhook in found}
            # Exchanged as a whole: the writer's thread looks things up in it meanwhile.
            self._by_account = by_account
            return self._by_id.keys() - before.keys()

    def webhook(self, webhook_id: str) -> Webhook | None:
        """The webhook of this id, if events are sent to it; where those of calls' own lead is told with each event."""
        owner = owner_of_call_webhook(webhook_id)
        if owner is not None:
            return call_webhook(owner, self._call_secret(owner))
        return self._by_id.get(webhook_id)

    def listen(self, on_news: News) -> None:
        """Say who hears what was committed: the webhooks that have new events, and the tries whose outcome is kept."""
        self._loop = asyncio.get_running_loop()
        self._on_news = on_news

    async def pending(self) -> dict[str, float]:
        """The webhooks that have events to send, and when the first of those is due. Raises StoreUnavailable."""
        return await asyncio.to_thread(self._read_pending)

    async def due(self, webhook_ids: Sequence[str], utc_now: float, limit: int) -> list[DueDelivery]:
        """What is due at these webhooks, at most `limit` rows for each; of one call and webhook in the order of its events.

        An event is not due while an earlier one of its call waits to be tried again. Raises StoreUnavailable.
        """
        return await asyncio.to_thread(self._due.find, webhook_ids, utc_now, limit)

    async def has_delivered_since(self, webhook_id: str, since: float) -> bool:
        """Whether the webhook took anything from then on. Raises StoreUnavailable."""
        return await asyncio.to_thread(self._read_has_delivered_since, webhook_id, since)

    async def disable(self, webhook_id: str, reason: str, at: float) -> None:
        """Send nothing more to the webhook; what waits, waits until it is enabled again. Raises StoreUnavailable."""
        await asyncio.to_thread(self._disable, webhook_id, reason, at)
        await self.refresh()

    # The writer's thread.

    def wanting(self, call: Call, event: CallEvent) -> Sequence[str]:
        """The ids of the webhooks, of the account and of the call, that want this event."""
        webhooks = self._by_account.get(call.account_id, ())
        found = [webhook.id for webhook in webhooks if webhook.is_told(call, event)]
        if call.webhook is not None:
            found.append(CallWebhookOwner(call.account_id, is_simulated(call)).webhook_id)
        return found

    def committed(self, changes: Sequence[Change]) -> None:
        """These changes are durable."""
        if self._loop is None or self._on_news is None:
            return
        awaiting: set[str] = set()
        tried: list[DeliveryKey] = []
        for change in changes:
            if isinstance(change, Attempt):
                tried.append(change.key)
            elif not isinstance(change, ErasedCall):
                awaiting.update(self.wanting(change.call, change.event))
        if awaiting or tried:
            self._loop.call_soon_threadsafe(self._on_news, awaiting, tried)

    # Any thread.

    def add_end(self, connection: Connection, call: RowMapping, sequence: int, at: float) -> None:
        """Add the end of an interrupted call, in the transaction that gives it one. Not only what `refresh` read counts."""
        account_id, is_test = call["account_id"], call["user_trunk"] == SIMULATED
        enabled = select(webhooks).where(
            webhooks.c.account_id == account_id, webhooks.c.disabled_at.is_(None)
        )
        found = map(webhook_of, connection.execute(enabled).mappings())
        ids = [one.id for one in found if one.wants("ended") and (is_test or not one.is_test)]
        if call["webhook"] is not None:
            ids.append(CallWebhookOwner(account_id, is_test).webhook_id)
        rows = [
            {
                "webhook_id": webhook_id,
                "call_id": call["id"],
                "sequence": sequence,
                "created_at": at,
                "attempts": 0,
                "next_attempt_at": DUE_AT_ONCE,
            }
            for webhook_id in ids
        ]
        if rows:
            connection.execute(insert(webhook_deliveries), rows)

    def _read_webhooks(self) -> list[Webhook]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(webhooks).where(webhooks.c.disabled_at.is_(None))).mappings()
            return [webhook_of(row) for row in rows]

    def _read_pending(self) -> dict[str, float]:
        due = webhook_deliveries.c.next_attempt_at
        statement = (
            select(webhook_deliveries.c.webhook_id, func.min(due))
            .where(due.is_not(None))
            .group_by(webhook_deliveries.c.webhook_id)
        )
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    def _read_has_delivered_since(self, webhook_id: str, since: float) -> bool:
        # The newest calls first: there it is found soon.
        taken = (
            select(webhook_deliveries.c.sequence)
            .where(webhook_deliveries.c.webhook_id == webhook_id, webhook_deliveries.c.delivered_at >= since)
            .order_by(webhook_deliveries.c.call_id.desc())
            .limit(1)
        )
        with reading(self._engine) as connection:
            return connection.scalar(taken) is not None

    def _disable(self, webhook_id: str, reason: str, at: float) -> None:
        is_it = (webhooks.c.id == webhook_id) & webhooks.c.disabled_at.is_(None)
        after = {"disabled_at": at, "disabled_reason": reason}
        with acting_as(SERVER), changing(self._engine, Part.WEBHOOKS) as connection:
            account_id = connection.scalar(select(webhooks.c.account_id).where(is_it))
            if account_id is None:
                return
            connection.execute(webhooks.update().where(is_it).values(after))
            note(
                connection,
                Action.WEBHOOK_DISABLED,
                account_id=account_id,
                target_id=webhook_id,
                before={},
                after=after,
            )
