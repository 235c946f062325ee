"""Settings, API Integration: webhooks, their log, and the origins whose pages may call."""

import html
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select

from ringbridge.call.user import Role
from ringbridge.call.webhook import Webhook, WebhookFormat, event_id
from ringbridge.service.authentication import Caller
from ringbridge.service.request import CallRequest
from ringbridge.service.webhooks import new_webhook
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.database import reading, writing
from ringbridge.store.tables import call_events
from ringbridge.store.webhook_tables import webhook_deliveries
from ringbridge.store.webhooks import SqlWebhooks
from tests.portal.conftest import ACCOUNT_ID, LINE_NUMBER, OTHER_ACCOUNT_ID, Client, Desk, Reply

PATH = "/settings/api/webhooks"
ORIGINS = "/settings/api/browsers"
URL = "https://good.example.com/calls"
NEW = {"url": URL, "name": "CRM <b>", "format": "ringbridge"}


def added(desk: Desk, account_id: str = ACCOUNT_ID, **values: Any) -> Webhook:
    """A webhook that is there."""
    webhook = new_webhook(
        account_id,
        url=values.pop("url", URL),
        name="CRM",
        kind=WebhookFormat.RINGBRIDGE,
        events=values.pop("events", []),
        utc_now=desk.clock.utc_now(),
    )
    webhook = replace(webhook, **values)
    SqlWebhooks(desk.database).add_now(webhook)
    return webhook


def stored(desk: Desk, webhook: Webhook) -> Webhook:
    """The same as it is now."""
    found = SqlWebhooks(desk.database).find_now(webhook.account_id, webhook.id)
    assert found is not None
    return found


async def told_of(desk: Desk, webhook: Webhook, *sequences: int, **values: Any) -> list[str]:
    """The ids of events in the webhook's log: those of a call with these numbers, which nothing else has."""
    account = await desk.directory.account(ACCOUNT_ID)
    assert account is not None
    caller = Caller(account, desk.users[Role.OWNER].acting_key())
    # The same call if there is one already: it is a second click on it.
    request = CallRequest(user_line=LINE_NUMBER, destination_line="15125290100")
    call_id = (await desk.calls.place(caller, request)).call_id
    now = desk.clock.utc_now()
    words = {"name": "ended", "at": now, "state": "ended", "user_leg": "ended", "destination_leg": "ended"}
    tried = {"attempts": 1, "last_attempt_at": now, "last_status": 200, "delivered_at": now}
    with writing(desk.database) as connection:
        for sequence in sequences:
            key = {"call_id": call_id, "sequence": sequence}
            connection.execute(insert(call_events), key | words)
            row = key | {"webhook_id": webhook.id, "created_at": now} | tried | values
            connection.execute(insert(webhook_deliveries), row)
    return [event_id(call_id, sequence) for sequence in sequences]


def deliveries(desk: Desk) -> list[Mapping[str, Any]]:
    """The log as it is stored, by the events' numbers."""
    statement = select(webhook_deliveries).order_by(webhook_deliveries.c.sequence)
    with reading(desk.database) as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]


def rows(reply: Reply) -> int:
    """How many deliveries a page lists."""
    return reply.text.count('class="call-id"')


async def test_there_is_a_way_to_the_first_webhook(operator: Client, auditor: Client) -> None:
    assert "No webhooks yet" in (await operator.get(PATH)).text
    assert PATH + "/new" in (await operator.get(PATH)).text
    assert PATH + "/new" not in (await auditor.get(PATH)).text


async def test_a_webhook_is_added_and_its_secret_shown_once(desk: Desk, operator: Client) -> None:
    form = await operator.get(f"{PATH}/new")
    assert form.status == 200
    reply = await operator.post(PATH, NEW | {"events": "connected", "others": "held, ended"})
    [webhook] = SqlWebhooks(desk.database).all_now(ACCOUNT_ID)
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    assert reply.value(r'id="secret" value="([^"]+)"') == html.escape(webhook.secret)
    assert (webhook.url, webhook.name, webhook.events) == (URL, "CRM <b>", ("connected", "held", "ended"))
    for path in (PATH, f"{PATH}/{webhook.id}", f"{PATH}/{webhook.id}/change"):
        page = await operator.get(path)
        assert "CRM &lt;b&gt;" in page.text
        assert webhook.secret not in page.text
    assert 'value="connected" checked' in page.text
    assert 'name="others" type="text" value="held"' in page.text


