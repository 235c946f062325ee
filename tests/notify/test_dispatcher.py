"""Events out of a real database to real receivers, with pauses short enough to wait for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from ringbridge.call.webhook import Delivery, Reply, Webhook, WebhookFormat
from ringbridge.notify.address import PRIVATE_NETWORKS
from ringbridge.notify.dispatcher import Dispatcher
from ringbridge.notify.schedule import pause_seconds
from ringbridge.notify.sending_process import SendingProcess
from ringbridge.notify.signature import signature
from ringbridge.store.administration import Administration
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import migrate, open_database
from ringbridge.store.lock import ServerLock
from ringbridge.store.outbox import Outbox
from ringbridge.store.webhooks import SqlWebhooks
from tests.notify.receiver import (
    PATIENCE_SECONDS,
    Behaviour,
    Receiver,
    answers,
    breaks_off,
    drips,
    hangs,
    receiving,
    says_nothing,
)
from tests.store.samples import UTC_OFFSET, a_call, accept, completed, event, ringing, written

ACCOUNT = "1009683"
SECRET = "whsec_" + "A" * 44
NEW_SECRET = "whsec_" + "B" * 44
_numbers = count(1)


class Counted:
    """What the dispatcher told its observer."""

    def __init__(self) -> None:
        self.results: list[str] = []
        self.disabled = 0

    def webhook_tried(self, result: str) -> None:
        self.results.append(result)

    def webhook_disabled(self) -> None:
        self.disabled += 1


class House:
    """The database of an account, and servers that open it."""

    def __init__(self, engine: Engine) -> None:
        self.webhooks = SqlWebhooks(engine)
        self.outbox = Outbox(engine, lambda account_id: SECRET)
        self.counted = Counted()
        self.store: SqlCallStore
        self.dispatcher: Dispatcher
        self._engine = engine
        self._administration = Administration(engine)

    @asynccontextmanager
    async def serving(
        self, pause: Callable[[int, float, float], float | None], total_seconds: float = 2.0
    ) -> AsyncIterator[None]:
        """One server's life."""
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            lock = stack.enter_context(ServerLock(self._engine))
            self.store = await stack.enter_async_context(SqlCallStore(self._engine, lock, self.outbox))
            sender = await stack.enter_async_context(SendingProcess(PRIVATE_NETWORKS, total_seconds))
            self.dispatcher = Dispatcher(
                self.outbox,
                sender,
                self.store.save_attempt,
                lambda: UTC_OFFSET + loop.time(),
                self.counted,
                pause,
            )
            await stack.enter_async_context(self.dispatcher)
            yield

    async def add_account(self) -> str:
        """Another account's id."""
        account_id = f"200{next(_numbers)}"
        await asyncio.to_thread(self._administration.add_account, "Other", account_id=account_id)
        return account_id

    async def add(self, url: str, account_id: str = ACCOUNT, **values: object) -> Webhook:
        """A webhook that leads there."""
        webhook = Webhook(
            id=f"wh_{next(_numbers)}",
            account_id=account_id,
            url=url,
            secret=SECRET,
            created_at=0.0,
            **values,  # type: ignore[arg-type]
        )
        await self.webhooks.add(webhook)
        return webhook

    async def whole_call(self, call_id: str, account_id: str = ACCOUNT) -> list[str]:
        """Three events of a call; their ids."""
        call = a_call(call_id, account_id=account_id)
        await accept(self.store, call)
        self.store.save(ringing(call), event(call, 2, "user_ringing", 1.0))
        self.store.save(completed(call), event(call, 3, "ended", 20.0))
        return [f"evt_{call_id}_{sequence}" for sequence in (1, 2, 3)]

    async def until(self, webhook: Webhook, condition: Callable[[list[Delivery]], bool]) -> list[Delivery]:
        """Wait until the log of the webhook, the oldest line first, is as wanted."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                log = await self.webhooks.deliveries(webhook.id, state=None, before=None, limit=1000)
                if condition(log[::-1]):
                    return log[::-1]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An account without webhooks."""
    engine = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    migrate(engine)
    Administration(engine).add_account("Blue Bottle", account_id=ACCOUNT)
    yield House(engine)
    engine.dispose()


