"""What is to be sent to webhooks is kept with the change that it tells of, and read in the order of each call."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from ringbridge.call.model import Call
from ringbridge.call.schedule import Schedule, canceled, scheduled
from ringbridge.call.webhook import (
    MOST_WEBHOOKS,
    Attempt,
    DeliveryKey,
    DueDelivery,
    TooManyWebhooks,
    Webhook,
    WebhookFormat,
)
from ringbridge.store.administration import Administration
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.lock import ServerLock
from ringbridge.store.outbox import Outbox
from ringbridge.store.schedules import SqlSchedules
from ringbridge.store.webhooks import SqlWebhooks
from tests.store.samples import (
    PATIENCE_SECONDS,
    UTC_OFFSET,
    a_call,
    accept,
    completed,
    event,
    ringing,
    simulated,
    written,
)

ACCOUNT = "1009683"
NOW = UTC_OFFSET + 10_000.0
WEBHOOK = Webhook(
    id="wh_1", account_id=ACCOUNT, url="https://example.com/hook", secret="whsec_c2VjcmV0", created_at=1.0
)


class Heard:
    """What the outbox told, and a wait for it."""

    def __init__(self) -> None:
        self.webhooks: set[str] = set()
        self.tried: set[DeliveryKey] = set()
        self._changed = asyncio.Event()

    def on_news(self, webhooks: Iterable[str], tried: Iterable[DeliveryKey]) -> None:
        self.webhooks.update(webhooks)
        self.tried.update(tried)
        self._changed.set()

    async def until_tried(self, key: DeliveryKey) -> None:
        """Wait until the outcome of that try is durable."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while key not in self.tried:
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def webhooks(engine: Engine, administration: Administration) -> SqlWebhooks:
    """An account with one webhook."""
    administration.add_account("Blue Bottle", account_id=ACCOUNT)
    administration.add_account("Other", account_id="2000000")
    webhooks = SqlWebhooks(engine)
    webhooks.add_now(WEBHOOK)
    return webhooks


@pytest.fixture
def outbox(engine: Engine, webhooks: SqlWebhooks) -> Outbox:
    """Nothing is in it."""
    return Outbox(engine)


@pytest.fixture
async def store(engine: Engine, outbox: Outbox) -> AsyncIterator[SqlCallStore]:
    """A store that writes to the outbox, too."""
    await outbox.refresh()
    with ServerLock(engine) as lock:
        async with SqlCallStore(engine, lock, outbox) as store:
            yield store


async def whole_call(store: SqlCallStore, call: Call) -> None:
    """Three events of a call, durable on return."""
    await accept(store, call)
    store.save(ringing(call), event(call, 2, "user_ringing", 1.0))
    store.save(completed(call), event(call, 3, "ended", 20.0))
    await written(store)


def names(due: list[DueDelivery]) -> list[str]:
    """The events' names."""
    return [one.notice.name for one in due]


def failed(one: DueDelivery, next_attempt_at: float | None) -> Attempt:
    """A try that was answered 500."""
    return Attempt(one.key, one.attempts + 1, NOW, next_attempt_at, 500, "status 500", False)


async def test_events_are_due_with_what_there_is_to_tell_of_them(store: SqlCallStore, outbox: Outbox) -> None:
    await whole_call(store, a_call())

    accepted, ringing_, ended = await outbox.due(["wh_1"], NOW, 10)

    assert names([accepted, ringing_, ended]) == ["accepted", "user_ringing", "ended"]
    assert accepted.key == DeliveryKey("wh_1", "call-1", 1)
    assert accepted.notice.event_id == "evt_call-1_1"
    assert (accepted.notice.outcome, accepted.notice.talk_seconds) == (None, None)
    assert ringing_.notice.user_leg == "ringing"
    assert (ended.notice.outcome, ended.notice.talk_seconds, ended.notice.ended_by) == (
        "completed",
        12.0,
        "destination",
    )
    assert ended.notice.at == UTC_OFFSET + 120.0
    assert await outbox.pending() == {"wh_1": 0.0}


async def test_accounts_without_webhooks_have_no_rows(store: SqlCallStore, outbox: Outbox) -> None:
    await whole_call(store, a_call(account_id="2000000"))

    assert await outbox.pending() == {}