async def test_what_a_test_key_made_is_marked(desk: Desk, operator: Client) -> None:
    added(desk)
    assert ">Test<" not in (await operator.get(PATH)).text
    added(desk, is_test=True)
    assert (await operator.get(PATH)).text.count(">Test<") == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"url": "https://private.example.com"}, "private.example.com: the address is private"),
        ({"name": "a\x00b"}, "The name contains control characters."),
        ({"name": "x" * 201}, "Use at most 200 characters."),
        ({"others": "Not An Event"}, "is no name of an event"),
        ({"format": "fax"}, "Choose one of the two."),
    ],
)
@pytest.mark.parametrize("is_there", [True, False])
async def test_a_wrong_field_is_said_and_what_was_typed_stays(
    desk: Desk, owner: Client, fields: dict[str, str], sentence: str, is_there: bool
) -> None:
    path = f"{PATH}/{added(desk).id}/change" if is_there else PATH
    before = SqlWebhooks(desk.database).all_now(ACCOUNT_ID)
    reply = await owner.post(path, NEW | {"events": "user_ringing"} | fields)
    assert reply.status == 400
    assert sentence in reply.text
    assert 'value="user_ringing" checked' in reply.text
    assert "aria-invalid" in reply.text
    assert SqlWebhooks(desk.database).all_now(ACCOUNT_ID) == before


async def test_what_is_wrong_is_said_in_spanish_too(owner: Client) -> None:
    fields = NEW | {"url": "https://private.example.com"}
    reply = await owner.post(PATH, fields, **{"Accept-Language": "es"})
    assert "No se pueden enviar peticiones a private.example.com" in reply.text


async def test_an_account_has_twenty_and_no_more(desk: Desk, owner: Client) -> None:
    for _ in range(20):
        added(desk)
    reply = await owner.post(PATH, NEW)
    assert reply.status == 400
    assert "Remove one that is not needed first." in reply.text


async def test_the_format_is_switched(desk: Desk, operator: Client) -> None:
    webhook = added(desk, events=["ended"])
    reply = await operator.post(
        f"{PATH}/{webhook.id}/change", {"url": URL, "name": "", "format": "net2phone"}
    )
    assert reply.location == f"{PATH}/{webhook.id}"
    changed = stored(desk, webhook)
    assert (changed.format, changed.name, changed.events) == (WebhookFormat.NET2PHONE, None, ())
    page = await operator.get(reply.location)
    assert "Saved." in page.text
    assert "call_ringing and call_answered" in page.text


async def test_a_webhook_is_disabled_and_enabled(desk: Desk, operator: Client) -> None:
    webhook = added(desk)
    assert (await operator.post(f"{PATH}/{webhook.id}/disable")).location == f"{PATH}/{webhook.id}"
    assert stored(desk, webhook).disabled_at is not None
    assert "Disabled" in (await operator.get(PATH)).text
    await operator.post(f"{PATH}/{webhook.id}/enable")
    assert stored(desk, webhook).disabled_at is None
    by_server = added(desk, disabled_at=1.0, disabled_reason="failing")
    assert "took nothing for over a day" in (await operator.get(f"{PATH}/{by_server.id}")).text


async def test_a_secret_is_exchanged(desk: Desk, operator: Client) -> None:
    webhook = added(desk)
    reply = await operator.post(f"{PATH}/{webhook.id}/rotate")
    changed = stored(desk, webhook)
    assert changed.secret != webhook.secret
    assert changed.previous_secret == webhook.secret
    assert html.escape(changed.secret) in reply.text
    assert webhook.secret not in reply.text


async def test_a_webhook_is_removed_with_its_log(desk: Desk, operator: Client) -> None:
    webhook = added(desk)
    await told_of(desk, webhook, 1001)
    assert (await operator.post(f"{PATH}/{webhook.id}/remove")).location == PATH
    assert "is removed" in (await operator.get(PATH)).text
    assert SqlWebhooks(desk.database).all_now(ACCOUNT_ID) == []
    assert deliveries(desk) == []


