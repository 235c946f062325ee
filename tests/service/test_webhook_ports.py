"""What keeps webhooks in SQL is what the service asks for."""

from pathlib import Path

from ringbridge.call.webhook_ports import WebhookStore
from ringbridge.store.database import migrate, open_database
from ringbridge.store.webhooks import SqlWebhooks


async def test_an_account_without_webhooks_has_none(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    migrate(engine)
    store: WebhookStore = SqlWebhooks(engine)
    assert await store.all("1009683") == []
    assert await store.find("1009683", "none") is None
    engine.dispose()
