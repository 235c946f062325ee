"""What the service asks of those who keep webhooks and send to them."""

from collections.abc import Callable
from typing import Protocol

from ringbridge.call.webhook import Delivery, DeliveryKey, Reply, Webhook


class WebhookStore(Protocol):
    """Keeps webhooks and the log of what was sent to them. All methods raise StoreUnavailable."""

    async def all(self, account_id: str) -> list[Webhook]:
        """The account's webhooks, the oldest first."""
        ...

    async def failing(self, account_id: str) -> frozenset[str]:
        """The ids of the account's webhooks for which an event waits that was tried in vain."""
        ...

    async def find(self, account_id: str, webhook_id: str) -> Webhook | None:
        """The account's webhook with this id."""
        ...

    async def add(self, webhook: Webhook) -> None:
        """Keep a new webhook. Raises TooManyWebhooks."""
        ...

    async def change(
        self, account_id: str, webhook_id: str, alter: Callable[[Webhook], Webhook]
    ) -> Webhook | None:
        """Exchange the account's webhook for what `alter` makes of it, which is returned; None where there is none.

        What waits to be tried again is due at once where it leads elsewhere now, or is enabled again.
        """
        ...

    async def remove(self, account_id: str, webhook_id: str) -> bool:
        """Forget the account's webhook and its log; False where there is none."""
        ...

    async def deliveries(
        self, webhook_id: str, *, state: str | None, before: tuple[str, int] | None, limit: int
    ) -> list[Delivery]:
        """The log, the newest calls first; `state` as in `Delivery.state`, `before` as (call id, sequence)."""
        ...

    async def deliveries_of_call(self, call_id: str) -> list[Delivery]:
        """The log of one call's events, in their order, of all webhooks and of the call's own."""
        ...

    async def replay(self, key: DeliveryKey) -> bool:
        """Have an event sent again, as if it had not been; False where the log has no such event."""
        ...

    async def replay_since(self, webhook_id: str, since: float, *, delivered: bool) -> int:
        """Have sent now what was given up or waits to be tried again, and with `delivered` what was taken; how many."""
        ...


class WebhookSender(Protocol):
    """Reaches receivers."""

    def check_as_written(self, url: str) -> None:
        """Whether a webhook may have this URL, as far as that is seen without a look-up of its name. Raises InvalidWebhook."""
        ...

    async def check(self, account_id: str, url: str) -> None:
        """Whether the account's webhook may have this URL, by what its name leads to now. Raises InvalidWebhook."""
        ...

    async def test(self, webhook: Webhook, utc_now: float) -> Reply:
        """Send an event that never was, once."""
        ...


class WebhookDispatcher(Protocol):
    """Sends what is in the outbox."""

    async def refresh(self) -> None:
        """Somebody changed which webhooks there are. Raises StoreUnavailable."""
        ...

    def wake(self, webhook_id: str) -> None:
        """Look for what waits for this webhook, as after a replay."""
        ...