async def test_a_test_says_what_came_back(desk: Desk, operator: Client) -> None:
    webhook, bad = added(desk), added(desk, url="https://bad.example.com")
    reply = await operator.post(f"{PATH}/{webhook.id}/test")
    assert "it answered 204" in (await operator.get(reply.location)).text
    reply = await operator.post(f"{PATH}/{bad.id}/test")
    page = await operator.get(reply.location)
    assert "did not take the test event: status 500" in page.text
    assert "alert-danger" in page.text
    for _ in range(9):
        reply = await operator.post(f"{PATH}/{webhook.id}/test")
    assert "Ten tests a minute are enough." in (await operator.get(reply.location)).text


async def test_the_log_tells_of_each_delivery(desk: Desk, auditor: Client, operator: Client) -> None:
    webhook = added(desk)
    assert "Nothing was sent yet" in (await auditor.get(f"{PATH}/{webhook.id}")).text
    [taken] = await told_of(desk, webhook, 1001)
    [given_up] = await told_of(
        desk, webhook, 1002, attempts=9, last_status=None, last_error="connection refused", delivered_at=None
    )
    due = {"next_attempt_at": desk.clock.utc_now() + 60.0, "delivered_at": None}
    [waiting] = await told_of(desk, webhook, 1003, last_status=503, last_error="status 503", **due)
    page = await operator.get(f"{PATH}/{webhook.id}")
    assert all(f"{event}/replay" in page.text for event in (taken, given_up, waiting))
    assert "connection refused" in page.text
    assert "/replay" not in (await auditor.get(f"{PATH}/{webhook.id}")).text
    for state, event in (("delivered", taken), ("failed", given_up), ("pending", waiting)):
        page = await operator.get(f"{PATH}/{webhook.id}?state={state}")
        assert rows(page) == 1
        assert f"{event}/replay" in page.text
    assert rows(await auditor.get(f"{PATH}/{webhook.id}?state=nonsense&after=~x")) == 3


async def test_a_long_log_has_pages(desk: Desk, operator: Client) -> None:
    webhook = added(desk)
    await told_of(desk, webhook, *range(1001, 1053))
    page = await operator.get(f"{PATH}/{webhook.id}?state=delivered")
    assert rows(page) == 50
    page = await operator.get(html.unescape(page.value(r'rel="next" href="([^"]+)"')))
    assert rows(page) == 2
    assert 'rel="next"' not in page.text


async def test_events_are_sent_again(desk: Desk, operator: Client) -> None:
    webhook = added(desk)
    first, _ = await told_of(desk, webhook, 1001, 1002)
    path = f"{PATH}/{webhook.id}/deliveries/{first}/replay"
    assert (await operator.post(path)).location == f"{PATH}/{webhook.id}"
    assert [row["next_attempt_at"] is None for row in deliveries(desk)] == [False, True]
    assert (await operator.post(path.replace("_1001/", "_1003/"))).status == 404

    refused = await operator.post(f"{PATH}/{webhook.id}/replay", {"since": "", "delivered": "on"})
    assert refused.status == 400
    assert "Choose a day and a time." in refused.text
    assert 'name="delivered" value="on" checked' in refused.text
    since = {"since": "2020-01-01T10:00", "since_utc": "2020-01-01T16:00:00.000Z"}
    reply = await operator.post(f"{PATH}/{webhook.id}/replay", since)
    # The one that was taken is not sent again, unless that is asked for.
    assert [row["delivered_at"] is None for row in deliveries(desk)] == [True, False]
    assert "Events that are sent again: " in (await operator.get(reply.location)).text
    await operator.post(f"{PATH}/{webhook.id}/replay", since | {"delivered": "on"})
    assert [row["delivered_at"] is None for row in deliveries(desk)] == [True, True]


async def test_the_secret_of_single_calls_takes_a_fresh_password(desk: Desk, operator: Client) -> None:
    page = await operator.get(f"{PATH}/call-secret")
    assert "whsec_" in page.text
    assert page.headers["cache-control"] == "no-store"
    desk.clock.skipped_seconds += 11 * 60.0
    assert (await operator.get(f"{PATH}/call-secret")).location.startswith("/login/again")


ACTIONS = ("change", "disable", "enable", "rotate", "remove", "test", "replay", "deliveries/evt_x_1/replay")