def soon(attempts: int, fraction: float, retry_after_seconds: float) -> float | None:
    """Try again in a tenth of a second, for ever."""
    return 0.1


def never(attempts: int, fraction: float, retry_after_seconds: float) -> float | None:
    """Give up at once."""
    return None


def all_delivered(log: list[Delivery]) -> bool:
    return bool(log) and all(line.state == "delivered" for line in log)


async def test_events_arrive_in_order_and_are_logged(house: House) -> None:
    async with receiving(answers(200)) as receiver:
        webhook = await house.add(receiver.url)
        async with house.serving(soon):
            ids = await house.whole_call("call-1")
            log = await house.until(webhook, lambda log: len(log) == 3 and all_delivered(log))

    assert receiver.ids == ids
    assert [(line.attempts, line.last_status, line.last_error) for line in log] == [(1, 200, None)] * 3
    assert house.counted.results == ["delivered"] * 3


async def test_h1_a_receiver_that_comes_back_gets_everything_in_order_under_the_same_ids(
    house: House,
) -> None:
    async with receiving(answers(500)) as receiver:
        webhook = await house.add(receiver.url)
        async with house.serving(soon):
            expected = {
                call_id: await house.whole_call(call_id) for call_id in ("call-1", "call-2", "call-3")
            }
            await receiver.until(lambda it: len(it.requests) >= 9)
            failed = len(receiver.requests)
            receiver.behaviour = answers(200)
            await house.until(webhook, lambda log: len(log) == 9 and all_delivered(log))

    taken = receiver.ids[failed:]
    assert set(receiver.ids[:failed]) <= {ids[0] for ids in expected.values()}
    for call_id, ids in expected.items():
        assert [one for one in taken if call_id in one] == ids
    assert len({request.headers["webhook-signature"] for request in receiver.requests}) > 1


def scaled(attempts: int, fraction: float, retry_after_seconds: float) -> float | None:
    """The real schedule, two thousand times as fast: two hours are less than four seconds."""
    pause = pause_seconds(attempts, fraction, retry_after_seconds)
    return None if pause is None else pause / 2000.0


async def test_h1_an_outage_of_every_kind_costs_no_event(house: House) -> None:
    kinds = [says_nothing, answers(500), answers(404), answers(301, "Location: /"), breaks_off, drips, hangs]
    async with receiving(says_nothing) as receiver:
        webhook = await house.add(receiver.url)
        async with house.serving(scaled, total_seconds=1.0):
            expected = [event_id for call in range(30) for event_id in await house.whole_call(f"call-{call}")]
            for kind in kinds:
                receiver.behaviour = kind
                seen = len(receiver.requests)
                await receiver.until(lambda it, seen=seen: len(it.requests) >= seen + 4)  # type: ignore[misc]
            failed = len(receiver.requests)
            receiver.behaviour = answers(200)
            log = await house.until(webhook, lambda log: len(log) == 90 and all_delivered(log))

    assert sorted(set(receiver.ids)) == sorted(expected)
    assert set(receiver.ids[:failed]) <= {f"evt_call-{call}_1" for call in range(30)}
    assert max(line.attempts for line in log) > 1
    assert house.counted.disabled == 0


@pytest.mark.parametrize("behaviour", [answers(404), answers(301, "Location: /"), breaks_off, hangs, drips])
async def test_h1_a_bad_receiver_holds_up_no_other(house: House, behaviour: Behaviour) -> None:
    loop = asyncio.get_running_loop()
    async with receiving(behaviour) as bad, receiving(answers(200)) as good:
        await house.add(bad.url)
        webhook = await house.add(good.url)
        async with house.serving(soon, total_seconds=30.0):
            for number in range(20):
                await house.whole_call(f"early-{number}")
            await bad.until(lambda it: bool(it.requests))
            began = loop.time()
            await house.whole_call("late")
            await good.until(lambda it: "evt_late_3" in it.ids)
            took = loop.time() - began
            await house.until(webhook, lambda log: len(log) == 63 and all_delivered(log))

    # Half of the time-out that the bad one is given: nobody waited for that.
    assert took < 15.0
    assert bad.connections <= 1000


