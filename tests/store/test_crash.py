"""A server that is killed in the middle of its work, and what the next one finds."""

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import migrate, open_database, reading
from ringbridge.store.lock import ServerLock
from ringbridge.store.tables import calls, records
from tests.store.samples import UTC_OFFSET

_SERVER = """
import asyncio, sys
from itertools import count
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import open_database
from ringbridge.store.lock import ServerLock
from tests.store.samples import a_call, accept, completed, event, ringing

async def place(store, number):
    call = a_call(f"call-{number}")
    await accept(store, call)
    print(call.id, flush=True)
    store.save(ringing(call), event(call, 2, "user_ringing"))
    if number % 2:
        store.save(completed(call), event(call, 3, "ended"))

async def serve():
    engine = open_database(sys.argv[1])
    with ServerLock(engine) as lock:
        async with SqlCallStore(engine, lock) as store:
            for first in count(0, 20):
                await asyncio.gather(*(place(store, first + number) for number in range(20)))

asyncio.run(serve())
"""


@pytest.mark.parametrize("acknowledged_before_kill", [1, 37, 200])
async def test_every_call_that_a_killed_server_acknowledged_is_there_and_ends_with_one_record(
    url: str, acknowledged_before_kill: int
) -> None:
    engine = open_database(url)
    migrate(engine)
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVER, url, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert server.stdout is not None
    acknowledged = [
        (await server.stdout.readline()).decode().strip() for _ in range(acknowledged_before_kill)
    ]
    server.kill()
    acknowledged += (await server.stdout.read()).decode().split()
    await server.wait()
    with ServerLock(engine) as lock:
        async with SqlCallStore(engine, lock) as store:
            for call_id in await store.open_calls():
                await store.close_interrupted(call_id, ended_at=UTC_OFFSET + 500.0)
            for call_id in acknowledged:
                found = await store.find("1009683", call_id)
                assert found is not None
                assert (found.state, found.outcome in {"completed", "interrupted"}) == ("ended", True)
                assert [line.sequence for line in found.events] == list(range(1, len(found.events) + 1))
    with reading(engine) as connection:
        every_call = set(connection.scalars(select(calls.c.id)))
        assert set(connection.scalars(select(records.c.call_id))) == every_call
    engine.dispose()
