"""The call is given up around the destination's answer: never a phone that goes on ringing or a call that nobody holds.

RFC 3261 section 9.1 (no CANCEL before a provisional answer), section 15 and RFC 5407 section 3.1 (CANCEL against 200).
"""

import asyncio

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.scenarios import talk

pytestmark = pytest.mark.peer

ANSWER_AFTER_SECONDS = 0.2
# Without the release that is tested it would be 32 seconds and more.
FREED_WITHIN_SECONDS = 20.0
# More at once would make the test's own phones late by more than the steps they are to keep.
RUNS_AT_ONCE = 8


@pytest.mark.parametrize(("gives_up", "rings"), [("user", 180), ("user", 183), ("api", 180)])
async def test_giving_up_in_any_millisecond_around_the_answer_leaves_no_ghost(
    client: Client, user: Phone, destination: Phone, gives_up: str, rings: int
) -> None:
    loop = asyncio.get_running_loop()
    room = asyncio.Semaphore(RUNS_AT_ONCE)

    async def one(index: int, offset_seconds: float) -> tuple[str, Leg, Leg]:
        async with room:
            call_id, user_leg, destination_leg = await talk.dial_destination(client, user, destination, index)
            destination_leg.ring(rings)
            answers_at = loop.time() + ANSWER_AFTER_SECONDS
            is_time = asyncio.Event()
            loop.call_at(answers_at, destination_leg.answer_if_still_ringing)
            loop.call_at(answers_at + offset_seconds, is_time.set)
            await is_time.wait()
            if gives_up == "user":
                user_leg.hang_up()
            else:
                await client.hang_up(call_id)
            shown = await client.finished(call_id)
            await asyncio.gather(user_leg.settled(), destination_leg.settled())
            return str(shown["outcome"]), user_leg, destination_leg

    # The outermost two are no race, but show both ends of it wherever the others fall on a busy machine.
    offsets = [-200, *range(-50, 51), 1000]
    runs = await asyncio.gather(*(one(index, offset / 1000) for index, offset in enumerate(offsets)))

    assert {user_leg.ending for _, user_leg, _ in runs} == {Ending.TALKED}
    assert {destination_leg.ending for *_, destination_leg in runs} == {Ending.CANCELLED, Ending.TALKED}
    given_up = {"user": "user_hung_up", "api": "canceled"}[gives_up]
    assert {outcome for outcome, *_ in runs} == {given_up, "completed"}
    late = [
        f"{offset} ms:\n{destination_leg}"
        for offset, (_, user_leg, destination_leg) in zip(offsets, runs, strict=True)
        if talk.released_apart(user_leg, destination_leg) > FREED_WITHIN_SECONDS
    ]
    assert late == []


async def test_the_destination_stops_ringing_at_once_when_the_user_hangs_up(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 1)
    user_leg.hang_up()

    assert (await client.finished(call_id))["outcome"] == "user_hung_up"
    assert await destination_leg.settled() == Ending.CANCELLED
    assert talk.released_apart(user_leg, destination_leg) < FREED_WITHIN_SECONDS


async def test_a_silent_destination_is_cancelled_only_once_it_has_spoken(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.dial_destination(client, user, destination, 2)
    user_leg.hang_up()
    await client.finished(call_id)
    assert destination_leg.count("CANCEL") == 0

    destination_leg.ring()

    assert await destination_leg.settled() == Ending.CANCELLED


async def test_a_silent_destination_that_answers_after_all_is_acknowledged_and_hung_up(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.dial_destination(client, user, destination, 3)
    user_leg.hang_up()
    await client.finished(call_id)
    destination_leg.answer()

    assert await destination_leg.settled() == Ending.TALKED
    assert (destination_leg.count("CANCEL"), destination_leg.count("BYE")) == (0, 1)


async def test_an_answer_that_ignores_the_cancel_is_acknowledged_and_hung_up(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.ring_destination(client, user, destination, 4)
    destination_leg.unanswered.add("CANCEL")
    user_leg.hang_up()
    await destination_leg.heard("CANCEL")
    destination_leg.answer()

    assert await destination_leg.settled() == Ending.TALKED
    assert (await client.finished(call_id))["outcome"] == "user_hung_up"


async def test_an_answer_repeated_ten_times_is_acknowledged_ten_times(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 5)
    for _ in range(10):
        destination_leg.repeat_last_response()
    await destination_leg.heard("ACK", count=11)
    user_leg.hang_up()

    assert await destination_leg.settled() == Ending.TALKED
    assert destination_leg.count("BYE") == 1
    assert (await client.finished(call_id))["outcome"] == "completed"
