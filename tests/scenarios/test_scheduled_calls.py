"""Calls that are placed later or again: with phones, and with a server that is killed."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ringbridge.service.clock import Clock
from tests.peers import doomed
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.tool import poll
from tests.scenarios import talk
from tests.scenarios.killed import before_the_kill

pytestmark = pytest.mark.peer


def after(seconds: float) -> dict[str, str]:
    """A schedule whose first attempt is due after so many seconds."""
    return {"at": datetime.fromtimestamp(Clock().utc_now() + seconds, UTC).isoformat()}


async def leg_of(phone: Phone, number: str, count: int = 1) -> Leg:
    """The phone's leg of this number that came as number `count`."""

    async def legs() -> list[Leg]:
        return [leg for leg in phone.legs if leg.number == number]

    return (await poll(legs, lambda found: len(found) >= count, f"leg {count} to {number}"))[count - 1]


def rung(phone: Phone, index: int) -> int:
    """How often the line's phone was dialled."""
    return sum(leg.number == user_number(index) for leg in phone.legs)


async def test_a_call_is_placed_at_its_time(
    server: Server, client: Client, user: Phone, destination: Phone
) -> None:
    wanted = after(1.0)
    call_id = await client.schedule(1, schedule=wanted, metadata={"order": "4711"})
    waiting = await client.call(call_id)
    assert (waiting["state"], waiting["schedule"]["attempts"]) == ("scheduled", [])
    user_leg = await user.leg_to(user_number(1))
    assert Clock().utc_now() >= datetime.fromisoformat(wanted["at"]).timestamp()
    user_leg.answer()
    destination_leg = await destination.leg_to(destination_number(1))
    destination_leg.answer()
    await asyncio.gather(user_leg.heard("ACK"), destination_leg.heard("ACK"))
    destination_leg.hang_up()
    shown = await client.finished(call_id)
    assert (shown["outcome"], shown["ended_by"]) == ("completed", "destination")
    assert [event["name"] for event in shown["events"]] == ["scheduled", "attempt_started", "ended"]
    [attempt] = shown["schedule"]["attempts"]
    placed = await client.finished(attempt["id"])
    assert (placed["attempt_of"], placed["outcome"], placed["metadata"]) == (
        call_id,
        "completed",
        {"order": "4711"},
    )
    # Of the two only the attempt is a call that was made.
    assert attempt["id"] in server.recorded_calls()
    assert call_id not in server.recorded_calls()


async def test_after_a_busy_line_it_is_tried_again(client: Client, user: Phone, destination: Phone) -> None:
    call_id = await client.schedule(2, retry={"max_attempts": 3, "after_seconds": 1})
    (await leg_of(user, user_number(2))).refuse(486)
    second = await leg_of(user, user_number(2), 2)
    second.answer()
    destination_leg = await destination.leg_to(destination_number(2))
    destination_leg.answer()
    await asyncio.gather(second.heard("ACK"), destination_leg.heard("ACK"))
    second.hang_up()
    shown = await client.finished(call_id)
    assert shown["outcome"] == "completed"
    assert [event["name"] for event in shown["events"]] == [
        "scheduled",
        "attempt_started",
        "attempt_failed",
        "attempt_started",
        "ended",
    ]
    attempts = shown["schedule"]["attempts"]
    outcomes = [(await client.finished(attempt["id"]))["outcome"] for attempt in attempts]
    assert outcomes == ["user_busy", "completed"]
    assert rung(user, 2) == 2


async def test_after_the_last_attempt_it_is_over(client: Client, user: Phone) -> None:
    call_id = await client.schedule(3, retry={"max_attempts": 2, "after_seconds": 1})
    for count in (1, 2):
        (await leg_of(user, user_number(3), count)).refuse(486)
    shown = await client.finished(call_id)
    assert (shown["outcome"], len(shown["schedule"]["attempts"])) == ("user_busy", 2)


async def test_called_off_before_its_time_nobody_is_dialled(client: Client, user: Phone) -> None:
    call_id = await client.schedule(4, schedule=after(5.0))
    await client.hang_up(call_id)
    shown = await client.finished(call_id)
    assert (shown["outcome"], shown["ended_by"]) == ("canceled", "api")
    later = await client.schedule(5, schedule=after(5.0))
    await user.leg_to(user_number(5))
    await client.hang_up(later)
    await client.finished(later)
    assert rung(user, 4) == 0


async def test_called_off_during_an_attempt_that_one_is_hung_up_and_none_follows(
    client: Client, user: Phone
) -> None:
    call_id = await client.schedule(6, retry={"max_attempts": 5, "after_seconds": 1, "on": ["user_hung_up"]})
    leg = await user.leg_to(user_number(6))
    leg.ring()
    await client.hang_up(call_id)
    assert await leg.settled() == Ending.CANCELLED
    shown = await client.finished(call_id)
    assert shown["outcome"] == "canceled"
    assert [event["name"] for event in shown["events"]][-2:] == ["cancel_requested", "ended"]
    assert rung(user, 6) == 1