async def test_h1_six_hundred_requests_that_hang_hold_up_no_other_account(house: House) -> None:
    loop = asyncio.get_running_loop()
    async with receiving(hangs) as bad, receiving(answers(200)) as good:
        others = [await house.add_account() for _ in range(8)]
        for account_id in others:
            for _ in range(20):
                await house.add(bad.url, account_id, events=("ended",))
        webhook = await house.add(good.url)
        async with house.serving(soon, total_seconds=60.0):
            for account_id in others:
                for number in range(4):
                    await house.whole_call(f"{account_id}-{number}", account_id)
            await bad.until(lambda it: len(it.requests) >= 300)
            began = loop.time()
            await house.whole_call("late")
            await good.until(lambda it: "evt_late_3" in it.ids)
            took = loop.time() - began
            await bad.until(lambda it: len(it.requests) == 640)
            log = await house.until(webhook, lambda log: len(log) == 3 and all_delivered(log))

    assert [line.attempts for line in log] == [1, 1, 1]
    # A second of it may be for those that have just begun to hang; the rest is for a busy machine.
    assert took < 15.0


async def test_h1_a_receiver_that_is_gone_is_asked_no_more(house: House) -> None:
    async with receiving(answers(410)) as receiver:
        webhook = await house.add(receiver.url)
        async with house.serving(soon):
            await house.whole_call("call-1")
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (found := await house.webhooks.find(ACCOUNT, webhook.id)) and not found.disabled_at:
                    continue
                while house.outbox.webhook(webhook.id) is not None:
                    await house.webhooks.find(ACCOUNT, webhook.id)
            assert found is not None
            assert found.disabled_reason == "gone"
            await house.whole_call("call-2")
            await written(house.store)
            assert len(receiver.requests) == 1

            # Enabled again, it gets what waited; what happened meanwhile was not kept for it.
            receiver.behaviour = answers(200)
            await house.webhooks.change(
                ACCOUNT, webhook.id, lambda it: replace(it, disabled_at=None, disabled_reason=None)
            )
            await house.dispatcher.refresh()
            log = await house.until(webhook, all_delivered)

    assert {line.key.call_id for line in log} == {"call-1"}
    assert house.counted.disabled == 1


async def test_a_webhook_that_took_nothing_in_all_the_time_of_an_event_is_disabled(house: House) -> None:
    async with receiving(answers(500)) as receiver:
        webhook = await house.add(receiver.url, events=("ended",))
        async with house.serving(never):
            await house.whole_call("call-1")
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (found := await house.webhooks.find(ACCOUNT, webhook.id)) and not found.disabled_at:
                    continue

    assert found is not None
    assert found.disabled_reason == "failing"
    assert house.counted.results == ["given_up"]


