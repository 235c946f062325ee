"""The dashboard: numbers of the own account only, for each period, and what needs somebody's hand."""

import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from ringbridge.call.webhook import Webhook
from ringbridge.store.database import writing
from ringbridge.store.limits import SqlLimits
from ringbridge.store.statistics import SqlStatistics
from ringbridge.store.tables import records
from ringbridge.store.webhooks import SqlWebhooks
from tests.portal.conftest import ACCOUNT_ID, LINE_NUMBER, OTHER_ACCOUNT_ID, Client, Desk
from tests.store.samples import a_record

PERIODS = ["hour", "day", "week", "month"]
NOT_ANSWERED = {
    "user_answered_at": None,
    "destination_dialed_at": None,
    "destination_ringing_at": None,
    "destination_answered_at": None,
    "destination_ring_seconds": 0.0,
    "talk_seconds": 0.0,
    "outcome": "user_no_answer",
}


def count(desk: Desk, *changes: dict[str, Any], account_id: str = ACCOUNT_ID, ago: float = 60.0) -> None:
    """Have calls counted that ended so many seconds ago; each is one that went well, but for its changes."""
    ended_at = desk.clock.utc_now() - ago
    rows = [
        a_record(f"{account_id}-{ago}-{number}", account_id, ended_at) | {"metadata": None} | change
        for number, change in enumerate(changes)
    ]
    with writing(desk.database) as connection:
        connection.execute(insert(records), rows)
    counted = SqlStatistics(desk.database)
    while counted.count(desk.clock.utc_now(), 100):
        pass


def row(text: str, heading: str) -> list[str]:
    """The cells of the row of a table that begins so, without what is in them besides text."""
    for found in re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", text, re.DOTALL):
        cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.split(r"</th>|</td>", found)]
        texts = [" ".join(cell.split()) for cell in cells]
        if texts[0].startswith(heading):
            return [cell for cell in texts[1:] if cell]
    raise AssertionError(f"no row of {heading} in {text}")


async def test_before_the_first_call_it_says_what_will_be_seen(owner: Client) -> None:
    reply = await owner.get("/dashboard")
    assert reply.status == 200
    assert "No calls yet" in reply.text
    assert 'href="/dial"' in reply.text
    assert "<canvas" not in reply.text


async def test_a_period_without_calls_is_not_the_first_day(desk: Desk, owner: Client) -> None:
    count(desk, {}, ago=5 * 3600.0)
    assert "No call ended in this period" in (await owner.get("/dashboard?period=hour")).text
    assert "No call ended in this period" not in (await owner.get("/dashboard?period=day")).text


@pytest.mark.parametrize("period", PERIODS)
async def test_each_period_shows_how_far_calls_came(desk: Desk, owner: Client, period: str) -> None:
    long_talk = {"talk_seconds": 31.0}
    count(desk, long_talk, {}, {}, NOT_ANSWERED, {"outcome": "blocked"})
    count(desk, {}, account_id=OTHER_ACCOUNT_ID)
    text = (await owner.get(f"/dashboard?period={period}")).text
    assert row(text, "Clicked") == ["4", "100%"]
    assert row(text, "User answered") == ["3", "75%"]
    assert row(text, "Destination answered") == ["3", "75%"]
    assert row(text, "Talked over 30 seconds") == ["1", "25%"]
    assert row(text, "The user&#39;s phone rang and was not answered") == ["1", "25%"]
    assert row(text, "Ann " + LINE_NUMBER) == ["4", "75%", "25%", "0:55"]
    assert "1 more was refused" in text
    assert (await owner.get("/history?line=%2B18175629656")).status == 200
    assert 'href="/history?line=%2B18175629656"' in text
    # The last point of the plot's table is now.
    points = re.search(r'id="points".*?</table>', text, re.DOTALL)
    assert points is not None
    assert sum(int(calls) for calls in re.findall(r"</th><td>(\d+)</td>", points[0])) == 4


async def test_how_long_people_waited(desk: Desk, owner: Client) -> None:
    count(desk, {}, NOT_ANSWERED)
    text = (await owner.get("/dashboard")).text
    calls, half, *_ = row(text, "Click to user&#39;s phone ringing")
    assert calls == "2"
    assert half in ("1 s", "1.0 s", "1.1 s", "0.98 s")
    assert row(text, "Click to both talking")[0] == "1"


async def test_an_unknown_period_is_the_last_day(desk: Desk, owner: Client) -> None:
    count(desk, {})
    reply = await owner.get("/dashboard?period=century")
    assert reply.status == 200
    assert re.search(r'period=day" aria-current="page"', reply.text)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("Pacific%2FKiritimati", "Pacific/Kiritimati"), ("../../etc/passwd", "UTC"), ("", "UTC")],
)
async def test_days_are_those_of_the_browser(desk: Desk, owner: Client, zone: str, shown: str) -> None:
    count(desk, {})
    cookies = f"ringbridge={owner.cookie('ringbridge')}; zone={zone}"
    assert shown in (await owner.get("/dashboard?period=month", Cookie=cookies)).text


async def test_only_those_who_see_statistics_come_in(
    desk: Desk, operator: Client, auditor: Client, user: Client, visitor: Client
) -> None:
    for path in ("/dashboard", "/dashboard/now"):
        assert (await operator.get(path)).status == 200
        assert (await auditor.get(path)).status == 200
        assert (await user.get(path)).status == 403
        assert (await visitor.get(path)).location.startswith("/login")


async def test_a_suspended_account_is_told(desk: Desk, owner: Client) -> None:
    assert "suspended" not in (await owner.get("/dashboard/now")).text
    SqlLimits(desk.database).suspend(ACCOUNT_ID)
    assert "The account is suspended" in (await owner.get("/dashboard/now")).text


async def test_a_webhook_that_was_turned_off_is_told(desk: Desk, owner: Client) -> None:
    webhooks = SqlWebhooks(desk.database)
    webhook = Webhook(
        id="wh_1",
        account_id=ACCOUNT_ID,
        url="https://crm.example/",
        name="CRM <b>",
        secret="whsec_c2VjcmV0",
        created_at=1.0,
    )
    webhooks.add_now(webhook)
    assert "all working" in (await owner.get("/dashboard/now")).text
    await webhooks.change(ACCOUNT_ID, "wh_1", lambda it: _disabled(it, "failing"))
    text = (await owner.get("/dashboard/now")).text
    assert "The webhook CRM &lt;b&gt; was turned off" in text
    assert "1 of 1 failing" in text
    assert 'href="/settings/api/webhooks/wh_1"' in text
    # Somebody's own wish is no fault.
    await webhooks.change(ACCOUNT_ID, "wh_1", lambda it: _disabled(it, "by_request"))
    assert "turned off" not in (await owner.get("/dashboard/now")).text


def _disabled(webhook: Webhook, reason: str) -> Webhook:
    return replace(webhook, disabled_at=2.0, disabled_reason=reason)


async def test_limits_that_are_nearly_used_up_are_told(desk: Desk, owner: Client) -> None:
    text = (await owner.get("/dashboard/now")).text
    assert "0 of 20" in text
    assert "nearly used up" not in text
    SqlLimits(desk.database).change(ACCOUNT_ID, lambda limits: replace(limits, spend_per_day=0))
    text = (await owner.get("/dashboard/now")).text
    assert "A limit is nearly used up: Spending today (UTC), 0.00 of 0.00." in text
    # Amounts are written as the language has them.
    assert "0,00 de 0,00" in (await owner.get("/dashboard/now", **{"Accept-Language": "es"})).text
