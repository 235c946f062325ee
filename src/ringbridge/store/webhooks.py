"""Webhooks of accounts and the log of what was sent to them: the port `WebhookStore`. Each method is one transaction."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from ringbridge.call.audit import Action
from ringbridge.call.errors import NotFound
from ringbridge.call.webhook import (
    MOST_WEBHOOKS,
    Delivery,
    DeliveryKey,
    TooManyWebhooks,
    Webhook,
)
from ringbridge.store.audit import note
from ringbridge.store.database import reading, storable, writing
from ringbridge.store.deliveries import DUE_AT_ONCE
from ringbridge.store.part import Part
from ringbridge.store.revision import changing
from ringbridge.store.tables import accounts, call_events
from ringbridge.store.webhook_row import webhook_of, webhook_row
from ringbridge.store.webhook_tables import webhook_deliveries, webhooks

Result = TypeVar("Result")


class SqlWebhooks:
    """WebhookStore over `engine`. All methods raise StoreUnavailable. Those of the command line, named `..._now`, block."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self, account_id: str) -> list[Webhook]:
        """The account's webhooks, the oldest first."""
        return await asyncio.to_thread(self.all_now, account_id)

    async def failing(self, account_id: str) -> frozenset[str]:
        """The ids of the account's webhooks for which an event waits that was tried in vain."""
        return await asyncio.to_thread(self._failing, account_id)

    async def find(self, account_id: str, webhook_id: str) -> Webhook | None:
        """The account's webhook with this id."""
        return await asyncio.to_thread(self.find_now, account_id, webhook_id)

    async def add(self, webhook: Webhook) -> None:
        """Keep a new webhook. Raises TooManyWebhooks, and NotFound without such an account."""
        await asyncio.to_thread(self.add_now, webhook)

    async def change(
        self, account_id: str, webhook_id: str, alter: Callable[[Webhook], Webhook]
    ) -> Webhook | None:
        """Exchange the account's webhook for what `alter` makes of it, which is returned; None where there is none.

        What waits to be tried again is due at once where it leads elsewhere now, or is enabled again.
        """
        return await asyncio.to_thread(self._change, account_id, webhook_id, alter)

    async def remove(self, account_id: str, webhook_id: str) -> bool:
        """Forget the account's webhook and its log; False where there is none."""
        return await asyncio.to_thread(self.remove_now, account_id, webhook_id)

    async def deliveries(
        self, webhook_id: str, *, state: str | None, before: tuple[str, int] | None, limit: int
    ) -> list[Delivery]:
        """The log, the newest calls first; `state` as in `Delivery.state`, `before` as (call id, sequence)."""
        return await asyncio.to_thread(self._deliveries, webhook_id, state, before, limit)

    async def deliveries_of_call(self, call_id: str) -> list[Delivery]:
        """The log of one call's events, in their order, of all webhooks and of the call's own."""
        return await asyncio.to_thread(self._deliveries_of_call, call_id)

    async def replay(self, key: DeliveryKey) -> bool:
        """Send an event again, as if it had not been sent; False where the log has no such event."""
        return await asyncio.to_thread(self._replay, key)

    async def replay_since(self, webhook_id: str, since: float, *, delivered: bool) -> int:
        """Send now what was given up or waits to be tried again of the events since then; how many.

        With `delivered` also what was taken.
        """
        return await asyncio.to_thread(self._replay_since, webhook_id, since, delivered)

    def all_now(self, account_id: str) -> list[Webhook]:
        """See `all`."""
        statement = (
            select(webhooks)
            .where(webhooks.c.account_id == account_id)
            .order_by(webhooks.c.created_at, webhooks.c.id)
        )
        with reading(self._engine) as connection:
            return [webhook_of(row) for row in connection.execute(statement).mappings()]

    def find_now(self, account_id: str, webhook_id: str) -> Webhook | None:
        """See `find`."""
        if not storable(webhook_id):
            return None
        with reading(self._engine) as connection:
            return _find(connection, account_id, webhook_id)

    def add_now(self, webhook: Webhook) -> None:
        """See `add`."""
        # Test keys fill up a number of their own.
        own = and_(webhooks.c.account_id == webhook.account_id, webhooks.c.is_test == webhook.is_test)
        with changing(self._engine, Part.WEBHOOKS) as connection:
            if connection.scalar(select(accounts.c.id).where(accounts.c.id == webhook.account_id)) is None:
                raise NotFound(f"There is no account {webhook.account_id}.")
            count = connection.scalar(select(func.count()).select_from(webhooks).where(own)) or 0
            if count >= MOST_WEBHOOKS:
                raise TooManyWebhooks(f"An account has {MOST_WEBHOOKS} webhooks at most. Remove one first.")
            row = webhook_row(webhook)
            connection.execute(insert(webhooks), row)
            _note(connection, Action.WEBHOOK_CREATED, webhook, None, row)

    def remove_now(self, account_id: str, webhook_id: str) -> bool:
        """See `remove`."""
        if not storable(webhook_id):
            return False
        with changing(self._engine, Part.WEBHOOKS) as connection:
            found = _find(connection, account_id, webhook_id)
            if found is None:
                return False
            connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))
            connection.execute(
                delete(webhook_deliveries).where(webhook_deliveries.c.webhook_id == webhook_id)
            )
            _note(connection, Action.WEBHOOK_REMOVED, found, webhook_row(found), None)
        return True

    def _change(
        self, account_id: str, webhook_id: str, alter: Callable[[Webhook], Webhook]
    ) -> Webhook | None:
        if not storable(webhook_id):
            return None
        with changing(self._engine, Part.WEBHOOKS) as connection:
            found = _find(connection, account_id, webhook_id)
            if found is None:
                return None
            changed = alter(found)
            connection.execute(
                update(webhooks).where(webhooks.c.id == webhook_id).values(**webhook_row(changed))
            )
            if changed.url != found.url or (changed.disabled_at is None and found.disabled_at is not None):
                # Somebody mended it: what waits for a next try need wait no more.
                connection.execute(
                    update(webhook_deliveries)
                    .where(webhook_deliveries.c.webhook_id == webhook_id, _waits_for_a_try())
                    .values(next_attempt_at=DUE_AT_ONCE)
                )
            _note(connection, Action.WEBHOOK_CHANGED, found, webhook_row(found), webhook_row(changed))
        return changed

    def _failing(self, account_id: str) -> frozenset[str]:
        rows = webhook_deliveries.c
        # Of what waits there is an index.
        waits = exists().where(
            rows.webhook_id == webhooks.c.id, rows.next_attempt_at.is_not(None), rows.attempts > 0
        )
        statement = select(webhooks.c.id).where(webhooks.c.account_id == account_id, waits)
        with reading(self._engine) as connection:
            return frozenset(connection.scalars(statement))

    def _deliveries(
        self, webhook_id: str, state: str | None, before: tuple[str, int] | None, limit: int
    ) -> list[Delivery]:
        rows = webhook_deliveries.c
        statement = _log().where(rows.webhook_id == webhook_id).limit(limit)
        order: ColumnElement[str] = rows.call_id
        match state:
            case "pending":
                statement = statement.where(
                    rows.next_attempt_at.is_not(None), rows.next_attempt_at >= DUE_AT_ONCE
                )
                order = _of_few(order)
            case "delivered":
                statement = statement.where(rows.delivered_at.is_not(None), rows.next_attempt_at.is_(None))
            case "failed":
                failed = rows.delivered_at.is_(None), rows.next_attempt_at.is_(None)
                statement = statement.where(*failed, rows.created_at >= 0.0)
                order = _of_few(order)
        if before is not None:
            statement = statement.where(tuple_(order, rows.sequence) < before)
        with reading(self._engine) as connection:
            ordered = statement.order_by(order.desc(), rows.sequence.desc())
            found = connection.execute(ordered).mappings().all()
        return [_delivery_of(dict(row)) for row in found]

    def _deliveries_of_call(self, call_id: str) -> list[Delivery]:
        rows = webhook_deliveries.c
        statement = _log().where(rows.call_id == call_id).order_by(rows.sequence, rows.webhook_id)
        with reading(self._engine) as connection:
            return [_delivery_of(dict(row)) for row in connection.execute(statement).mappings()]

    def _replay(self, key: DeliveryKey) -> bool:
        if not storable(key.call_id):
            return False
        rows = webhook_deliveries.c
        with writing(self._engine) as connection:
            replayed = connection.execute(
                update(webhook_deliveries)
                .where(
                    rows.webhook_id == key.webhook_id,
                    rows.call_id == key.call_id,
                    rows.sequence == key.sequence,
                )
                .values(_AGAIN)
            )
            return replayed.rowcount == 1

    def _replay_since(self, webhook_id: str, since: float, delivered: bool) -> int:
        rows = webhook_deliveries.c
        statement = update(webhook_deliveries).where(
            rows.webhook_id == webhook_id,
            rows.created_at >= since,
            or_(rows.next_attempt_at.is_(None), _waits_for_a_try()),
        )
        if not delivered:
            statement = statement.where(rows.delivered_at.is_(None))
        with writing(self._engine) as connection:
            return connection.execute(statement.values(_AGAIN)).rowcount


