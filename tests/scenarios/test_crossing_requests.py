"""Requests that cross on the wire at any millisecond: each is answered, and the call ends once.

RFC 5407 sections 3.1 and 3.2, RFC 3261 section 15. The runs of a test go at once, each on a call of its own.
Rows B5 and B8 of docs/reliability.md.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.scenarios import talk

pytestmark = pytest.mark.peer

OFFSETS_MS = range(-10, 11)
Action = Callable[[Leg, Leg], None]


async def runs_of(
    client: Client, user: Phone, destination: Phone, first: Action, second: Action
) -> list[tuple[dict[str, Any], Leg, Leg]]:
    """A joined call for every offset of `second` from `first`: how the API shows it at its end, and both legs."""
    loop = asyncio.get_running_loop()

    async def one(index: int, offset_ms: int) -> tuple[dict[str, Any], Leg, Leg]:
        call_id, user_leg, destination_leg = await talk.connect(client, user, destination, index)
        at = loop.time() - min(OFFSETS_MS) / 1000
        loop.call_at(at, first, user_leg, destination_leg)
        loop.call_at(at + offset_ms / 1000, second, user_leg, destination_leg)
        shown = await client.finished(call_id)
        await asyncio.gather(user_leg.settled(), destination_leg.settled())
        return shown, user_leg, destination_leg

    return await asyncio.gather(*(one(index, offset) for index, offset in enumerate(OFFSETS_MS)))


async def test_hang_ups_of_both_sides_in_any_millisecond_are_both_answered(
    client: Client, user: Phone, destination: Phone
) -> None:
    runs = await runs_of(
        client, user, destination, lambda _, there: there.hang_up(), lambda here, _: here.hang_up()
    )

    for shown, user_leg, destination_leg in runs:
        assert shown["outcome"] == "completed"
        assert (user_leg.ending, destination_leg.ending) == (Ending.TALKED, Ending.TALKED)
        await talk.all_answered(user_leg, "BYE")
        await talk.all_answered(destination_leg, "BYE")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_a_hang_up_against_an_offer_in_any_millisecond_ends_the_call_once(
    client: Client, user: Phone, destination: Phone, method: str
) -> None:
    runs = await runs_of(
        client,
        user,
        destination,
        lambda _, there: there.hang_up(),
        lambda here, _: here.offer("sendonly", method=method),
    )

    for shown, user_leg, destination_leg in runs:
        assert (shown["outcome"], shown["ended_by"]) == ("completed", "destination")
        assert (user_leg.ending, user_leg.count("BYE")) == (Ending.TALKED, 1)
        await talk.all_answered(user_leg, method)
        await talk.all_answered(destination_leg, "BYE")


async def test_a_second_bye_is_481(client: Client, user: Phone, destination: Phone) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
    destination_leg.hang_up()
    await destination_leg.heard("200 BYE")
    destination_leg.hang_up()

    await destination_leg.heard("481 BYE")
    assert (await client.finished(call_id))["outcome"] == "completed"
    assert await user_leg.settled() == Ending.TALKED


async def test_a_bye_of_a_phone_that_has_not_answered_is_481_and_it_may_still_answer(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 2)
    await client.reaches(call_id, "ringing_destination")
    destination_leg.hang_up()
    await destination_leg.heard("481 BYE")
    destination_leg.answer()
    await client.reaches(call_id, "connected")
    user_leg.hang_up()

    await destination_leg.heard("BYE")
    assert (await client.finished(call_id))["outcome"] == "completed"


async def test_an_offer_that_is_taken_after_the_end_is_acknowledged_and_nothing_more(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect_with_unlike_codecs(
        client, user, destination, 3, mute={"INVITE"}
    )
    ours = await user_leg.heard("INVITE", count=2)
    destination_leg.hang_up()
    await client.finished(call_id)
    await user_leg.heard("BYE")
    user_leg.respond(ours, 200, body=user_leg.session())
    await user_leg.heard("ACK", count=2)

    assert user_leg.count("BYE") == 1
    assert await user_leg.settled() == Ending.TALKED
