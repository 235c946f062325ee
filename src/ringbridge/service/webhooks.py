"""What an account may ask about its webhooks. Whatever changes takes effect before the answer."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from ringbridge.call.errors import NotFound
from ringbridge.call.history import StoredCall
from ringbridge.call.webhook import (
    PREVIOUS_SECRET_SECONDS,
    SECRET_OCTETS,
    CallWebhookOwner,
    Delivery,
    DeliveryKey,
    InvalidWebhook,
    Reply,
    TooManyTests,
    Webhook,
    WebhookFormat,
    parse_event_id,
    parse_event_names,
    secret_of,
)
from ringbridge.call.webhook_ports import WebhookDispatcher, WebhookSender, WebhookStore
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.window import Window

BY_REQUEST = "by_request"
"""Why a webhook is disabled that its account disabled."""


MOST_TESTS = 10
TESTS_SECONDS = 60.0
"""An account has so many tests within so many seconds: whoever holds a key must not have this server flood a third party."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChange:
    """What is to become of a webhook; None leaves it as it is, and an empty name takes it away."""

    url: str | None = None
    name: str | None = None
    format: WebhookFormat | None = None
    events: list[str] | None = None
    enabled: bool | None = None


class Tested(NamedTuple):
    """What came back for an event that never was, and how long it took."""

    reply: Reply
    seconds: float


class WebhookService:
    """The use cases around webhooks. All raise StoreUnavailable; those that take an id raise NotFound.

    A webhook of another account is no different from one that never was; to a test key, neither is any but those of test keys.
    """

    def __init__(
        self,
        store: WebhookStore,
        sender: WebhookSender,
        dispatcher: WebhookDispatcher,
        clock: Clock,
        pepper: bytes,
    ) -> None:
        self._pepper = pepper
        self._store = store
        self._sender = sender
        self._dispatcher = dispatcher
        self._clock = clock
        self._tests: Window[tuple[str, bool]] = Window(TESTS_SECONDS)

    async def all(self, caller: Caller) -> list[Webhook]:
        """The account's webhooks that the caller sees, the oldest first."""
        return [one for one in await self._store.all(caller.account.id) if _may_see(caller, one)]

    async def failing(self, caller: Caller) -> frozenset[str]:
        """The ids of those for which an event waits that was tried in vain."""
        return await self._store.failing(caller.account.id)

    async def find(self, caller: Caller, webhook_id: str) -> Webhook:
        """The webhook with this id."""
        found = await self._store.find(caller.account.id, webhook_id)
        if found is None or not _may_see(caller, found):
            raise _unknown()
        return found

    async def create(
        self, caller: Caller, *, url: str, name: str | None, kind: WebhookFormat, events: list[str]
    ) -> Webhook:
        """A new webhook, with a secret of its own; of a test key, for test calls. Raises InvalidWebhook and TooManyWebhooks."""
        utc_now = self._clock.utc_now()
        webhook = new_webhook(
            caller.account.id, url=url, name=name, kind=kind, events=events, utc_now=utc_now
        )
        webhook = replace(webhook, is_test=caller.key.is_test)
        await self._sender.check(caller.account.id, url)
        await self._store.add(webhook)
        await self._dispatcher.refresh()
        return webhook

    def check_of_call(self, url: str) -> None:
        """Whether a call may bring this webhook along. What its name leads to is looked at when it is sent to. Raises InvalidWebhook."""
        self._sender.check_as_written(url)

    def call_secret(self, caller: Caller) -> str:
        """What signs the requests to webhooks that the account's calls bring with them; for a test key, its test calls."""
        return call_secret(self._pepper, CallWebhookOwner(caller.account.id, caller.key.is_test))

    async def change(self, caller: Caller, webhook_id: str, change: WebhookChange) -> Webhook:
        """The webhook as it is now; one that was mended is sent what waits. Raises InvalidWebhook."""
        name, events = shown_name(change.name), parse_event_names(change.events or [])
        await self.find(caller, webhook_id)
        if change.url is not None:
            await self._sender.check(caller.account.id, change.url)
        now = self._clock.utc_now()

        def alter(webhook: Webhook) -> Webhook:
            changed = replace(
                webhook,
                url=webhook.url if change.url is None else change.url,
                name=webhook.name if change.name is None else name,
                format=change.format or webhook.format,
                events=webhook.events if change.events is None else events,
            )
            if change.enabled is True:
                return replace(changed, disabled_at=None, disabled_reason=None)
            if change.enabled is False and webhook.disabled_at is None:
                return replace(changed, disabled_at=now, disabled_reason=BY_REQUEST)
            return changed

        changed = await self._alter(caller, webhook_id, alter)
        self._dispatcher.wake(webhook_id)
        return changed

    async def rotate_secret(self, caller: Caller, webhook_id: str) -> Webhook:
        """The webhook with a new secret; the one that it had signs, too, for a day. An older one no longer does."""
        secret = secret_of(secrets.token_bytes(SECRET_OCTETS))
        until = self._clock.utc_now() + PREVIOUS_SECRET_SECONDS
        await self.find(caller, webhook_id)
        return await self._alter(
            caller,
            webhook_id,
            lambda webhook: replace(
                webhook, secret=secret, previous_secret=webhook.secret, previous_secret_until=until
            ),
        )

    async def remove(self, caller: Caller, webhook_id: str) -> None:
        """Forget the webhook and its log. What is on its way may still arrive."""
        await self.find(caller, webhook_id)
        if not await self._store.remove(caller.account.id, webhook_id):
            raise _unknown()
        await self._dispatcher.refresh()

    async def test(self, caller: Caller, webhook_id: str) -> Tested:
        """Send an event that never was, once, also to a webhook that is disabled. Raises TooManyTests."""
        webhook = await self.find(caller, webhook_id)
        began = self._clock.now()
        tester = caller.account.id, caller.key.is_test
        wait_seconds = self._tests.wait_seconds(tester, MOST_TESTS, began)
        if wait_seconds > 0.0:
            raise TooManyTests(retry_after_seconds=wait_seconds)
        self._tests.add(tester, began)
        reply = await self._sender.test(webhook, self._clock.utc_now())
        return Tested(reply, self._clock.now() - began)

    async def deliveries(
        self,
        caller: Caller,
        webhook_id: str,
        *,
        state: str | None,
        before: tuple[str, int] | None,
        limit: int,
    ) -> list[Delivery]:
        """The log, the newest calls first; `before` as (call id, sequence)."""
        await self.find(caller, webhook_id)
        return await self._store.deliveries(webhook_id, state=state, before=before, limit=limit)

    async def deliveries_of_call(self, call: StoredCall) -> list[Delivery]:
        """What was sent, and is to be sent, of a call that the caller was given, event by event."""
        return await self._store.deliveries_of_call(call.id)

    async def replay(self, caller: Caller, webhook_id: str, event_id: str) -> None:
        """Send an event of the log again, as if it had not been sent. Raises NotFound for the event, too."""
        await self.find(caller, webhook_id)
        event = parse_event_id(event_id)
        if event is None or not await self._store.replay(DeliveryKey(webhook_id, *event)):
            raise NotFound("There is no event with this id in the log of this webhook.")
        self._dispatcher.wake(webhook_id)

    async def replay_since(self, caller: Caller, webhook_id: str, since: float, *, delivered: bool) -> int:
        """Send now what was given up or waits since then, and with `delivered` also what was taken; how many events."""
        await self.find(caller, webhook_id)
        count = await self._store.replay_since(webhook_id, since, delivered=delivered)
        self._dispatcher.wake(webhook_id)
        return count

    async def _alter(self, caller: Caller, webhook_id: str, alter: Callable[[Webhook], Webhook]) -> Webhook:
        changed = await self._store.change(caller.account.id, webhook_id, alter)
        if changed is None:
            raise _unknown()
        await self._dispatcher.refresh()
        return changed


