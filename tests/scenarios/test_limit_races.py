"""Row A8: of a hundred requests in the same moment as many get through as the limit says, also right after a kill."""

import asyncio
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from ringbridge.service.blocked import MOST_PER_MINUTE
from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import WAIT_SECONDS, free_port, poll
from tests.scenarios import talk
from tests.scenarios.killed import before_the_kill

REQUESTS = 100

# Of each limit; the last of those of money are around the kill.
ROUNDS = 25

Answer = tuple[int, str]
"""The status, and the id of the call or the error code."""


@pytest.fixture
def own(deployment: Deployment, tmp_path: Path) -> Deployment:
    """Data that outlives a server, and that each test has for itself."""
    return deployment.copied_to(tmp_path / "data")


@asynccontextmanager
async def customer(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """Connections enough for all requests at once."""
    headers = {"Authorization": server.deployment.authorization}
    connector = aiohttp.TCPConnector(limit=REQUESTS)
    async with aiohttp.ClientSession(server.url, headers=headers, connector=connector) as session:
        yield session


async def all_at_once(session: aiohttp.ClientSession) -> list[Answer]:
    """What a hundred requests get, each for a line and a destination of its own."""

    async def ask(index: int) -> Answer:
        fields = {"user_line": user_number(index), "destination_line": destination_number(index)}
        async with session.post("/api/v1/call", json=fields) as response:
            if response.status == 200:
                return 200, (await response.json())["api_request_id"]
            return response.status, response.headers["X-Error-Code"]

    return await asyncio.gather(*(ask(index) for index in range(REQUESTS)))


def accepted(answers: Sequence[Answer]) -> list[str]:
    """The ids of the calls that were accepted."""
    return [call_id for status, call_id in answers if status == 200]


def refusals(answers: Sequence[Answer]) -> Counter[Answer]:
    """How often which refusal was given."""
    return Counter(answer for answer in answers if answer[0] != 200)


async def test_a8_as_many_calls_at_once_as_the_limit_says_and_each_refusal_has_a_record(
    own: Deployment,
) -> None:
    own.set_limits("concurrent=3")
    calls: list[str] = []
    async with Phone.listening(own.user_port):
        with Server.running(own) as server:
            async with Client.of(server) as client, customer(server) as session:
                for _ in range(ROUNDS):
                    answers = await all_at_once(session)
                    assert len(accepted(answers)) == 3
                    assert refusals(answers) == {(429, "limit_exceeded"): 97}
                    await asyncio.gather(*map(client.hang_up, accepted(answers)))
                    await client.sees_nothing_left()
                    calls += accepted(answers)
        recorded = server.recorded_calls()

    assert len(calls) == 3 * ROUNDS
    assert set(calls) < set(recorded)
    # Of refusals no more are kept within a minute, however long the rounds take.
    assert len(recorded) - len(calls) >= min(97 * ROUNDS, MOST_PER_MINUTE)


def limit_money(own: Deployment) -> None:
    """Room for two calls of ten minutes at a dollar each."""
    rates = own.data_dir / "rates.csv"
    rates.write_text("prefix,per_minute\n+1,0.10\n")
    ringbridge(own.data_dir, "rates", "import", str(rates))
    own.set_limits("call_s=600", "spend_per_day=2.00", "spend_per_month=2.00")


async def test_a8_as_much_money_as_the_limit_says_also_right_after_a_kill(own: Deployment) -> None:
    limit_money(own)
    same_port = {"RINGBRIDGE_SIP_PORT": str(free_port())}

    async def serve_until_killed(user: Phone, destination: Phone) -> None:
        with Server.running(own, settings=same_port) as server:
            async with Client.of(server) as client, customer(server) as session:
                for _ in range(ROUNDS - 2):
                    # Nobody answers: what the calls might have cost is given back each time.
                    await two_have_room(client, session)
                await talk.connect(client, user, destination, 500)
                await one_has_room(session)
            server.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(server.process.wait, WAIT_SECONDS)

    async with Phone.listening(own.user_port) as user, Phone.listening(own.trunk_port) as destination:
        with pytest.raises(AssertionError, match="serve ended with status -9"):
            await serve_until_killed(user, destination)
        with Server.running(own, settings=same_port) as server:
            async with Client.of(server) as client, customer(server) as session:
                # What the killed talk lasted is spent: there is room for one more and not for two.
                accepted_id = await one_has_room(session)
                usage = await (await session.get("/api/v2/usage")).json()
                await client.hang_up(accepted_id)
                await client.sees_nothing_left()

    assert usage["day"]["limit"] == "2.00"
    assert 0.0 < float(usage["day"]["spent"]) < 1.0 <= float(usage["day"]["reserved"]) < 2.0


async def test_what_a_third_cost_is_known_also_after_a_kill(own: Deployment) -> None:
    limit_money(own)
    same_port = {"RINGBRIDGE_SIP_PORT": str(free_port())}

    async def answered_thirds() -> int:
        with closing(sqlite3.connect(f"file:{own.data_dir}/ringbridge.db?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(answered_at) FROM thirds").fetchone()[0])

    async def transferred(client: Client) -> str:
        call_id, _, _ = await talk.connect(client, user, destination, 1)
        await client.act(call_id, "transfer", leg="user", destination_line=destination_number(500))
        (await destination.leg_to(destination_number(500))).answer()
        await poll(answered_thirds, lambda count: count == 1, "an answer that is stored")
        return call_id

    async with Phone.listening(own.user_port) as user, Phone.listening(own.trunk_port) as destination:
        call_id = await before_the_kill(own, same_port, transferred)
        with Server.running(own, settings=same_port) as server:
            async with Client.of(server) as client, customer(server) as session:
                shown = await client.call(call_id)
                usage = await (await session.get("/api/v2/usage")).json()
                record = await (await session.get(f"/api/v2/records/{call_id}")).json()

    (third,) = shown["thirds"]
    assert record["thirds"] == [third]
    assert (third["number"], third["outcome"]) == (f"+{destination_number(500)}", "interrupted")
    assert third["talk_seconds"] > 0.0
    assert float(usage["day"]["spent"]) > float(third["cost"]) > 0.0


async def one_has_room(session: aiohttp.ClientSession) -> str:
    """One call of a hundred is accepted: its id."""
    answers = await all_at_once(session)
    assert len(accepted(answers)) == 1
    assert refusals(answers) == {(429, "spend_limit"): 99}
    return accepted(answers)[0]


async def two_have_room(client: Client, session: aiohttp.ClientSession) -> None:
    """Two calls are accepted, and given up again."""
    answers = await all_at_once(session)
    assert len(accepted(answers)) == 2
    assert refusals(answers) == {(429, "spend_limit"): 98}
    await asyncio.gather(*map(client.hang_up, accepted(answers)))
    await client.sees_nothing_left()
