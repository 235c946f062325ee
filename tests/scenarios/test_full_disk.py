"""A disk that takes no more: the customer is told to come back, nothing is dialled, and room is all that was missing.

The kernel refuses every longer file of the server's process, as a full disk does; its log is a file of that disk too.
"""

import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import pytest

from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Server, destination_number, user_number
from tests.peers.tool import poll

pytestmark = pytest.mark.peer


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """No file of the server may grow while the block runs."""
    now, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (now, most))


@pytest.fixture
async def customer(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": server.deployment.authorization}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        yield session


async def test_a_call_that_cannot_be_stored_is_refused_as_documented_and_dials_nobody(
    server: Server, client: Client, customer: aiohttp.ClientSession, user: Phone, destination: Phone
) -> None:
    fields = {"user_line": user_number(1), "destination_line": destination_number(1)}
    with full_disk(server):
        async with customer.post("/api/v1/call", json=fields) as answer:
            status, body, headers = answer.status, await answer.read(), answer.headers

    assert (status, body) == (500, b'{"error": "Something went wrong. Please try again later."}')
    assert (headers["X-Error-Code"], headers["Retry-After"]) == ("store_unavailable", "5")
    assert headers["Content-Type"] == "application/json; charset=utf-8"

    call_id = await client.place(1, 1)
    (await user.leg_to(user_number(1))).refuse(486)
    assert (await client.finished(call_id))["outcome"] == "user_busy"
    assert (len(user.legs), len(destination.legs)) == (1, 0)

    async def recorded() -> list[str]:
        return server.recorded_calls()

    # The record is in the file a moment after the call is known to be over.
    assert await poll(recorded, bool, "the call's record") == [call_id]