async def test_webhooks_of_another_account_are_not_there(desk: Desk, owner: Client) -> None:
    webhook = added(desk, OTHER_ACCOUNT_ID)
    assert webhook.id not in (await owner.get(PATH)).text
    assert (await owner.get(f"{PATH}/{webhook.id}")).status == 404
    assert (await owner.get(f"{PATH}/{webhook.id}/change")).status == 404
    for what in ACTIONS:
        reply = await owner.post(f"{PATH}/{webhook.id}/{what}", NEW | {"since": "2020-01-01T10:00"})
        assert reply.status == 404, what
    assert stored(desk, webhook) == webhook


async def test_who_may_not_change_webhooks_does_not(desk: Desk, auditor: Client, user: Client) -> None:
    webhook = added(desk)
    assert (await auditor.get(f"{PATH}/{webhook.id}")).status == 200
    assert (await user.get(f"{PATH}/{webhook.id}")).status == 403
    for client in (auditor, user):
        assert (await client.post(PATH, NEW)).status == 403
        for path in ("new", "call-secret", f"{webhook.id}/change"):
            assert (await client.get(f"{PATH}/{path}")).status == 403
        for what in ACTIONS:
            assert (await client.post(f"{PATH}/{webhook.id}/{what}", NEW)).status == 403, what
    assert stored(desk, webhook) == webhook


async def test_another_site_changes_nothing(desk: Desk, owner: Client) -> None:
    webhook = added(desk)
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (await owner.post(f"{PATH}/{webhook.id}/remove", **headers)).status == 403
    assert (await owner.post(ORIGINS, {"origin": "https://evil.example.com"}, **headers)).status == 403
    assert stored(desk, webhook) == webhook


async def test_origins_are_allowed_and_taken_away(desk: Desk, owner: Client, auditor: Client) -> None:
    page = await auditor.get(ORIGINS)
    assert "No origins are listed" in page.text
    assert f"{desk.url}/api/v2/tokens" in page.text
    refused = await owner.post(ORIGINS, {"origin": "crm.example.com/page"})
    assert refused.status == 400
    assert 'value="crm.example.com/page"' in refused.text
    assert "without a path" in refused.text
    assert (await owner.post(ORIGINS, {"origin": "https://CRM.example.com/"})).location == ORIGINS
    page = await auditor.get(ORIGINS)
    assert "<td>https://crm.example.com</td>" in page.text
    assert f"{ORIGINS}/remove" not in page.text
    assert (await owner.post(f"{ORIGINS}/remove", {"origin": "https://crm.example.com"})).location == ORIGINS
    assert (await owner.post(f"{ORIGINS}/remove", {"origin": "https://crm.example.com"})).status == 404
    assert "No origins are listed" in (await auditor.get(ORIGINS)).text


async def test_only_owners_change_origins(
    desk: Desk, owner: Client, operator: Client, auditor: Client, user: Client
) -> None:
    await owner.post(ORIGINS, {"origin": "https://crm.example.com"})
    for client in (operator, auditor, user):
        assert (await client.get(f"{ORIGINS}/new")).status == 403
        assert (await client.post(ORIGINS, {"origin": "https://a.example.com"})).status == 403
        assert (await client.post(f"{ORIGINS}/remove", {"origin": "https://crm.example.com"})).status == 403
    assert (await user.get(ORIGINS)).status == 403
    desk.clock.skipped_seconds += 11 * 60.0
    assert (await owner.get(f"{ORIGINS}/new")).location == f"/login/again?next={ORIGINS}/new"


async def test_programmers_find_where_to_read_on(desk: Desk, auditor: Client, user: Client) -> None:
    page = await auditor.get("/settings/api/documentation")
    assert f'value="{desk.url}"' in page.text
    assert all(path in page.text for path in ('"/docs"', "/openapi.json", "/docs/static/postman.json"))
    assert (await user.get("/settings/api/documentation")).status == 403


async def test_who_changed_a_webhook_or_an_origin_is_in_the_audit_log(
    desk: Desk, owner: Client, operator: Client
) -> None:
    await operator.post(PATH, NEW)
    await owner.post(ORIGINS, {"origin": "https://crm.example.com"})
    entries = SqlAuditLog(desk.database).last(2)
    assert [(entry.action, entry.actor.id) for entry in entries] == [
        ("origin.allowed", "id-owner"),
        ("webhook.created", "id-operator"),
    ]
