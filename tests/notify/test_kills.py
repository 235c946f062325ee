"""H2: what is killed a hundred times, in all moments between a commit and the receiver's answer written down, loses no event."""

import asyncio
import json
import multiprocessing
import random
from pathlib import Path

from sqlalchemy import Engine, select

from ringbridge.call.webhook import Webhook, event_id
from ringbridge.store.administration import Administration
from ringbridge.store.database import migrate, open_database, reading
from ringbridge.store.tables import call_events
from ringbridge.store.webhooks import SqlWebhooks
from tests.notify.doomed import live
from tests.notify.receiver import PATIENCE_SECONDS, Receiver, answers, receiving

ACCOUNT = "1009683"
KILLS = 100
CALLS_OF_A_LIFE = 3


async def test_h2_a_hundred_kills_lose_no_event(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ringbridge.db"
    engine = open_database(url)
    migrate(engine)
    Administration(engine).add_account("Blue Bottle", account_id=ACCOUNT)
    chance = random.Random(2)
    # Each life is a fork of a process that has read all modules already.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.notify.doomed"])
    async with receiving(answers(200)) as receiver:
        await SqlWebhooks(engine).add(
            Webhook(
                id="wh_1", account_id=ACCOUNT, url=receiver.url, secret="whsec_" + "A" * 44, created_at=0.0
            )
        )

        async def one_life(name: str, calls: int, *, is_last: bool) -> None:
            ours, theirs = context.Pipe()
            process = context.Process(target=live, args=(url, name, calls, theirs), daemon=True)
            seen = len(receiver.requests)
            await asyncio.to_thread(process.start)
            try:
                for _ in range(calls if is_last else chance.randint(0, calls)):
                    assert await asyncio.to_thread(ours.poll, PATIENCE_SECONDS)
                    ours.recv()
                if is_last:
                    await receiver.until(lambda it: set(it.ids) == _told(engine))
                elif chance.random() < 0.7:
                    # In the middle of its sending, or before what was taken is written down.
                    more = seen + chance.randint(1, 3 * CALLS_OF_A_LIFE)
                    await _until_or_idle(receiver, more)
            finally:
                process.kill()
                await asyncio.to_thread(process.join)

        for life in range(KILLS):
            await one_life(f"life{life}", CALLS_OF_A_LIFE, is_last=False)
        # The last places no calls: it sends what the others left.
        await one_life("last", 0, is_last=True)

    told = _told(engine)
    engine.dispose()
    arrived = receiver.ids
    assert set(arrived) == told
    assert len(told) > KILLS
    # Killed before it was written down that they had arrived.
    assert len(arrived) > len(told)
    first = list(dict.fromkeys(arrived))
    for call_id in {json.loads(request.body)["data"]["call_id"] for request in receiver.requests}:
        ours_of_call = [one for one in first if one.startswith(f"evt_{call_id}_")]
        assert ours_of_call == sorted(ours_of_call)


def _told(engine: Engine) -> set[str]:
    with reading(engine) as connection:
        rows = connection.execute(select(call_events.c.call_id, call_events.c.sequence))
        return {event_id(row.call_id, row.sequence) for row in rows}


async def _until_or_idle(receiver: Receiver, count: int) -> None:
    """Wait for so many requests in all; a life may have fewer to send than that."""
    try:
        async with asyncio.timeout(0.5):
            await receiver.until(lambda it: len(it.requests) >= count)
    except TimeoutError:
        return
