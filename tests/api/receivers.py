"""Doubles of what sends to webhooks: no request leaves. The real ones are tried in tests/notify and tests/scenarios."""

from ringbridge.call.webhook import InvalidWebhook, Reply, Webhook


class NoReceiver:
    """Refuses one URL, and has a status for each test."""

    def check_as_written(self, url: str) -> None:
        if "private" in url:
            raise InvalidWebhook("Requests may not be sent to private.example.com.")

    async def check(self, account_id: str, url: str) -> None:
        self.check_as_written(url)

    async def test(self, webhook: Webhook, utc_now: float) -> Reply:
        return Reply(204) if "good" in webhook.url else Reply(500, "status 500")


class NoDispatcher:
    """Sends nothing."""

    async def refresh(self) -> None:
        return

    def wake(self, webhook_id: str) -> None:
        return
