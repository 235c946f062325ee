"""A phone that says nothing, or rings for ever: the ring limits end the call, free both phones and leave nothing behind."""

import asyncio

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import destination_number, user_number
from tests.scenarios import talk

pytestmark = pytest.mark.peer

RING_SECONDS = 1.0


@pytest.fixture(scope="module")
def limits() -> tuple[str, ...]:
    """The shortest ring limits that there are."""
    return (f"user_ring_s={RING_SECONDS:g}", f"destination_ring_s={RING_SECONDS:g}")


async def test_a_user_who_says_nothing_ends_the_call_without_a_cancel(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(1, 1)
    leg = await user.leg_to(user_number(1))
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["ended_by"]) == ("user_no_answer", "server")
    assert leg.count("CANCEL") == 0, (
        "there must be no CANCEL before a provisional answer (RFC 3261 section 9.1)"
    )
    assert destination.legs == []


async def test_a_user_who_rings_for_ever_is_cancelled(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(2, 2)
    leg = await user.leg_to(user_number(2))
    leg.ring()
    shown = await client.finished(call_id)

    assert shown["outcome"] == "user_no_answer"
    assert await leg.settled() == Ending.CANCELLED
    assert destination.legs == []


async def test_a_destination_that_says_nothing_frees_the_user(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.dial_destination(client, user, destination, 3)
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["ended_by"]) == ("destination_no_answer", "server")
    assert await user_leg.settled() == Ending.TALKED
    assert user_leg.reason_of_bye.startswith("Q.850;cause=19")
    assert destination_leg.count("CANCEL") == 0


async def test_a_destination_that_rings_for_ever_is_cancelled(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 4)
    shown = await client.finished(call_id)

    assert shown["outcome"] == "destination_no_answer"
    assert await destination_leg.settled() == Ending.CANCELLED
    assert await user_leg.settled() == Ending.TALKED
    assert talk.released_apart(user_leg, destination_leg) < 1.2


async def test_an_answer_in_any_millisecond_around_the_ring_limit_leaves_no_ghost(
    client: Client, user: Phone, destination: Phone
) -> None:
    loop = asyncio.get_running_loop()

    async def one(index: int, offset_seconds: float) -> tuple[str, Leg]:
        call_id = await client.place(index, index)
        leg = await user.leg_to(user_number(index))
        invited_at = leg.ladder[0].at
        leg.ring()
        loop.call_at(invited_at + RING_SECONDS + offset_seconds, leg.answer_if_still_ringing)
        cancelled = asyncio.create_task(leg.heard("CANCEL"))
        dialled = asyncio.create_task(destination.leg_to(destination_number(index)))
        _, pending = await asyncio.wait({cancelled, dialled}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if dialled.done() and not dialled.cancelled():
            leg.hang_up()
        shown = await client.finished(call_id)
        await leg.settled()
        return str(shown["outcome"]), leg

    offsets = range(-25, 26, 2)
    runs = await asyncio.gather(*(one(100 + index, offset / 1000) for index, offset in enumerate(offsets)))

    strange = [str(leg) for outcome, leg in runs if outcome not in ("user_no_answer", "user_hung_up")]
    assert strange == []
    assert {leg.ending for _, leg in runs} <= {Ending.CANCELLED, Ending.TALKED}
    for leg in destination.legs:
        # The destination never spoke, so it is not cancelled until it does: one word, and it must be free.
        leg.ring()
        assert await leg.settled() == Ending.CANCELLED
