"""The user hangs up at any moment: in each 20 ms of a prompt, and while the destination rings. Nobody is left ringing.

The calls of a test run beside one another, each on a line of its own.
"""

import asyncio
import random
from collections.abc import Awaitable, Iterable, Iterator
from typing import TypeVar

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import LOOPBACK
from tests.scenarios import talk

pytestmark = pytest.mark.peer

T = TypeVar("T")

SLOTS = 250
# All of them at once could ask more of a busy machine than to answer in time, which is not what is shown here.
CALLS_AT_ONCE = 50
SLOT_SECONDS = 0.02
RINGING_CALLS = 100
RING_SECONDS = 3.0
# Without the release that is tested the destination would ring for a minute.
FREED_WITHIN_SECONDS = 20.0
ASKED = 2000
"""The first of the lines whose users are asked to press a key."""


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with lines behind a trunk, too: whoever answers there is asked first."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    uri = f"sip:{LOOPBACK}:{own.user_port}"
    ringbridge(own.data_dir, "trunk", "add", "--name", "mobile", "--uri", uri, "--prefix", "+1817")
    table = own.data_dir / "mobiles.csv"
    rows = "".join(f"+{user_number(ASKED + slot)},mobile\n" for slot in range(SLOTS))
    table.write_text(f"number,trunk\n{rows}")
    ringbridge(own.data_dir, "line", "import", str(table), "--account", own.account_id)
    with Server.running(own) as running:
        yield running


async def a_few_at_once(calls: Iterable[Awaitable[T]]) -> list[T]:
    """What becomes of each call."""
    room = asyncio.Semaphore(CALLS_AT_ONCE)

    async def one(call: Awaitable[T]) -> T:
        async with room:
            return await call

    return await asyncio.gather(*map(one, calls))


async def hang_up_after(leg: Leg, seconds: float) -> None:
    """The phone answers, and hangs up so many seconds after it."""
    leg.answer()
    asyncio.get_running_loop().call_later(seconds, leg.hang_up)
    await leg.heard("200 BYE")


async def test_nobody_is_dialled_for_a_user_who_hangs_up_in_any_slot_of_the_question(
    client: Client, user: Phone, destination: Phone
) -> None:
    async def one(slot: int) -> str:
        call_id = await client.place(ASKED + slot, slot)
        await hang_up_after(await user.leg_to(user_number(ASKED + slot)), slot * SLOT_SECONDS)
        return str((await client.finished(call_id))["outcome"])

    outcomes = await a_few_at_once(map(one, range(SLOTS)))

    assert set(outcomes) == {"user_hung_up"}
    assert {leg.ending for leg in user.legs} == {Ending.TALKED}
    assert destination.legs == []


async def test_nobody_is_left_ringing_by_a_user_who_hangs_up_in_any_slot_of_the_prompt(
    client: Client, user: Phone, destination: Phone
) -> None:
    async def one(slot: int) -> tuple[str, Leg, Leg]:
        call_id = await client.place(slot, slot)
        user_leg = await user.leg_to(user_number(slot))
        leaving = asyncio.create_task(hang_up_after(user_leg, slot * SLOT_SECONDS))
        destination_leg = await destination.leg_to(destination_number(slot))
        destination_leg.ring()
        await leaving
        shown = await client.finished(call_id)
        await destination_leg.settled()
        return str(shown["outcome"]), user_leg, destination_leg

    assert_all_freed(await a_few_at_once(map(one, range(SLOTS))))
    assert len(destination.legs) == SLOTS, "somebody was dialled twice"


async def test_nobody_is_left_ringing_by_a_user_who_hangs_up_at_random(
    client: Client, user: Phone, destination: Phone
) -> None:
    moments = random.Random(4)

    async def one(index: int, seconds: float) -> tuple[str, Leg, Leg]:
        call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, index)
        await client.reaches(call_id, "ringing_destination")
        asyncio.get_running_loop().call_later(seconds, user_leg.hang_up)
        shown = await client.finished(call_id)
        await destination_leg.settled()
        return str(shown["outcome"]), user_leg, destination_leg

    runs = (one(index, moments.uniform(0, RING_SECONDS)) for index in range(RINGING_CALLS))
    assert_all_freed(await a_few_at_once(runs))


def assert_all_freed(runs: list[tuple[str, Leg, Leg]]) -> None:
    """Each user hung up on a destination that rang, and that was told at once."""
    assert {outcome for outcome, *_ in runs} == {"user_hung_up"}
    assert {destination_leg.ending for *_, destination_leg in runs} == {Ending.CANCELLED}
    apart = [talk.released_apart(user_leg, destination_leg) for _, user_leg, destination_leg in runs]
    assert max(apart) < FREED_WITHIN_SECONDS, sorted(apart)[-10:]