async def test_only_what_a_webhook_wants_is_kept_for_it(
    store: SqlCallStore, outbox: Outbox, webhooks: SqlWebhooks
) -> None:
    await webhooks.change(ACCOUNT, "wh_1", lambda it: replace(it, events=("ended",)))
    webhooks.add_now(replace(WEBHOOK, id="wh_2", format=WebhookFormat.NET2PHONE))
    assert await outbox.refresh() == {"wh_2"}

    await whole_call(store, a_call())

    assert names(await outbox.due(["wh_1", "wh_2"], NOW, 10)) == ["ended"]


async def test_a_later_event_waits_for_an_earlier_one_of_its_call_and_for_no_other(
    store: SqlCallStore, outbox: Outbox
) -> None:
    heard = Heard()
    outbox.listen(heard.on_news)
    await whole_call(store, a_call("call-1"))
    await whole_call(store, a_call("call-2"))
    first = (await outbox.due(["wh_1"], NOW, 10))[0]

    store.save_attempt(failed(first, NOW + 60.0))
    await heard.until_tried(first.key)

    assert [one.key.call_id for one in await outbox.due(["wh_1"], NOW + 59.0, 10)] == ["call-2"] * 3
    again = await outbox.due(["wh_1"], NOW + 60.0, 10)
    assert [one.attempts for one in again] == [1, 0, 0, 0, 0, 0]
    assert heard.webhooks == {"wh_1"}
    assert (await outbox.pending())["wh_1"] == 0.0


async def test_what_was_given_up_holds_nothing_back(store: SqlCallStore, outbox: Outbox) -> None:
    heard = Heard()
    outbox.listen(heard.on_news)
    await whole_call(store, a_call())
    first = (await outbox.due(["wh_1"], NOW, 10))[0]

    store.save_attempt(failed(first, None))
    await heard.until_tried(first.key)

    assert names(await outbox.due(["wh_1"], NOW, 10)) == ["user_ringing", "ended"]
    assert not await outbox.has_delivered_since("wh_1", 0.0)


async def test_what_was_taken_is_not_due_again(store: SqlCallStore, outbox: Outbox) -> None:
    heard = Heard()
    outbox.listen(heard.on_news)
    await whole_call(store, a_call())
    for one in await outbox.due(["wh_1"], NOW, 10):
        store.save_attempt(Attempt(one.key, 1, NOW, None, 200, None, True))
        await heard.until_tried(one.key)

    assert await outbox.due(["wh_1"], NOW, 10) == []
    assert await outbox.has_delivered_since("wh_1", NOW)
    assert not await outbox.has_delivered_since("wh_1", NOW + 1.0)


async def test_each_webhook_has_a_share_of_what_is_read(
    store: SqlCallStore, outbox: Outbox, webhooks: SqlWebhooks
) -> None:
    webhooks.add_now(replace(WEBHOOK, id="wh_2"))
    await outbox.refresh()
    await whole_call(store, a_call())

    due = await outbox.due(["wh_1", "wh_2"], NOW, 2)

    assert [one.key.webhook_id for one in due] == ["wh_1", "wh_1", "wh_2", "wh_2"]


async def test_a_disabled_webhook_gets_nothing_more_and_keeps_what_waits(
    store: SqlCallStore, outbox: Outbox, webhooks: SqlWebhooks
) -> None:
    await accept(store, a_call("call-1"))

    await outbox.disable("wh_1", "gone", NOW)
    await accept(store, a_call("call-2"))

    assert outbox.webhook("wh_1") is None
    assert list(await outbox.pending()) == ["wh_1"]
    assert [one.key.call_id for one in await outbox.due(["wh_1"], NOW, 10)] == ["call-1"]
    found = await webhooks.find(ACCOUNT, "wh_1")
    assert found is not None
    assert (found.disabled_reason, found.disabled_at) == ("gone", NOW)


async def test_the_end_of_an_interrupted_call_is_told(store: SqlCallStore, outbox: Outbox) -> None:
    await accept(store, a_call())

    await store.close_interrupted("call-1", ended_at=UTC_OFFSET + 300.0)

    ended = (await outbox.due(["wh_1"], NOW, 10))[-1]
    assert (ended.notice.name, ended.notice.outcome) == ("ended", "interrupted")


