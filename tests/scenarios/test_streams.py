"""Streams of events over real HTTP: they end with their key (row H6), and go on where they were after a crash."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Deployment, Server, ringbridge
from tests.peers.tool import WAIT_SECONDS, free_port
from tests.scenarios import talk
from tests.scenarios.killed import before_the_kill
from tests.scenarios.test_withdrawal import NOTICED_SECONDS, made_key

pytestmark = pytest.mark.peer

ALL = "/api/v2/events"

Key = tuple[str, int]
"""A call's id and an event's sequence."""

Event = dict[str, Any]


class Stream:
    """An open stream. `last_id` is that of the last thing that was read."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.last_id = ""
        self._answer = answer

    @classmethod
    @asynccontextmanager
    async def opened(cls, client: Client, path: str, last_id: str = "") -> AsyncIterator["Stream"]:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        async with client.asking(path, **headers) as answer:
            assert answer.status == 200, await answer.text()
            yield cls(answer)

    async def until(self, is_last: Callable[[Event], bool]) -> list[Key]:
        """What comes up to an event that is like this one."""
        keys: list[Key] = []
        async with asyncio.timeout(WAIT_SECONDS):
            async for event in self._events():
                keys.append((event["call_id"], event["sequence"]))
                if is_last(event):
                    return keys
        raise AssertionError(f"the stream ended after {keys}")

    async def end(self) -> None:
        """Wait for its end, whatever it tells before."""
        await self._answer.read()

    async def _events(self) -> AsyncIterator[Event]:
        data = ""
        async for line in self._answer.content:
            name, _, value = line.decode().strip().partition(": ")
            if name == "id":
                self.last_id = value
            if name == "data":
                data = value
            if not name and data:
                yield json.loads(data)
                data = ""


def is_named(call_id: str, name: str) -> Callable[[Event], bool]:
    return lambda event: (event["call_id"], event["name"]) == (call_id, name)


async def wait_for_end(client: Client, call_id: str) -> None:
    async with client.asking(f"/api/v2/calls/{call_id}", Prefer="wait=60") as answer:
        await answer.read()


@pytest.mark.parametrize("withdrawn", ["key", "account"])
async def test_h6_streams_and_waits_end_with_their_key_or_account(
    server: Server, client: Client, user: Phone, destination: Phone, withdrawn: str
) -> None:
    own = server.deployment
    key_id, authorization = made_key(server)
    words = ("key", "revoke", key_id) if withdrawn == "key" else ("account", "suspend", own.account_id)
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 50)
    async with AsyncExitStack() as stack:
        of_key = replace(server, deployment=replace(own, authorization=authorization))
        follower = await stack.enter_async_context(Client.of(of_key))
        paths = (ALL, f"/api/v2/calls/{call_id}/events")
        ending = [await stack.enter_async_context(Stream.opened(follower, path)) for path in paths]
        other = await stack.enter_async_context(Stream.opened(client, ALL))
        waiting = asyncio.create_task(wait_for_end(follower, call_id))
        await asyncio.to_thread(ringbridge, own.data_dir, *words)
        try:
            async with asyncio.timeout(NOTICED_SECONDS):
                await asyncio.gather(waiting, *(stream.end() for stream in ending))
        finally:
            if withdrawn == "account":
                await asyncio.to_thread(ringbridge, own.data_dir, "account", "resume", own.account_id)
        user_leg.hang_up()
        await destination_leg.settled()
        if withdrawn == "key":
            await other.until(is_named(call_id, "ended"))


@pytest.fixture
def outlasting(deployment: Deployment, tmp_path: Path) -> Deployment:
    """Data that outlives a server."""
    return deployment.copied_to(tmp_path / "data")


async def test_after_a_crash_a_stream_goes_on_and_leaves_no_event_out(outlasting: Deployment) -> None:
    same_port = {"RINGBRIDGE_SIP_PORT": str(free_port())}
    async with (
        Phone.listening(outlasting.user_port) as user,
        Phone.listening(outlasting.trunk_port) as destination,
    ):

        async def follow(client: Client) -> tuple[list[str], list[Key], str]:
            """One call is seen to be joined; another one is joined when nobody listens."""
            async with Stream.opened(client, ALL) as stream:
                first, *_ = await talk.connect(client, user, destination, 1)
                seen = await stream.until(is_named(first, "connected"))
                position = stream.last_id
            second, *_ = await talk.connect(client, user, destination, 2)
            return [first, second], seen, position

        ids, seen, position = await before_the_kill(outlasting, same_port, follow)
        with Server.running(outlasting, settings=same_port) as server:
            async with Client.of(server) as client, Stream.opened(client, ALL, position) as stream:
                # While it is told what was, something happens.
                third, user_leg, _ = await talk.connect(client, user, destination, 3)
                told = await stream.until(is_named(third, "connected"))
                user_leg.hang_up()
                told += await stream.until(is_named(third, "ended"))
                for call_id in (*ids, third):
                    shown = await client.finished(call_id)
                    sequences = [event["sequence"] for event in shown["events"]]
                    assert sequences == list(range(1, len(sequences) + 1))
                    assert [event["state"] for event in shown["events"]].count("ended") == 1
                    assert {sequence for of, sequence in (*seen, *told) if of == call_id} == {*sequences}
    assert len(told) == len({*told}), "nothing is told twice by one stream"
