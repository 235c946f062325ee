"""Keys, webhooks with a log, and an origin, for the pages of API Integration; with ids that paths can name."""

import asyncio
import threading
import time
from dataclasses import replace

from sqlalchemy import Engine, insert

from ringbridge.call.history import first_event
from ringbridge.call.key import ApiKey, Scope
from ringbridge.call.origin import AllowedOrigin
from ringbridge.call.webhook import Webhook, WebhookFormat
from ringbridge.store.administration import Administration
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import open_database, writing
from ringbridge.store.lock import ServerLock
from ringbridge.store.origins import SqlOrigins
from ringbridge.store.tables import api_key_uses
from ringbridge.store.webhook_tables import webhook_deliveries
from ringbridge.store.webhooks import SqlWebhooks
from tests.peers.server import Deployment
from tests.store.samples import UTC_OFFSET, a_call

KEY_ID = "0G3kZr81Qa"
WEBHOOK_ID = "wh_0f1e2d3c4b5a69788796a5b4"

_DAY_SECONDS = 86_400.0


def furnish_integration(deployment: Deployment) -> None:
    """Put them into the data folder."""
    engine = open_database(f"sqlite:///{deployment.data_dir}/ringbridge.db")
    try:
        _add_keys(engine, deployment.account_id)
        _add_webhooks(engine, deployment.account_id)
        SqlOrigins(engine).allow_origin(
            deployment.account_id, AllowedOrigin("https://crm.example.com", time.time() - 3 * _DAY_SECONDS)
        )
    finally:
        engine.dispose()


def _add_keys(engine: Engine, account_id: str) -> None:
    now, administration = time.time(), Administration(engine)
    key = ApiKey(
        id=KEY_ID,
        account_id=account_id,
        name="CRM",
        secret_digest="0" * 64,
        created_at=now - 40 * _DAY_SECONDS,
        expires_at=now + 325 * _DAY_SECONDS,
        networks=("203.0.113.0/24",),
    )
    for each in (
        key,
        replace(key, id="1H3kZr81Qb", name="Build server", is_test=True, networks=()),
        replace(
            key,
            id="2I3kZr81Qc",
            name="Reports",
            expires_at=now + 9 * _DAY_SECONDS,
            scopes=frozenset({Scope.RECORDS_READ}),
        ),
    ):
        administration.add_key(each)
    with writing(engine) as connection:
        row = {"key_id": KEY_ID, "used_at": now - 600.0, "address": "203.0.113.24"}
        connection.execute(insert(api_key_uses), row)


def _add_webhooks(engine: Engine, account_id: str) -> None:
    now = time.time()
    webhook = Webhook(
        id=WEBHOOK_ID,
        account_id=account_id,
        url="https://crm.example.com/calls",
        name="CRM",
        events=("connected", "ended"),
        secret="whsec_" + "A" * 43 + "=",
        created_at=now - 40 * _DAY_SECONDS,
    )
    gone = replace(
        webhook,
        id="wh_1f1e2d3c4b5a69788796a5b5",
        url="https://old.example.com/n2p",
        name=None,
        format=WebhookFormat.NET2PHONE,
        disabled_at=now - _DAY_SECONDS,
        disabled_reason="gone",
    )
    for each in (webhook, gone):
        SqlWebhooks(engine).add_now(each)
    # A loop of its own, beside that of the browser.
    thread = threading.Thread(target=asyncio.run, args=[_add_deliveries(engine, account_id, now)])
    thread.start()
    thread.join()


async def _add_deliveries(engine: Engine, account_id: str, now: float) -> None:
    delivered: dict[str, object] = {"attempts": 1, "last_status": 204, "delivered_at": now - 300.0}
    waiting: dict[str, object] = {
        "attempts": 3,
        "last_status": 503,
        "last_error": "status 503",
        "next_attempt_at": now + _DAY_SECONDS,
    }
    given_up: dict[str, object] = {"attempts": 9, "last_error": "the name cannot be looked up"}
    with ServerLock(engine) as lock:
        async with SqlCallStore(engine, lock) as store:
            for number, values in enumerate((given_up, waiting, delivered)):
                call = a_call(
                    f"019ab2c4-0000-7000-8000-00000000000{number}",
                    account_id=account_id,
                    accepted_at=now - UTC_OFFSET - 600.0 + number,
                )
                await store.accept(call, first_event(call))
                row: dict[str, object] = {
                    "webhook_id": WEBHOOK_ID,
                    "call_id": call.id,
                    "sequence": 1,
                    "created_at": now - 600.0,
                    "last_attempt_at": now - 300.0,
                }
                with writing(engine) as connection:
                    connection.execute(insert(webhook_deliveries), row | values)
