"""Rows A1 to A3: a request that comes again, at once or after a crash, rings nobody twice."""

import asyncio
import re
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.peers import doomed
from tests.peers.client import Client
from tests.peers.doomed import POINTS
from tests.peers.phone import Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import poll

pytestmark = pytest.mark.peer

ROUNDS, AT_ONCE = 200, 50
# They click in the same moment, so that the rounds take less time.
USERS_AT_ONCE = 10


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


def session_of(server: Server, authorization: str | None = None) -> aiohttp.ClientSession:
    headers = {"Authorization": authorization or server.deployment.authorization}
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


async def test_a3_a_key_means_one_body_of_one_account_for_a_day(
    server: Server, client: Client, user: Phone
) -> None:
    first, other, of_stranger = 600, 601, 602
    stranger = add_account(server.deployment, of_stranger)
    async with session_of(server) as session, session_of(server, stranger) as strangers:
        status, told, _ = await post(session, first, "one")
        assert status == 201
        status, refused, _ = await post(session, other, "one")
        assert (status, refused["code"]) == (422, "idempotency_key_reused")
        status, independent, replayed = await post(strangers, of_stranger, "one")
        assert (status, replayed) == (201, False)
        for no_key in ("k" * 256, "", "schlüssel"):
            status, refused, _ = await post(session, other, no_key)
            assert (status, refused["code"]) == (400, "invalid_idempotency_key")
        (await user.leg_to(user_number(first))).ring()
        (await user.leg_to(user_number(of_stranger))).ring()
        await client.hang_up(told["id"])
        await client.finished(told["id"])
        assert (await post(session, first, "one"))[2] is True
        make_keys_older(server.deployment, seconds=24 * 60 * 60 + 1.0)
        status, again, replayed = await post(session, first, "one")
        assert (status, replayed, again["id"] == told["id"]) == (201, False, False)

        async def rung() -> Counter[str]:
            return Counter(leg.number for leg in user.legs)

        wanted = {user_number(first): 2, user_number(of_stranger): 1}
        await poll(rung, lambda so_far: so_far == wanted, "a second call")
        user.legs[-1].ring()
        await client.hang_up(again["id"])
        async with strangers.delete(f"/api/v2/calls/{independent['id']}"):
            pass
        await client.sees_nothing_left()
    assert await rung() == wanted


def add_account(deployment: Deployment, index: int) -> str:
    """Another account that may call, from a line that it shares with the first: the header of its key."""
    account = re.search(
        r"\b(\d{4,})\b", ringbridge(deployment.data_dir, "account", "add", "--name", "Stranger")
    )
    assert account is not None
    words = ("--account", account[1])
    uri = f"sip:{user_number(index)}@{deployment.host}:{deployment.user_port}"
    table = deployment.data_dir / "strangers.csv"
    table.write_text(f"number,uri\n+{user_number(index)},{uri}\n")
    ringbridge(deployment.data_dir, "line", "import", str(table), *words)
    printed = ringbridge(deployment.data_dir, "key", "create", *words)
    header = re.search(r"Authorization:\s*(Basic \S+)", printed)
    assert header is not None
    return header[1]


def make_keys_older(deployment: Deployment, *, seconds: float) -> None:
    """As if all that was asked for had been asked for so long ago."""
    with closing(sqlite3.connect(deployment.data_dir / "ringbridge.db")) as database, database:
        database.execute("UPDATE idempotency_keys SET created_at = created_at - ?", (seconds,))


async def test_a2_a_server_that_is_killed_at_any_point_of_a_request_rings_nobody_twice(
    deployment: Deployment, tmp_path: Path
) -> None:
    own = deployment.copied_to(tmp_path / "data")
    armed_by = tmp_path / "armed"
    with Server.running(own, program=(doomed.__file__, str(armed_by), "request")) as server:
        async with Client.of(server) as client, Phone.listening(own.user_port) as user:
            for index, (name, point) in enumerate(POINTS.items()):
                await be_killed(server, index, armed_by)
                before = server.recorded_calls()
                async with session_of(server) as session:
                    status, told, replayed = await post(session, index, f"kill {index}")
                expected = (200, True, True) if point.is_stored else (201, False, False)
                assert (status, replayed, told["id"] in before) == expected, name
                if point.is_stored:
                    assert (told["state"], told["outcome"]) == ("ended", "interrupted")
                else:
                    await give_up(server, client, await user.leg_to(user_number(index)), told["id"])
            await client.sees_nothing_left()
    rung = Counter(leg.number for leg in user.legs)
    for index, (name, point) in enumerate(POINTS.items()):
        # A call that was stored may have rung before the kill.
        assert rung[user_number(index)] in ({0, 1} if point.is_stored else {1}), name


async def be_killed(server: Server, index: int, armed_by: Path) -> None:
    """Ask for a call in which the server is killed, and wait for the next one."""
    await asyncio.to_thread(armed_by.touch)

    async def is_up_again() -> bool:
        with suppress(aiohttp.ClientError):
            async with session.get("/healthz") as answer:
                return answer.status == 200
        return False

    async with session_of(server) as session:
        with pytest.raises(aiohttp.ClientError):
            await post(session, index, f"kill {index}")
        await poll(is_up_again, bool, "the next server")


async def give_up(server: Server, client: Client, leg: Leg, call_id: str) -> None:
    """Hang up, and wait until everything of the call is written: it is by the next request that the server is to be killed."""
    leg.ring()
    await client.hang_up(call_id)

    async def recorded() -> list[str]:
        return server.recorded_calls()

    await poll(recorded, lambda calls: call_id in calls, f"the record of {call_id}")
