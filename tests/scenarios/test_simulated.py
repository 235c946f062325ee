"""Test keys on a real server: whole calls, and not one packet of SIP."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import aiohttp
import pytest

from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import poll


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    with Server.running(own) as running:
        yield running


@pytest.fixture(scope="module")
def test_authorization(server: Server) -> str:
    """The header of a test key."""
    own = server.deployment
    out = ringbridge(own.data_dir, "key", "create", "--account", own.account_id, "--test")
    assert "c2c_test_" in out
    return next(line.partition(": ")[2] for line in out.splitlines() if line.startswith("Authorization: "))


@pytest.fixture
async def tester(server: Server, test_authorization: str) -> AsyncIterator[Client]:
    own = replace(server.deployment, authorization=test_authorization)
    async with Client.of(replace(server, deployment=own)) as client:
        yield client


async def test_test_calls_have_all_their_events_and_records_and_no_phone_rings(
    server: Server, tester: Client, user: Phone, destination: Phone
) -> None:
    outcomes = {
        100: "completed",
        101: "destination_busy",
        103: "destination_declined",
        105: "destination_invalid",
        110: "user_busy",
        113: "user_unreachable",
        115: "user_hung_up",
    }
    ids = [await tester.place(index, index) for index in outcomes]
    shown = await asyncio.gather(*map(tester.finished, ids))
    assert [call["outcome"] for call in shown] == list(outcomes.values())
    assert {call[leg]["trunk"] for call in shown for leg in ("user", "destination")} == {"simulated"}
    assert [event["name"] for event in shown[0]["events"]] == [
        "accepted",
        "user_dialing",
        "user_ringing",
        "user_answered",
        "destination_ringing",
        "connected",
        "ended",
    ]
    assert [event["sequence"] for event in shown[0]["events"]] == list(range(1, len(shown[0]["events"]) + 1))
    assert (user.legs, destination.legs) == ([], [])
    await tester.sees_nothing_left()

    async def recorded() -> set[str]:
        return set(server.recorded_calls())

    await poll(recorded, lambda found: set(ids) <= found, "a record of each")


async def test_a_scheduled_test_call_is_tried_again_and_no_phone_rings(tester: Client, user: Phone) -> None:
    call_id = await tester.schedule(110, retry={"max_attempts": 2, "after_seconds": 1})
    shown = await tester.finished(call_id)
    assert (shown["outcome"], shown["user"]["trunk"]) == ("user_busy", "simulated")
    attempts = [await tester.finished(one["id"]) for one in shown["schedule"]["attempts"]]
    assert [(one["outcome"], one["user"]["trunk"], one["attempt_of"]) for one in attempts] == [
        ("user_busy", "simulated", call_id)
    ] * 2
    assert user.legs == []


async def test_a_page_places_a_test_call_with_a_token(server: Server, tester: Client) -> None:
    """Over real HTTP, as a browser would: the preflight, then the request, whose answer the page may read."""
    own, page = server.deployment, "https://crm.example.com"
    words = ("--test", "--scope", "tokens:create", "--scope", "calls:create")
    out = ringbridge(own.data_dir, "key", "create", "--account", own.account_id, *words)
    maker = next(line.partition(": ")[2] for line in out.splitlines() if line.startswith("Authorization: "))
    lines = {"user_line": user_number(3), "destination_line": destination_number(110)}
    async with aiohttp.ClientSession(server.url) as session:
        wanted = {"user_line": user_number(3), "origin": page, "seconds": 60}
        async with session.post("/api/v2/tokens", json=wanted, headers={"Authorization": maker}) as answer:
            assert answer.status == 201, await answer.text()
            token = (await answer.json())["token"]
        asks = {"Origin": page, "Access-Control-Request-Method": "POST"}
        async with session.options("/api/v2/calls", headers=asks) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, page)
        headers = {"Origin": page, "Authorization": f"Bearer {token}"}
        async with session.post("/api/v2/calls", json=lines, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            assert answer.headers["Access-Control-Allow-Origin"] == page
            call_id = (await answer.json())["id"]
        async with session.post(
            "/api/v2/calls", json=lines | {"user_line": user_number(4)}, headers=headers
        ) as answer:
            assert (answer.status, (await answer.json())["code"]) == (422, "unknown_line")
    assert (await tester.finished(call_id))["outcome"] == "user_busy"


async def test_test_calls_are_limited_as_others_are(
    server: Server, tester: Client, test_authorization: str
) -> None:
    ids = [await tester.place(5, index) for index in (109, 209)]
    lines = {"user_line": user_number(5), "destination_line": destination_number(309)}
    headers = {"Authorization": test_authorization}
    async with (
        aiohttp.ClientSession(server.url, headers=headers) as session,
        session.post("/api/v1/call", json=lines) as answer,
    ):
        assert (answer.status, answer.headers["X-Error-Code"]) == (429, "limit_exceeded")
    for call_id in ids:
        await tester.hang_up(call_id)
        await tester.finished(call_id)


async def test_a_test_call_is_ended_while_it_runs(tester: Client) -> None:
    call_id = await tester.place(109, 109)
    await tester.reaches(call_id, "connected")
    await tester.hang_up(call_id)
    call = await tester.finished(call_id)
    assert (call["outcome"], call["cause"], call["ended_by"]) == ("completed", "canceled", "api")