def new_webhook(
    account_id: str,
    *,
    url: str,
    name: str | None,
    kind: WebhookFormat,
    events: list[str],
    utc_now: float,
) -> Webhook:
    """A webhook that is not kept yet. Raises InvalidWebhook; where its URL leads is not looked at."""
    return Webhook(
        id=f"wh_{secrets.token_hex(12)}",
        account_id=account_id,
        url=url,
        name=shown_name(name),
        format=kind,
        events=parse_event_names(events),
        secret=secret_of(secrets.token_bytes(SECRET_OCTETS)),
        created_at=utc_now,
    )


def call_secret(pepper: bytes, owner: CallWebhookOwner) -> str:
    """The owner's secret for the webhooks of its single calls: nothing is kept of it, and it cannot be rotated."""
    what = "webhooks of test calls" if owner.is_test else "webhooks of calls"
    return secret_of(hmac.digest(pepper, f"{what} {owner.account_id}".encode(), hashlib.sha256))


def shown_name(text: str | None) -> str | None:
    """A webhook's name, without blanks around it; None for none. Raises InvalidWebhook for what nobody can see."""
    name = (text or "").strip()
    if not name.isprintable():
        raise InvalidWebhook("The name contains control characters.")
    return name or None


def _may_see(caller: Caller, webhook: Webhook) -> bool:
    return webhook.is_test or not caller.key.is_test


def _unknown() -> NotFound:
    return NotFound("There is no webhook with this id.")