async def test_the_log_is_read_in_pages_the_newest_first(
    store: SqlCallStore, outbox: Outbox, webhooks: SqlWebhooks
) -> None:
    await whole_call(store, a_call("call-1"))
    await whole_call(store, a_call("call-2"))

    page = await webhooks.deliveries("wh_1", state=None, before=None, limit=4)
    rest = await webhooks.deliveries("wh_1", state="pending", before=page[-1].key[1:], limit=4)

    assert [one.key.event_id for one in page + rest] == [
        f"evt_{call}_{sequence}" for call in ("call-2", "call-1") for sequence in (3, 2, 1)
    ]
    assert [one.name for one in rest] == ["user_ringing", "accepted"]
    assert await webhooks.deliveries("wh_1", state="failed", before=None, limit=4) == []
    assert await webhooks.deliveries("wh_1", state="delivered", before=None, limit=4) == []
    of_call = await webhooks.deliveries_of_call("call-1")
    assert [(one.key.sequence, one.name) for one in of_call] == [
        (1, "accepted"),
        (2, "user_ringing"),
        (3, "ended"),
    ]


async def test_events_are_sent_again_when_asked_for(
    store: SqlCallStore, outbox: Outbox, webhooks: SqlWebhooks
) -> None:
    heard = Heard()
    outbox.listen(heard.on_news)
    await whole_call(store, a_call())
    accepted, ringing_, ended = await outbox.due(["wh_1"], NOW, 10)
    store.save_attempt(Attempt(accepted.key, 1, NOW, None, 200, None, True))
    store.save_attempt(failed(ringing_, None))
    store.save_attempt(failed(ended, None))
    await heard.until_tried(ended.key)

    assert await webhooks.replay_since("wh_1", UTC_OFFSET + 110.0, delivered=False) == 1
    assert names(await outbox.due(["wh_1"], NOW, 10)) == ["ended"]
    assert await webhooks.replay_since("wh_1", 0.0, delivered=True) == 2
    assert [one.attempts for one in await outbox.due(["wh_1"], NOW, 10)] == [0, 0, 0]
    assert not await webhooks.replay(DeliveryKey("wh_1", "call-9", 1))
    assert await webhooks.replay(accepted.key)


@pytest.mark.parametrize(
    ("values", "due"),
    [
        ({"url": "https://elsewhere.example.com/"}, ["accepted", "user_ringing", "ended"]),
        ({"disabled_at": None}, ["accepted", "user_ringing", "ended"]),
        ({"name": "CRM"}, []),
    ],
)
async def test_what_waits_is_due_at_once_for_a_webhook_that_was_mended(
    store: SqlCallStore, outbox: Outbox, webhooks: SqlWebhooks, values: dict[str, Any], due: list[str]
) -> None:
    heard = Heard()
    outbox.listen(heard.on_news)
    await whole_call(store, a_call())
    accepted, *_ = await outbox.due(["wh_1"], NOW, 10)
    store.save_attempt(failed(accepted, NOW + 50_000.0))
    await heard.until_tried(accepted.key)
    if "disabled_at" in values:
        await outbox.disable("wh_1", "failing", NOW)

    await webhooks.change(accepted.notice.account_id, "wh_1", lambda it: replace(it, **values))

    assert names(await outbox.due(["wh_1"], NOW, 10)) == due
    assert await webhooks.replay_since("wh_1", 0.0, delivered=False) == 3 - len(due)
    assert len(await outbox.due(["wh_1"], NOW, 10)) == 3


async def test_a_removed_webhook_leaves_nothing(
    store: SqlCallStore, outbox: Outbox, webhooks: SqlWebhooks
) -> None:
    await whole_call(store, a_call())

    assert not await webhooks.remove("2000000", "wh_1")
    assert await webhooks.remove(ACCOUNT, "wh_1")

    assert await webhooks.all(ACCOUNT) == []
    assert await outbox.pending() == {}


async def test_a_call_brings_a_webhook_with_it(store: SqlCallStore, outbox: Outbox) -> None:
    own = a_call(account_id="2000000")._replace(webhook="https://example.com/deal", metadata={"deal": "7"})
    await accept(store, own)
    await store.close_interrupted("call-1", ended_at=UTC_OFFSET + 300.0)

    due = await outbox.due(["call:2000000"], NOW, 10)

    assert names(due) == ["accepted", "ended"]
    assert {one.call_url for one in due} == {"https://example.com/deal"}
    assert due[0].notice.metadata == {"deal": "7"}
    webhook = outbox.webhook("call:2000000")
    assert webhook is not None
    assert (webhook.account_id, webhook.is_of_calls) == ("2000000", True)


