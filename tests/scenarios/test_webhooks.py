"""Webhooks of a running server, told of simulated calls; and what becomes of events when the server is killed."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from tests.notify.receiver import Receiver, answers, hangs, receiving
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number

SETTINGS = {"RINGBRIDGE_WEBHOOK_PRIVATE": "127.0.0.0/8"}

# Answered by the user; then the destination's phone is off: over in a second or two.
BRIEF_CALL = 104
LONG_CALL = 109

KILLS = 4


@pytest.fixture
def own(deployment: Deployment, tmp_path: Path) -> Deployment:
    """A deployment whose calls are simulated."""
    copy = deployment.copied_to(tmp_path / "data")
    scopes = ("--scope", "calls:create", "--scope", "webhooks:write")
    out = ringbridge(copy.data_dir, "key", "create", "--account", copy.account_id, "--test", *scopes)
    header = next(line for line in out.splitlines() if line.startswith("Authorization: "))
    return replace(copy, authorization=header.removeprefix("Authorization: "))


async def add_webhook(session: aiohttp.ClientSession, receiver: Receiver, **values: str) -> str:
    """Have the account's events sent there; the secret that signs them."""
    async with session.post("/api/v2/webhooks", json={"url": receiver.url, **values}) as response:
        assert response.status == 201, await response.text()
        return str((await response.json())["secret"])


@asynccontextmanager
async def customer(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """Who places calls."""
    headers = {"Authorization": server.deployment.authorization}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        yield session


async def place(session: aiohttp.ClientSession, user: int, destination: int) -> str:
    """A call's id."""
    fields = {"user_line": user_number(user), "destination_line": destination_number(destination)}
    async with session.post("/api/v1/call", json=fields) as response:
        assert response.status == 200, await response.text()
        return str((await response.json())["api_request_id"])


def of_call(receiver: Receiver, call_id: str) -> list[dict[str, object]]:
    """The events of a call that arrived, in order, each once."""
    bodies = [json.loads(request.body) for request in receiver.requests]
    return list({body["id"]: body for body in bodies if call_id in body["id"]}.values())


def types(events: list[dict[str, object]]) -> list[str]:
    return [str(event["type"]) for event in events]


async def test_each_event_of_a_call_arrives_in_order(own: Deployment) -> None:
    async with receiving(answers(200)) as receiver:
        with Server.running(own, settings=SETTINGS) as server:
            async with customer(server) as session:
                await add_webhook(session, receiver)
                call_id = await place(session, 1, BRIEF_CALL)
                await receiver.until(lambda it: "call.ended" in types(of_call(it, call_id)))
            events = of_call(receiver, call_id)

    data = [event["data"] for event in events]
    assert types(events)[:3] == ["call.accepted", "call.user_dialing", "call.user_ringing"]
    assert [one["sequence"] for one in data] == list(range(1, len(events) + 1))  # type: ignore[index]
    assert data[-1]["outcome"] == "destination_unreachable"  # type: ignore[index]
    assert len(receiver.requests) == len(events)


async def test_net2phones_receivers_hear_of_ringing_and_answer(own: Deployment) -> None:
    async with receiving(answers(200)) as receiver:
        with Server.running(own, settings=SETTINGS) as server:
            async with customer(server) as session:
                await add_webhook(session, receiver, format="net2phone")
                call_id = await place(session, 1, 100)
                await receiver.until(lambda it: len(it.requests) == 2)

    bodies = [json.loads(request.body) for request in receiver.requests]
    assert [body["event"] for body in bodies] == ["call_ringing", "call_answered"]
    assert {body["id"] for body in bodies} == {call_id}
    assert bodies[0]["dialed_number"] == f"+{destination_number(100)}"


async def test_h2_a_server_that_is_killed_loses_no_event(own: Deployment) -> None:
    calls: list[str] = []
    async with receiving(hangs) as receiver:
        for kill in range(KILLS):
            # Killed before an answer came, or after the first, which may or may not have been written down.
            receiver.behaviour = answers(200) if kill % 2 else hangs
            seen = len(receiver.requests)
            with killed(own) as server:
                async with customer(server) as session:
                    if kill == 0:
                        await add_webhook(session, receiver)
                    calls += [await place(session, 10 * kill + user, LONG_CALL) for user in range(3)]
                    await receiver.until(lambda it, seen=seen: len(it.requests) > seen)  # type: ignore[misc]
        receiver.behaviour = answers(200)
        with Server.running(own, settings=SETTINGS):
            for call_id in calls:
                await receiver.until(lambda it, one=call_id: "call.ended" in types(of_call(it, one)))  # type: ignore[misc]

    for call_id in calls:
        events = of_call(receiver, call_id)
        sequences = [event["data"]["sequence"] for event in events]  # type: ignore[index]
        assert sequences == list(range(1, len(events) + 1))
        assert types(events)[-1] == "call.ended"
    assert len(calls) == 3 * KILLS


@contextmanager
def killed(own: Deployment) -> Iterator[Server]:
    """A server that is killed at the end of the block."""
    try:
        with Server.running(own, settings=SETTINGS) as server:
            yield server
            server.process.kill()
    except AssertionError as error:
        if "serve ended with status -9" not in str(error):
            raise