async def test_an_event_that_is_given_up_disables_nothing_that_takes_others(house: House) -> None:
    async def refuses_the_first(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        status = 500 if receiver.ids[-1] == "evt_call-1_1" else 200
        await answers(status)(receiver, writer)

    async with receiving(refuses_the_first) as receiver:
        webhook = await house.add(receiver.url)
        async with house.serving(lambda attempts, *_: 0.1 if attempts < 5 else None):
            await house.whole_call("call-2")
            await house.until(webhook, lambda log: len(log) == 3 and all_delivered(log))
            await house.whole_call("call-1")
            log = await house.until(
                webhook, lambda log: len(log) == 6 and all(x.state != "pending" for x in log)
            )

    assert [line.state for line in log] == ["failed", *["delivered"] * 5]
    assert receiver.ids.count("evt_call-1_1") == 5


async def test_h4_what_is_tried_again_after_a_rotation_has_both_signatures(house: House) -> None:
    async with receiving(answers(500)) as receiver:
        webhook = await house.add(receiver.url, events=("ended",))
        async with house.serving(soon):
            await house.whole_call("call-1")
            await receiver.until(lambda it: bool(it.requests))
            await house.webhooks.change(
                ACCOUNT,
                webhook.id,
                lambda it: replace(
                    it, secret=NEW_SECRET, previous_secret=it.secret, previous_secret_until=UTC_OFFSET * 2.0
                ),
            )
            await house.dispatcher.refresh()
            receiver.behaviour = answers(200)
            await house.until(webhook, all_delivered)

    before, after = receiver.requests[0], receiver.requests[-1]
    assert before.headers["webhook-id"] == after.headers["webhook-id"]
    for request, secrets in ((before, [SECRET]), (after, [NEW_SECRET, SECRET])):
        timestamp = int(request.headers["webhook-timestamp"])
        signed = [signature([one], request.headers["webhook-id"], timestamp, request.body) for one in secrets]
        assert request.headers["webhook-signature"].split(" ") == signed


async def test_a_changed_format_is_sent_only_what_it_has_words_for(house: House) -> None:
    async with receiving(answers(500)) as receiver:
        webhook = await house.add(receiver.url)
        async with house.serving(soon):
            await house.whole_call("call-1")
            await receiver.until(lambda it: len(it.requests) > 1)
            await house.webhooks.change(
                ACCOUNT, webhook.id, lambda it: replace(it, format=WebhookFormat.NET2PHONE)
            )
            await house.dispatcher.refresh()
            log = await house.until(webhook, lambda log: all(line.state == "failed" for line in log))

    assert [line.last_error for line in log] == ["no longer wanted"] * 3


async def test_a_fault_of_ours_is_tried_again_with_pauses(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([ValueError("no such codec"), KeyError("name")])
    send = SendingProcess.send

    async def faulty(sending: SendingProcess, *values: Any) -> Reply:
        for fault in faults:
            raise fault
        return await send(sending, *values)

    monkeypatch.setattr(SendingProcess, "send", faulty)
    async with receiving(answers(200)) as receiver:
        webhook = await house.add(receiver.url, events=("ended",))
        async with house.serving(soon):
            await house.whole_call("call-1")
            [line] = await house.until(webhook, all_delivered)

    assert line.attempts == 3
    assert receiver.ids == ["evt_call-1_3"]


async def test_what_a_server_left_the_next_one_sends(house: House) -> None:
    async with receiving(hangs) as receiver:
        webhook = await house.add(receiver.url)
        async with house.serving(soon, total_seconds=60.0):
            ids = await house.whole_call("call-1")
            await receiver.until(lambda it: bool(it.requests))
        receiver.behaviour = answers(200)
        receiver.requests.clear()
        async with house.serving(soon):
            await house.until(webhook, lambda log: len(log) == 3 and all_delivered(log))

    assert receiver.ids == ids


async def test_a_replayed_event_is_sent_again_under_its_id(house: House) -> None:
    async with receiving(answers(200)) as receiver:
        webhook = await house.add(receiver.url)
        async with house.serving(soon):
            await house.whole_call("call-1")
            log = await house.until(webhook, lambda log: len(log) == 3 and all_delivered(log))
            await house.webhooks.replay(log[1].key)
            house.dispatcher.wake(webhook.id)
            await receiver.until(lambda it: len(it.requests) == 4)

    assert receiver.ids[3] == "evt_call-1_2"


async def test_a_calls_own_webhook_is_told_of_that_call_alone(house: House) -> None:
    async with receiving(answers(200)) as receiver, receiving(answers(410)) as gone, house.serving(soon):
        await accept(house.store, a_call("call-1")._replace(webhook=receiver.url))
        await accept(house.store, a_call("call-2"))
        await accept(house.store, a_call("call-3")._replace(webhook=gone.url))
        await accept(house.store, a_call("call-4")._replace(webhook=receiver.url))
        await gone.until(lambda it: bool(it.requests))
        await receiver.until(lambda it: len(it.requests) == 2)

    assert sorted(receiver.ids) == ["evt_call-1_1", "evt_call-4_1"]
    assert gone.ids == ["evt_call-3_1"]
    assert house.counted.disabled == 0


async def test_h1_a_calls_own_webhook_that_fails_or_hangs_leaves_the_others_places(house: House) -> None:
    async with (
        receiving(hangs) as hanging,
        receiving(answers(500)) as failing,
        receiving(answers(200)) as good,
        house.serving(soon, total_seconds=300.0),
    ):
        await accept(house.store, a_call("call-1")._replace(webhook=hanging.url))
        await accept(house.store, a_call("call-2")._replace(webhook=failing.url))
        await hanging.until(lambda it: bool(it.requests))
        await failing.until(lambda it: len(it.requests) > 1)
        await accept(house.store, a_call("call-3")._replace(webhook=good.url))
        await good.until(lambda it: bool(it.requests))

    assert good.ids == ["evt_call-3_1"]