async def test_what_a_test_key_made_hears_of_test_calls_only(
    store: SqlCallStore, outbox: Outbox, webhooks: SqlWebhooks
) -> None:
    await webhooks.add(replace(WEBHOOK, id="wh_2", is_test=True))
    await outbox.refresh()
    for call in (a_call("live"), simulated(a_call("test"))):
        await accept(store, call._replace(webhook="https://example.com/deal"))
        # The end of an interrupted call finds its webhooks in the database.
        await store.close_interrupted(call.id, ended_at=UTC_OFFSET + 300.0)

    told = {}
    for webhook_id in ("wh_1", "wh_2", f"call:{ACCOUNT}", f"test_call:{ACCOUNT}"):
        due = await outbox.due([webhook_id], NOW, 10)
        told[webhook_id] = [(one.key.call_id, one.notice.name) for one in due]

    live, test = ([(call_id, "accepted"), (call_id, "ended")] for call_id in ("live", "test"))
    assert told == {
        "wh_1": live + test,
        "wh_2": test,
        f"call:{ACCOUNT}": live,
        f"test_call:{ACCOUNT}": test,
    }


async def test_test_keys_do_not_take_the_places_of_live_webhooks(webhooks: SqlWebhooks) -> None:
    for number in range(MOST_WEBHOOKS):
        await webhooks.add(replace(WEBHOOK, id=f"test_{number}", is_test=True))
    with pytest.raises(TooManyWebhooks):
        await webhooks.add(replace(WEBHOOK, id="one_more", is_test=True))
    await webhooks.add(replace(WEBHOOK, id="wh_2"))


async def test_what_waits_behind_a_failed_event_is_due_with_it(store: SqlCallStore, outbox: Outbox) -> None:
    heard = Heard()
    outbox.listen(heard.on_news)
    call = a_call()
    await accept(store, call)
    store.save(ringing(call), event(call, 2, "user_ringing", 1.0))
    await written(store)
    first = (await outbox.due(["wh_1"], NOW, 10))[0]
    store.save_attempt(failed(first, NOW + 60.0))
    await heard.until_tried(first.key)
    store.save(completed(call), event(call, 3, "ended", 20.0))
    await written(store)

    # Otherwise a receiver that is down would leave more and more rows to be looked through in vain.
    assert await outbox.pending() == {"wh_1": NOW + 60.0}
    assert names(await outbox.due(["wh_1"], NOW + 60.0, 10)) == ["accepted", "user_ringing", "ended"]


async def test_a_first_share_is_that_of_the_oldest_calls(store: SqlCallStore, outbox: Outbox) -> None:
    await whole_call(store, a_call("call-2"))
    await whole_call(store, a_call("call-1"))

    due = await outbox.due(["wh_1"], NOW, 4)

    assert [one.key.event_id for one in due] == [
        "evt_call-1_1",
        "evt_call-1_2",
        "evt_call-1_3",
        "evt_call-2_1",
    ]


async def test_a_scheduled_call_and_its_attempts_are_told_of(
    engine: Engine, store: SqlCallStore, outbox: Outbox
) -> None:
    schedules = SqlSchedules(engine, store.write)
    own = a_call("call-0")._replace(webhook="https://example.com/own")
    step = scheduled(own, Schedule(at=UTC_OFFSET + 600.0), {})
    await schedules.add(step, None)
    attempt = a_call("call-1", accepted_at=700.0)._replace(attempt_of="call-0")
    await accept(store, attempt)
    await schedules.change(canceled(step.after, UTC_OFFSET + 800.0))

    due = await outbox.due(["wh_1", f"call:{ACCOUNT}"], NOW, 10)

    assert [(one.notice.name, one.notice.attempt_of, one.notice.outcome) for one in due] == [
        ("scheduled", None, None),
        ("ended", None, "canceled"),
        ("accepted", "call-0", None),
        ("scheduled", None, None),
        ("ended", None, "canceled"),
    ]
    assert [one.notice.state for one in due[:2]] == ["scheduled", "ended"]


async def test_a_webhook_fails_while_an_event_waits_that_was_tried_in_vain(
    store: SqlCallStore, outbox: Outbox, webhooks: SqlWebhooks
) -> None:
    await whole_call(store, a_call())
    assert await webhooks.failing(ACCOUNT) == set()

    first = (await outbox.due(["wh_1"], NOW, 10))[0]
    store.save_attempt(failed(first, NOW + 30.0))
    await written(store)
    assert await webhooks.failing(ACCOUNT) == {"wh_1"}
    assert await webhooks.failing("2000000") == set()

    # What was given up is tried no more.
    store.save_attempt(failed(first, None))
    await written(store)
    assert await webhooks.failing(ACCOUNT) == set()