async def test_it_waits_until_the_user_is_free(client: Client, user: Phone, destination: Phone) -> None:
    _, user_leg, _ = await talk.connect(client, user, destination, 7)
    call_id = await client.schedule(7, when_user_is_free=True)
    # What is due later is placed meanwhile, so that one was looked at.
    other = await client.schedule(8)
    (await user.leg_to(user_number(8))).refuse(486)
    await client.finished(other)
    assert rung(user, 7) == 1
    user_leg.hang_up()
    (await leg_of(user, user_number(7), 2)).refuse(486)
    assert (await client.finished(call_id))["outcome"] == "user_busy"


@pytest.fixture
def own(deployment: Deployment, tmp_path: Path) -> Deployment:
    """A deployment whose servers are killed."""
    return deployment.copied_to(tmp_path / "data")


async def test_a_server_that_was_killed_before_the_time_places_the_call(own: Deployment) -> None:
    async with Phone.listening(own.user_port) as user:

        async def schedule(client: Client) -> str:
            return await client.schedule(1, schedule=after(2.0))

        call_id = await before_the_kill(own, {}, schedule)
        with Server.running(own) as server:
            async with Client.of(server) as client:
                (await user.leg_to(user_number(1))).refuse(486)
                shown = await client.finished(call_id)
    assert (shown["outcome"], len(shown["schedule"]["attempts"]), rung(user, 1)) == ("user_busy", 1, 1)


async def test_what_was_called_off_stays_so_when_the_server_is_killed(own: Deployment) -> None:
    async with Phone.listening(own.user_port) as user:

        async def call_off(client: Client) -> list[str]:
            call_id = await client.schedule(1, schedule=after(5.0))
            await client.hang_up(call_id)
            up = await client.schedule(
                2, retry={"max_attempts": 3, "after_seconds": 1, "on": ["interrupted"]}
            )
            (await user.leg_to(user_number(2))).unanswered.add("CANCEL")
            await client.hang_up(up)
            return [call_id, up]

        ids = await before_the_kill(own, {}, call_off)
        with Server.running(own) as server:
            async with Client.of(server) as client:
                shown = [await client.finished(call_id) for call_id in ids]
                # An attempt of either would have come before this one.
                last = await client.schedule(3, schedule=after(5.0))
                (await user.leg_to(user_number(3))).refuse(486)
                await client.finished(last)
    assert shown[0]["outcome"] == "canceled"
    assert shown[1]["outcome"] in ("canceled", "interrupted")
    assert (rung(user, 1), rung(user, 2)) == (0, 1)


@pytest.mark.parametrize(("on", "attempts"), [("user_busy", 1), ("interrupted", 2)])
async def test_an_attempt_that_was_up_when_the_server_was_killed_is_repeated_only_if_that_was_asked_for(
    own: Deployment, on: str, attempts: int
) -> None:
    async with Phone.listening(own.user_port) as user:

        async def ring(client: Client) -> str:
            call_id = await client.schedule(1, retry={"max_attempts": 2, "after_seconds": 1, "on": [on]})
            (await user.leg_to(user_number(1))).ring()
            return call_id

        call_id = await before_the_kill(own, {}, ring)
        with Server.running(own) as server:
            async with Client.of(server) as client:
                if attempts == 2:
                    (await leg_of(user, user_number(1), 2)).refuse(603)
                shown = await client.finished(call_id)
                [first, *_] = shown["schedule"]["attempts"]
                interrupted = await client.finished(first["id"])
    assert interrupted["outcome"] == "interrupted"
    assert shown["outcome"] == ("interrupted" if attempts == 1 else "user_declined")
    assert (len(shown["schedule"]["attempts"]), rung(user, 1)) == (attempts, attempts)


async def test_a_server_that_is_killed_at_any_point_of_an_attempt_makes_it_once(
    own: Deployment, tmp_path: Path
) -> None:
    armed_by = tmp_path / "armed"
    with Server.running(own, program=(doomed.__file__, str(armed_by), "attempt")) as server:
        async with Client.of(server) as client, Phone.listening(own.user_port) as user:
            for index, (name, point) in enumerate(doomed.ATTEMPT_POINTS.items()):
                shown = await _placed_by_a_doomed_server(client, user, index, armed_by, point)
                expected = "interrupted" if point.is_stored else "user_busy"
                assert (shown["outcome"], len(shown["schedule"]["attempts"])) == (expected, 1), name
                names = [event["name"] for event in shown["events"]]
                assert names == ["scheduled", "attempt_started", "ended"], name
                # A call that was stored may have rung before the kill.
                assert rung(user, index) in ({0, 1} if point.is_stored else {1}), name


async def _placed_by_a_doomed_server(
    client: Client, user: Phone, index: int, armed_by: Path, point: doomed.Point
) -> dict[str, Any]:
    """A scheduled call, when it is over, whose first attempt has killed the server."""
    await asyncio.to_thread(armed_by.touch)
    await client.schedule_once(index, f"doomed {index}", schedule={})

    async def is_killed() -> bool:
        return not await asyncio.to_thread(armed_by.exists)

    await poll(is_killed, bool, "the end of the server")

    async def again() -> str | None:
        return await client.schedule_once(index, f"doomed {index}", schedule={})

    call_id = await poll(again, bool, "the next server")
    assert call_id is not None
    if not point.is_stored:
        (await user.leg_to(user_number(index))).refuse(486)
    return await client.finished(call_id)
