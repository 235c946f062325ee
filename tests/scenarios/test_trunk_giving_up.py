"""Row C2, where it is tight: who hangs up or answers while the next carrier is tried, and a carrier that asks for a rest."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.tool import LOOPBACK, free_port
from tests.scenarios.two_carriers import two_carriers

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """Of the two carriers."""
    return free_port(), free_port()


@pytest.fixture(scope="module")
def server(
    deployment: Deployment, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    uris = [f"sip:{LOOPBACK}:{port}" for port in ports]
    with two_carriers(deployment, tmp_path_factory.mktemp("server") / "data", uris) as running:
        yield running


@pytest.fixture
async def first(ports: tuple[int, int]) -> AsyncIterator[Phone]:
    async with Phone.listening(ports[0]) as phone:
        yield phone


@pytest.fixture
async def second(ports: tuple[int, int]) -> AsyncIterator[Phone]:
    async with Phone.listening(ports[1]) as phone:
        yield phone


async def dial_first(client: Client, user: Phone, first: Phone, index: int) -> tuple[str, Leg, Leg]:
    """A call whose user has answered and whose first carrier has its INVITE: id, user's leg, carrier's leg."""
    call_id = await client.place(index, index)
    user_leg = await user.leg_to(user_number(index))
    user_leg.answer()
    return call_id, user_leg, await first.leg_to(destination_number(index))


async def test_a_user_who_hangs_up_before_the_next_carrier_is_tried_ends_the_call(
    client: Client, user: Phone, first: Phone, second: Phone
) -> None:
    call_id, user_leg, silent = await dial_first(client, user, first, 0)
    # A second and a half has passed: what is silent for four is left for the second carrier.
    await silent.heard("INVITE", count=3)
    user_leg.hang_up()
    shown = await client.finished(call_id)
    silent.ring()

    assert await silent.settled() is Ending.CANCELLED
    assert shown["outcome"] == "user_hung_up"
    assert second.legs == []


async def test_a_user_who_hangs_up_once_the_next_carrier_rings_leaves_nobody_ringing(
    client: Client, user: Phone, first: Phone, second: Phone
) -> None:
    call_id, user_leg, silent = await dial_first(client, user, first, 1)
    ringing = await second.leg_to(destination_number(1))
    ringing.ring()
    await client.reaches(call_id, "ringing_destination")
    user_leg.hang_up()
    await ringing.settled()
    silent.ring()

    assert await silent.settled() is Ending.CANCELLED
    assert ringing.ending is Ending.CANCELLED
    assert (await client.finished(call_id))["outcome"] == "user_hung_up"


async def test_whoever_answers_at_the_carrier_that_was_left_is_released_and_the_call_goes_on(
    client: Client, user: Phone, first: Phone, second: Phone
) -> None:
    """The late 200 comes while the second carrier rings: ACK and BYE for it, and the one call is the second's."""
    call_id, user_leg, silent = await dial_first(client, user, first, 2)
    ringing = await second.leg_to(destination_number(2))
    ringing.ring()
    silent.answer()
    assert await silent.settled() is Ending.TALKED
    ringing.answer()
    await client.reaches(call_id, "connected")
    user_leg.hang_up()

    assert await ringing.settled() is Ending.TALKED
    shown = await client.finished(call_id)
    assert (shown["outcome"], shown["destination"]["trunk"]) == ("completed", "second")


async def test_a_carrier_that_is_at_work_is_not_left_before_it_says_so(
    client: Client, user: Phone, first: Phone, second: Phone
) -> None:
    """After 100 its own time-outs count, not ours: two INVITEs for one person must not be under way."""
    call_id, _, leg = await dial_first(client, user, first, 3)
    leg.ring(100)
    over = asyncio.create_task(client.finished(call_id))
    # Longer than a carrier may be silent.
    await asyncio.wait((over,), timeout=5.0)
    assert second.legs == []
    leg.refuse(486)

    assert (await over)["outcome"] == "destination_busy"
    assert (leg.count("INVITE"), leg.ending, second.legs) == (1, Ending.REFUSED, [])


async def test_a_carrier_that_asks_for_a_rest_has_it(
    client: Client, user: Phone, first: Phone, second: Phone
) -> None:
    """One 503 with Retry-After is enough. Where there is no other carrier, see the breaker's tests."""
    call_id, user_leg, busy = await dial_first(client, user, first, 4)
    busy.respond(busy.invite, 503, headers=[("Retry-After", "60 (too many calls)")])
    answered = await second.leg_to(destination_number(4))
    answered.answer()
    await client.reaches(call_id, "connected")
    user_leg.hang_up()
    await client.finished(call_id)

    next_id = await client.place(5, 5)
    next_user = await user.leg_to(user_number(5))
    next_user.answer()
    next_leg = await second.leg_to(destination_number(5))
    next_leg.answer()
    await client.reaches(next_id, "connected")
    next_user.hang_up()
    await client.finished(next_id)
    assert [leg.number for leg in first.legs] == [destination_number(4)]
