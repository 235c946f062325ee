"""Programs that follow their calls over a crash and the start of the next server."""

import asyncio
import socket
import threading
from pathlib import Path

import pytest

from ringbridge.client import AsyncClient, Call, Client
from tests.client.conftest import Access, provisioned
from tests.peers.server import Deployment, Server, user_number
from tests.peers.tool import WAIT_SECONDS, free_port

UNENDING = "+15125550109"


async def test_a_call_is_followed_and_waited_for_over_a_crash(tmp_path: Path) -> None:
    own, key = provisioned(tmp_path)
    port = free_port(socket.SOCK_STREAM)
    access = Access(url=f"http://127.0.0.1:{port}", account_id=own.account_id, key=key)
    waiting: list[asyncio.Task[Call]] = []
    with pytest.raises(AssertionError, match="serve ended with status -9"):
        await follow_until_killed(own, access, port, waiting)
    async with asyncio.timeout(2 * WAIT_SECONDS):
        with Server.running(own, http_port=port):
            outcomes = [call.outcome for call in await asyncio.gather(*waiting)]
    assert outcomes == ["interrupted", "interrupted"]


async def follow_until_killed(
    own: Deployment, access: Access, port: int, waiting: list[asyncio.Task[Call]]
) -> None:
    """Each client waits for a call, and has heard of it, when their server is killed."""
    with Server.running(own, http_port=port) as server:
        for index, wait in enumerate((waited_blocking, waited)):
            call = Client(access.url, access.account_id, access.key).place(user_number(index), UNENDING)
            heard = threading.Event()
            waiting.append(asyncio.create_task(wait(access, call.id, heard)))
            assert await asyncio.to_thread(heard.wait, WAIT_SECONDS)
        server.process.kill()
        await asyncio.to_thread(server.process.wait, WAIT_SECONDS)


async def waited_blocking(access: Access, call_id: str, heard: threading.Event) -> Call:
    """The call when it is over, by the client without an event loop."""
    client = Client(access.url, access.account_id, access.key)

    def wait() -> Call:
        for _ in client.follow(call_id):
            heard.set()
        return client.wait(call_id)

    return await asyncio.to_thread(wait)


async def waited(access: Access, call_id: str, heard: threading.Event) -> Call:
    """The call when it is over, by the client with one."""
    async with AsyncClient(access.url, access.account_id, access.key) as client:
        async for _ in client.follow(call_id):
            heard.set()
        return await client.wait(call_id)
