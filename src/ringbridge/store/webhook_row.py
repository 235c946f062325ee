"""Webhooks as rows, and rows as webhooks again."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping

from ringbridge.call.webhook import Webhook, WebhookFormat


def webhook_of(row: RowMapping) -> Webhook:
    """The webhook in a row of `webhooks`."""
    return Webhook(**dict(row) | {"format": WebhookFormat(row["format"]), "events": tuple(row["events"])})


def webhook_row(webhook: Webhook) -> dict[str, Any]:
    """The row of a webhook."""
    return asdict(webhook) | {"format": webhook.format.value, "events": list(webhook.events)}
