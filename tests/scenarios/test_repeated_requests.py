"""Rows A1 and A2: a request that comes again, at once or after a crash, rings nobody twice."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.tool import WAIT_SECONDS

pytestmark = pytest.mark.peer

ROUNDS, AT_ONCE = 200, 50
# They click in the same moment, so that the rounds take less time.
USERS_AT_ONCE = 10
KILLS = 8
# The others come before the answer, if the server is not too quick.
KILLS_AFTER_THE_ANSWER = 2


@pytest.fixture(scope="module")
def limits() -> tuple[str, ...]:
    return ("duplicates_s=60", "per_user=1")


def body(index: int) -> dict[str, str]:
    return {"user_line": user_number(index), "destination_line": destination_number(index)}


async def post(
    session: aiohttp.ClientSession, index: int, key: str | None = None
) -> tuple[int, dict[str, Any], bool]:
    """The status, the JSON and whether the call is an earlier one."""
    headers = {} if key is None else {"Idempotency-Key": key}
    async with session.post("/api/v2/calls", json=body(index), headers=headers) as answer:
        return answer.status, await answer.json(), answer.headers.get("Idempotent-Replayed") == "true"


async def click_through_version_1(
    session: aiohttp.ClientSession, index: int
) -> tuple[int, dict[str, Any], bool]:
    """The same of version 1, which knows no keys."""
    async with session.post("/api/v1/call", json=body(index)) as answer:
        told = {"id": (await answer.json())["api_request_id"]}
        return answer.status, told, answer.headers.get("Idempotent-Replayed") == "true"


def session_of(server: Server) -> aiohttp.ClientSession:
    headers = {"Authorization": server.deployment.authorization}
    # As many connections as there are requests at once.
    return aiohttp.ClientSession(server.url, headers=headers, connector=aiohttp.TCPConnector(limit=AT_ONCE))


async def test_a1_fifty_requests_with_one_key_ring_once(server: Server, client: Client, user: Phone) -> None:
    async def ask_fifty_times(session: aiohttp.ClientSession, index: int) -> None:
        answers = await asyncio.gather(*(post(session, index, f"key {index}") for _ in range(AT_ONCE)))
        created = [told["id"] for status, told, _ in answers if status == 201]
        again = [told["id"] for status, told, replayed in answers if status == 200 and replayed]
        refused = [told["code"] for status, told, _ in answers if status == 409]
        assert len(created) == 1
        assert set(again) <= set(created)
        assert set(refused) <= {"request_in_progress"}
        assert len(again) + len(refused) == AT_ONCE - 1
        (await user.leg_to(user_number(index))).ring()
        status, told, replayed = await post(session, index, f"key {index}")
        assert (status, told["id"], replayed) == (200, created[0], True)
        await client.hang_up(created[0])

    async with session_of(server) as session:
        for index in range(ROUNDS):
            await ask_fifty_times(session, index)
    await client.sees_nothing_left()
    assert [leg.number for leg in user.legs] == [user_number(index) for index in range(ROUNDS)]


@pytest.mark.parametrize(("version", "first_index"), [(1, ROUNDS), (2, 2 * ROUNDS)])
async def test_a1_two_clicks_five_milliseconds_apart_are_one_call(
    server: Server, client: Client, user: Phone, version: int, first_index: int
) -> None:
    click, made = {1: (click_through_version_1, 200), 2: (post, 201)}[version]
    indexes = range(first_index, first_index + ROUNDS)

    async def click_twice(session: aiohttp.ClientSession, index: int) -> None:
        loop = asyncio.get_running_loop()
        second = loop.create_future()
        loop.call_later(0.005, lambda: second.set_result(loop.create_task(click(session, index))))
        first = await click(session, index)
        answers = [first, await (await second)]
        assert {told["id"] for _, told, _ in answers} == {first[1]["id"]}
        assert sorted((replayed, status) for status, _, replayed in answers) == [(False, made), (True, 200)]
        (await user.leg_to(user_number(index))).ring()
        await client.hang_up(first[1]["id"])

    async with session_of(server) as session:
        for start in range(first_index, first_index + ROUNDS, USERS_AT_ONCE):
            await asyncio.gather(
                *(click_twice(session, index) for index in range(start, start + USERS_AT_ONCE))
            )
    await client.sees_nothing_left()
    assert sorted(leg.number for leg in user.legs) == [user_number(index) for index in indexes]


async def test_a2_a_server_that_is_killed_with_a_request_rings_nobody_twice(
    deployment: Deployment, tmp_path: Path
) -> None:
    own = deployment.copied_to(tmp_path / "data")
    known: dict[str, str] = {}
    async with Phone.listening(own.user_port) as user:
        for index in range(KILLS):
            with pytest.raises(AssertionError, match="serve ended with status -9"):
                await _serve_until_killed(own, index, known)
        with Server.running(own) as server:
            await _repeat_what_was_asked(server, KILLS - 1, known)
            async with Client.of(server) as client:
                shown = [await client.call(call_id) for call_id in known.values()]
    rung = [leg.number for leg in user.legs]
    assert all(rung.count(user_number(index)) <= 1 for index in range(KILLS))
    assert {call["outcome"] for call in shown} <= {"interrupted", "canceled", "user_unreachable"}


async def _serve_until_killed(own: Deployment, index: int, known: dict[str, str]) -> None:
    with Server.running(own) as server:
        await _repeat_what_was_asked(server, index - 1, known)
        known |= await _ask_and_kill(server, index)


async def _ask_and_kill(server: Server, index: int) -> dict[str, str]:
    """Kill the server right after its answer, or so many milliseconds after it was asked; the key and the call that it told."""
    loop = asyncio.get_running_loop()
    async with session_of(server) as session:
        # The connection is there, so that only the request itself is on its way.
        async with session.get("/healthz"):
            pass
        if index >= KILLS_AFTER_THE_ANSWER:
            milliseconds = index - KILLS_AFTER_THE_ANSWER
            loop.call_later(milliseconds / 1000, server.process.send_signal, signal.SIGKILL)
        try:
            status, told, _ = await post(session, index, f"kill {index}")
        except aiohttp.ClientError:
            await asyncio.to_thread(server.process.wait, WAIT_SECONDS)
            return {}
    server.process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(server.process.wait, WAIT_SECONDS)
    assert status == 201
    return {f"kill {index}": told["id"]}


async def _repeat_what_was_asked(server: Server, index: int, known: dict[str, str]) -> None:
    """The client that was cut off asks again: what it was told before still holds, and a call is placed only if none was."""
    if index < 0:
        return
    key = f"kill {index}"
    async with session_of(server) as session:
        status, told, replayed = await post(session, index, key)
        assert (status, replayed) in [(200, True), (201, False)]
        if key in known:
            assert (status, told["id"], told["outcome"]) == (200, known[key], "interrupted")
        known[key] = told["id"]
        async with session.delete(f"/api/v2/calls/{told['id']}"):
            pass
