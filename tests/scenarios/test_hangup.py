"""Either side hangs up, at every stage: both phones are free within a second, and the call has one ending."""

import asyncio

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Server, user_number
from tests.peers.tool import poll
from tests.scenarios import talk

pytestmark = pytest.mark.peer

# A second is promised. The rest is the machine's: who is not released waits for 20 s of silence at least.
RELEASE_SECONDS = 1.0 + 9.0


async def test_the_user_hangs_up_while_the_destination_sends_early_media(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.dial_destination(client, user, destination, 1)
    destination_leg.ring(183)
    user_leg.hang_up()
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["ended_by"]) == ("user_hung_up", "user")
    assert await destination_leg.settled() == Ending.CANCELLED
    assert talk.released_apart(user_leg, destination_leg) < RELEASE_SECONDS


@pytest.mark.parametrize("side", ["user", "destination"])
async def test_a_hang_up_releases_the_other_side_of_a_joined_call(
    client: Client, user: Phone, destination: Phone, side: str
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 2)
    (user_leg if side == "user" else destination_leg).hang_up()
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["ended_by"]) == ("completed", side)
    await assert_both_talked_and_are_free(user_leg, destination_leg)


async def test_both_sides_may_hang_up_in_the_same_instant(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 3)
    user_leg.hang_up()
    destination_leg.hang_up()
    shown = await client.finished(call_id)

    assert shown["outcome"] == "completed"
    await assert_both_talked_and_are_free(user_leg, destination_leg)


async def test_hang_ups_that_cross_on_one_leg_are_both_answered(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 4)
    user_leg.unanswered.add("BYE")
    destination_leg.hang_up()
    await user_leg.heard("BYE")
    user_leg.hang_up()
    user_leg.unanswered.clear()
    await asyncio.wait(
        [
            asyncio.create_task(user_leg.heard("200 BYE")),
            asyncio.create_task(user_leg.heard("481 BYE")),
        ],
        return_when=asyncio.FIRST_COMPLETED,
    )

    assert (await client.finished(call_id))["ended_by"] == "destination"
    await assert_both_talked_and_are_free(user_leg, destination_leg)


async def test_the_destination_hangs_up_as_soon_as_it_has_answered(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.dial_destination(client, user, destination, 5)
    destination_leg.answer()
    destination_leg.hang_up()
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["ended_by"]) == ("completed", "destination")
    await assert_both_talked_and_are_free(user_leg, destination_leg)


async def test_the_user_hangs_up_as_soon_as_they_have_answered(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(6, 6)
    user_leg = await user.leg_to(user_number(6))
    user_leg.answer()
    user_leg.hang_up()
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["ended_by"]) == ("user_hung_up", "user")
    assert await user_leg.settled() == Ending.TALKED
    for destination_leg in destination.legs:
        destination_leg.ring()
        assert await destination_leg.settled() == Ending.CANCELLED


async def test_the_user_hangs_up_while_hearing_why_the_destination_failed(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 7)
    destination_leg.refuse(486)
    await destination_leg.heard("ACK")
    user_leg.hang_up()
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["ended_by"]) == ("destination_busy", "destination")
    assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.REFUSED)


async def test_a_call_is_recorded_once_however_it_ends(
    server: Server, client: Client, user: Phone, destination: Phone
) -> None:
    async def recorded() -> list[str]:
        return server.recorded_calls()

    ids = []
    for index, side in enumerate(["user", "destination"], start=8):
        call_id, user_leg, destination_leg = await talk.connect(client, user, destination, index)
        (user_leg if side == "user" else destination_leg).hang_up()
        await client.finished(call_id)
        ids.append(call_id)

    # The end is told as it happens, and its record is written some milliseconds later.
    found = await poll(recorded, lambda found: set(found) >= set(ids), "a record of each call")
    assert len(found) == len(set(found))


async def assert_both_talked_and_are_free(user_leg: Leg, destination_leg: Leg) -> None:
    """Both dialogs ended as they should, one within a second of the other."""
    assert await user_leg.settled() == Ending.TALKED
    assert await destination_leg.settled() == Ending.TALKED
    assert talk.released_apart(user_leg, destination_leg) < RELEASE_SECONDS
