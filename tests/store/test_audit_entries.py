"""Every change of an administrator leaves an entry in the audit log, in its own transaction."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from ringbridge.call.actor import SERVER, Actor, ActorKind, acting_as
from ringbridge.call.audit import AuditEntry
from ringbridge.call.directory import AccountLimits, Line, LineKind, Trunk
from ringbridge.call.errors import AlreadyExists, InvalidSetting, NotFound
from ringbridge.call.key import ApiKey
from ringbridge.call.webhook import Webhook, WebhookFormat
from ringbridge.store.administration import Administration
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.do_not_call import DoNotCallList
from ringbridge.store.limits import SqlLimits
from ringbridge.store.lines import SqlLines
from ringbridge.store.outbox import Outbox
from ringbridge.store.rates import RateTable
from ringbridge.store.records import SqlRecords
from ringbridge.store.webhooks import SqlWebhooks

ACCOUNT = "1009683"
ANN = Actor(ActorKind.COMMAND_LINE, "ann", "192.0.2.7")
NUMBER = "+18175629657"
SECRETS = ("0f1e2d", "hunter2", "9a8b7c", "whsec_", "T0/B0", NUMBER)

LINE = Line(id="line-1", account_id=ACCOUNT, number=NUMBER, kind=LineKind.DEVICE, sip_username="ann")
TRUNK = Trunk(id="trunk-1", name="carrier", uri="sip:192.0.2.1", username=NUMBER, password="hunter2")
KEY = ApiKey(
    id="key-1", account_id=ACCOUNT, name="CRM", secret_digest="0f1e2d", created_at=1.0, expires_at=9.0
)
WEBHOOK = Webhook(
    id="wh_1",
    account_id=ACCOUNT,
    url="https://hooks.example/T0/B0",
    name=None,
    format=WebhookFormat.RINGBRIDGE,
    events=(),
    secret="whsec_1",
    created_at=1.0,
)


@pytest.fixture
def changed(engine: Engine, administration: Administration) -> Callable[[], list[AuditEntry]]:
    """What was entered since it was asked last; there is an account."""
    log = SqlAuditLog(engine)
    administration.add_account("Acme", account_id=ACCOUNT)
    seen = log.head().sequence

    def news() -> list[AuditEntry]:
        nonlocal seen
        log.verify()
        entries = [entry for batch in log.batches() for entry in batch if entry.sequence > seen]
        seen = log.head().sequence
        assert not [secret for secret in SECRETS for entry in entries if secret in repr(entry)]
        return entries

    return news


def told(entries: list[AuditEntry]) -> list[tuple[str, str | None, Any, Any]]:
    """Action, target, before and after of each."""
    return [
        (
            entry.action,
            entry.target_id,
            entry.before and json.loads(entry.before),
            entry.after and json.loads(entry.after),
        )
        for entry in entries
    ]


Changed = Callable[[], list[AuditEntry]]


def test_accounts(administration: Administration, changed: Changed) -> None:
    with acting_as(ANN):
        administration.change_account(ACCOUNT, lambda account: replace(account, main_number=NUMBER))
        administration.suspend(ACCOUNT, ends_calls=True)
    administration.suspend(ACCOUNT, suspended=False)
    entries = changed()

    assert told(entries) == [
        ("account.changed", ACCOUNT, {}, {"main_number": "…9657"}),
        (
            "account.suspended",
            ACCOUNT,
            {"suspended": False, "ends_calls": False},
            {"suspended": True, "ends_calls": True},
        ),
        (
            "account.resumed",
            ACCOUNT,
            {"suspended": True, "ends_calls": True},
            {"suspended": False, "ends_calls": False},
        ),
    ]
    assert [(entry.actor, entry.account_id) for entry in entries] == [
        (ANN, ACCOUNT),
        (ANN, ACCOUNT),
        (SERVER, ACCOUNT),
    ]


def test_keys(administration: Administration, changed: Changed) -> None:
    administration.add_key(KEY)
    administration.exchange_key("key-1", replace(KEY, id="key-2"), old_until=5.0)
    administration.revoke_key("key-1", at=3.0)
    administration.revoke_all_keys(at=4.0, ends_calls=True)

    created = {
        "name": "CRM",
        "secret_digest": "(hidden)",
        "created_at": 1.0,
        "expires_at": 9.0,
        "lines": [],
        "networks": [],
        "is_test": False,
        "ends_calls": False,
    }
    assert told(changed()) == [
        ("key.created", "key-1", None, created),
        ("key.exchanged", "key-1", {"expires_at": 9.0}, {"expires_at": 5.0, "successor": "key-2"}),
        ("key.created", "key-2", None, created),
        ("key.revoked", "key-1", {}, {"revoked_at": 3.0}),
        ("key.revoked", "key-2", {}, {"revoked_at": 4.0, "ends_calls": True}),
    ]


def test_lines(engine: Engine, administration: Administration, changed: Changed) -> None:
    others = [replace(LINE, id=f"line-{n}", number=str(n), sip_username=None) for n in (201, 202)]
    administration.add_line(LINE, device_digests={"MD5": "9a8b7c"})
    administration.add_lines(others)
    administration.change_line(ACCOUNT, NUMBER, lambda line: replace(line, nat=True))
    SqlLines(engine).change(ACCOUNT, "line-1", lambda line: line, lambda _: {"MD5": "9a8b7c9a"})
    SqlLines(engine).change(ACCOUNT, "line-1", lambda line: replace(line, confirm=True))
    SqlLines(engine).remove(ACCOUNT, "line-201", lambda _: None)
    administration.remove_line(ACCOUNT, NUMBER)
    entries = told(changed())

    assert entries[0][:2] == ("line.created", "line-1")
    assert entries[1] == ("line.imported", None, None, {"lines": 2})
    assert (entries[0][3]["number"], entries[0][3]["device_digests"]) == ("…9657", "(hidden)")
    assert entries[2:5] == [
        ("line.changed", "line-1", {"nat": False}, {"nat": True}),
        ("line.changed", "line-1", {}, {"device_digests": "(hidden)"}),
        ("line.changed", "line-1", {}, {"confirm": True}),
    ]
    assert [entry[:2] for entry in entries[5:]] == [("line.removed", "line-201"), ("line.removed", "line-1")]
    assert [entry[3] for entry in entries[5:]] == [None, None]
    assert (entries[5][2]["number"], entries[6][2]["number"]) == ("201", "…9657")


def test_trunks_belong_to_no_account(administration: Administration, changed: Changed) -> None:
    administration.add_trunk(TRUNK)
    administration.change_trunk("carrier", lambda trunk: replace(trunk, password="hunter22", weight=2))
    administration.remove_trunk("carrier")
    entries = changed()
    created, altered, removed = told(entries)

    assert [entry.account_id for entry in entries] == [None] * 3
    assert (created[:2], created[3]["username"]) == (("trunk.created", "carrier"), "…9657")
    assert altered == (
        "trunk.changed",
        "carrier",
        {"password": "(hidden)", "weight": 1},
        {"password": "(hidden)", "weight": 2},
    )
    assert (removed[:2], removed[2]["uri"], removed[3]) == (
        ("trunk.removed", "carrier"),
        "sip:192.0.2.1",
        None,
    )


def test_limits_and_money(engine: Engine, administration: Administration, changed: Changed) -> None:
    limits = SqlLimits(engine)
    administration.set_limits(ACCOUNT, AccountLimits(rate=5))
    with acting_as(ANN):
        limits.change(ACCOUNT, lambda before: replace(before, countries=("US",)))
        limits.suspend(ACCOUNT)
        RateTable(engine).replace({"+1": 10_000})
    entries = changed()

    assert told(entries[:3]) == [
        ("limits.changed", None, {"rate": 10}, {"rate": 5}),
        ("limits.changed", None, {"countries": []}, {"countries": ["US"]}),
        ("account.suspended", ACCOUNT, {"suspended": False}, {"suspended": True}),
    ]
    assert [entry.actor for entry in entries] == [SERVER, ANN, SERVER, ANN]
    ((action, _, before, after),) = told(entries[3:])
    assert (action, before["rates"], after["rates"]) == ("rates.imported", 0, 1)
    assert before["sha256"] != after["sha256"]


def test_numbers_that_are_not_called_and_those_that_are_forgotten(engine: Engine, changed: Changed) -> None:
    barred = DoNotCallList(engine, ACCOUNT)
    barred.add({NUMBER: "asked us", "+18175629658": None}, at=1.0)
    barred.add({NUMBER: None}, at=2.0)
    barred.remove(NUMBER)
    barred.remove(NUMBER)
    SqlRecords(engine).erase(ACCOUNT, NUMBER)
    SqlRecords(engine).set_retention(ACCOUNT, 90)
    SqlRecords(engine).set_retention(ACCOUNT, None)

    assert told(changed()) == [
        ("do_not_call.added", None, None, {"numbers": 2}),
        ("do_not_call.removed", "…9657", None, None),
        ("records.erased", "…9657", None, {"calls": 0}),
        ("records.retained", None, {}, {"days": 90}),
        ("records.retained", None, {"days": 90}, {}),
    ]


async def test_webhooks(engine: Engine, changed: Changed) -> None:
    webhooks = SqlWebhooks(engine)
    await webhooks.add(WEBHOOK)
    await webhooks.change(ACCOUNT, "wh_1", lambda webhook: replace(webhook, secret="whsec_2"))
    with acting_as(ANN):
        await Outbox(engine).disable("wh_1", "gone", 5.0)
        await Outbox(engine).disable("wh_1", "gone", 6.0)
    await webhooks.remove(ACCOUNT, "wh_1")
    entries = changed()
    created, altered, disabled, removed = told(entries)

    assert (created[:3], created[3]["url"]) == (("webhook.created", "wh_1", None), "https://hooks.example/…")
    assert altered == ("webhook.changed", "wh_1", {"secret": "(hidden)"}, {"secret": "(hidden)"})
    assert disabled == ("webhook.disabled", "wh_1", {}, {"disabled_at": 5.0, "disabled_reason": "gone"})
    assert entries[2].actor == SERVER
    assert (removed[:2], removed[3]) == (("webhook.removed", "wh_1"), None)


def test_what_was_refused_or_changed_nothing_is_not_there(
    engine: Engine, administration: Administration, changed: Changed
) -> None:
    administration.add_trunk(TRUNK)
    administration.add_line(replace(LINE, kind=LineKind.TRUNK, trunk="carrier"))
    changed()
    for kind, refused in (
        (AlreadyExists, lambda: administration.add_account("Acme", account_id=ACCOUNT)),
        (AlreadyExists, lambda: administration.add_lines([replace(LINE, number="201"), LINE])),
        (NotFound, lambda: administration.revoke_key("key-9", at=1.0)),
        (NotFound, lambda: administration.remove_line(ACCOUNT, "201")),
        (NotFound, lambda: administration.remove_trunk("other")),
        (InvalidSetting, lambda: administration.remove_trunk("carrier")),
    ):
        with pytest.raises(kind):
            refused()
    assert SqlWebhooks(engine).remove_now(ACCOUNT, "wh_9") is False
    administration.change_account(ACCOUNT, lambda account: account)
    administration.change_trunk("carrier", lambda trunk: trunk)
    administration.set_limits(ACCOUNT, AccountLimits())
    SqlLines(engine).change(ACCOUNT, LINE.id, lambda line: line)

    assert changed() == []