_AGAIN = {"attempts": 0, "next_attempt_at": DUE_AT_ONCE, "delivered_at": None}


def _note(
    connection: Connection,
    action: Action,
    webhook: Webhook,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    note(connection, action, account_id=webhook.account_id, target_id=webhook.id, before=before, after=after)


def _log() -> Select[Any]:
    """The lines of logs with the names of their events."""
    rows = webhook_deliveries.c
    of_event = and_(call_events.c.call_id == rows.call_id, call_events.c.sequence == rows.sequence)
    return select(webhook_deliveries, call_events.c.name).join(call_events, of_event)


def _of_few(order: ColumnElement[str]) -> ColumnElement[str]:
    """The order of rows of which there are few, after they were found by an index that has no others.

    As it is, SQLite would read the primary key, with all that was ever sent, for the sake of its order; and an index of some
    rows it takes only where a second column of it is compared.
    """
    return order + ""


def _waits_for_a_try() -> ColumnElement[bool]:
    """Whether a row is due only after a pause."""
    return webhook_deliveries.c.next_attempt_at > DUE_AT_ONCE


def _find(connection: Connection, account_id: str, webhook_id: str) -> Webhook | None:
    statement = select(webhooks).where(webhooks.c.account_id == account_id, webhooks.c.id == webhook_id)
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else webhook_of(row)


def _delivery_of(row: dict[str, object]) -> Delivery:
    key = DeliveryKey(*(row.pop(name) for name in DeliveryKey._fields))  # type: ignore[arg-type]
    return Delivery(key=key, **row)  # type: ignore[arg-type]
