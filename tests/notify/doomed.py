"""A server in small, to be killed at any moment: it accepts calls, and sends what waits. Run in a process of its own."""

import asyncio
from itertools import count
from multiprocessing.connection import Connection

from ringbridge.notify.address import PRIVATE_NETWORKS
from ringbridge.notify.dispatcher import Dispatcher
from ringbridge.notify.metrics import Metrics
from ringbridge.notify.sender import Sender
from ringbridge.service.clock import Clock
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import open_database
from ringbridge.store.lock import ServerLock
from ringbridge.store.outbox import Outbox
from tests.store.samples import a_call, accept, completed, event, ringing


def live(database_url: str, name: str, most_calls: int, pipe: Connection) -> None:
    """Serve until killed; the ids of calls begin with `name`. Says when a call is accepted, before anything else of it."""
    asyncio.run(_live(database_url, name, most_calls, pipe))


async def _live(database_url: str, name: str, most_calls: int, pipe: Connection) -> None:
    engine = open_database(database_url)
    outbox = Outbox(engine)
    with ServerLock(engine) as lock:
        async with (
            SqlCallStore(engine, lock, outbox) as store,
            Sender(PRIVATE_NETWORKS) as sender,
            Dispatcher(outbox, sender, store.save_attempt, Clock().utc_now, Metrics(), _soon),
        ):
            for number in count():
                if number >= most_calls:
                    await asyncio.Event().wait()
                call = a_call(f"{name}-{number}")
                await accept(store, call)
                pipe.send(call.id)
                store.save(ringing(call), event(call, 2, "user_ringing", 1.0))
                store.save(completed(call), event(call, 3, "ended", 20.0))


def _soon(attempts: int, fraction: float, retry_after_seconds: float) -> float:
    return 0.1
