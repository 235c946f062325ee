"""A call through version 2 with real phones: its options on the wire, its end awaited, and its events followed over a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.tool import WAIT_SECONDS

pytestmark = pytest.mark.peer

WAIT = {"Prefer": "wait=60"}


@asynccontextmanager
async def session_of(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": server.deployment.authorization}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        yield session


def body(index: int, **options: object) -> dict[str, object]:
    return {"user_line": user_number(index), "destination_line": destination_number(index), **options}


async def post(session: aiohttp.ClientSession, wanted: object, **headers: str) -> dict[str, Any]:
    async with session.post("/api/v2/calls", json=wanted, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told | {"location": answer.headers["Location"]}


async def test_options_are_on_the_wire_and_the_client_waits_for_the_end(
    server: Server, client: Client, user: Phone, destination: Phone
) -> None:
    wanted = body(
        1,
        user_caller_id=user_number(8),
        destination_caller_id=user_number(9),
        auto_answer=True,
        metadata={"order": "4711"},
    )
    async with session_of(server) as session:
        placing = asyncio.create_task(post(session, wanted, **WAIT))
        user_leg = await user.leg_to(user_number(1))
        user_leg.answer()
        leg = await destination.leg_to(destination_number(1))
        leg.answer()
        await asyncio.gather(user_leg.heard("ACK"), leg.heard("ACK"))
        assert not placing.done()
        leg.hang_up()
        told = await placing
        async with session.get("/api/v2/calls?metadata=order:4711") as answer:
            listed = (await answer.json())["items"]
        async with session.get(told["location"]) as answer:
            shown = await answer.json()

    assert f"+{user_number(8)}" in user_leg.invite.first("From")
    assert user_number(9) in leg.invite.first("From")
    assert user_leg.invite.all("Call-Info") or user_leg.invite.all("Alert-Info")
    assert (told["state"], told["outcome"], told["metadata"]) == ("ended", "completed", {"order": "4711"})
    assert shown["id"] == told["id"]
    assert [call["id"] for call in listed] == [told["id"]]


async def test_a_call_rings_no_longer_than_it_was_asked_to(
    server: Server, client: Client, user: Phone
) -> None:
    async with session_of(server) as session:
        placing = asyncio.create_task(post(session, body(2, user_ring_seconds=1), **WAIT))
        leg = await user.leg_to(user_number(2))
        leg.ring()
        told = await placing
    assert (told["outcome"], told["metadata"]) == ("user_no_answer", {})


async def test_a_preview_rings_nobody_and_says_what_placing_would_do(server: Server, user: Phone) -> None:
    async with session_of(server) as session:
        async with session.post("/api/v2/calls/preview", json=body(3)) as answer:
            told = await answer.json()
        async with session.get(f"/api/v2/calls?user_line={user_number(3)}") as answer:
            listed = (await answer.json())["items"]
    assert (told["allowed"], told["destination"]["routes"][0]["trunk"]) == (True, "exchange")
    assert told["user"]["number"] == f"+{user_number(3)}"
    assert (listed, user.legs) == ([], [])


async def test_the_events_of_an_account_are_followed_over_a_restart(
    deployment: Deployment, tmp_path: Path
) -> None:
    own = deployment.copied_to(tmp_path / "data")
    seen: dict[tuple[str, int], str] = {}
    position: dict[str, str] = {}
    with Server.running(own) as server:
        async with session_of(server) as session, Client.of(server) as client:
            async with session.get("/api/v2/events") as events:
                first = await client.place(1, 1)
                await _read_until_ended(events, seen, position, first)
            # Nobody listens.
            second = await client.place(2, 2)
            await client.finished(second)
            async with session.get("/api/v2/events", headers=position) as events:
                await _read_until_ended(events, seen, position, second)
            third = await client.place(3, 3)
            await client.finished(third)
    with Server.running(own) as server:
        async with session_of(server) as session, session.get("/api/v2/events", headers=position) as events:
            await _read_until_ended(events, seen, position, third)
    for call_id in (first, second, third):
        names = [seen[key] for key in sorted(seen) if key[0] == call_id]
        assert (names[0], names[-1]) == ("accepted", "ended")
        assert [key[1] for key in sorted(seen) if key[0] == call_id] == list(range(1, len(names) + 1))


async def _read_until_ended(
    events: aiohttp.ClientResponse, seen: dict[tuple[str, int], str], position: dict[str, str], call_id: str
) -> None:
    """Note every event, and the position behind the last, until the call is over."""
    assert events.status == 200
    is_over = False
    async with asyncio.timeout(WAIT_SECONDS):
        async for line in events.content:
            name, _, value = line.decode().strip().partition(": ")
            if name == "data":
                told = json.loads(value)
                seen[told["call_id"], told["sequence"]] = told["name"]
                is_over = is_over or (told["call_id"], told["name"]) == (call_id, "ended")
            elif name == "id":
                position["Last-Event-ID"] = value
            elif not name and is_over:
                return
