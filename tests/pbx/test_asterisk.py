"""Asterisk that knows ringbridge by its address: the user's phone is registered there, and the outside is behind it."""

import pytest

from tests.pbx.sound import tenths
from tests.peers.baresip import Baresip
from tests.peers.client import Client
from tests.scenarios.audio import DESTINATION_TONE_HZ, USER_TONE_HZ

pytestmark = pytest.mark.pbx


async def test_both_hear_each_other_and_the_phone_shows_whom_it_calls(
    ada: Baresip, destination: Baresip, client: Client
) -> None:
    call_id = await client.place_between("100", "+15125292329")
    shown = await ada.event("CALL_ESTABLISHED")
    calling = await destination.event("CALL_INCOMING")
    destination.accept()
    await destination.event("CALL_ESTABLISHED")
    await destination.hears_for(2.0)
    ada.hang_up()
    await destination.event("CALL_CLOSED")
    ended = await client.finished(call_id)

    assert ended["outcome"] == "completed"
    assert shown["peerdisplayname"] == "Calling +15125292329"
    assert "+18175629000@" in calling["peeruri"]
    assert tenths(ada.heard(), DESTINATION_TONE_HZ) >= 8
    assert tenths(destination.heard(), USER_TONE_HZ) >= 8


@pytest.mark.parametrize(
    ("number", "tone_hz"), [("+15125290620", 620.0), ("+15125290000", USER_TONE_HZ)], ids=["tone", "echo"]
)
async def test_the_dialplan_is_heard(ada: Baresip, client: Client, number: str, tone_hz: float) -> None:
    call_id = await client.place_between("100", number)
    await client.reaches(call_id, "connected")
    await ada.hears_for(2.0)
    ada.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert tenths(ada.heard(), tone_hz) >= 8


async def test_sound_before_the_answer_is_heard(ada: Baresip, client: Client) -> None:
    call_id = await client.place_between("100", "+15125290183")
    await client.reaches(call_id, "connected")
    await ada.hears_for(1.5)
    ada.hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert tenths(ada.heard(), 480.0) >= 15
    assert tenths(ada.heard(), 620.0) >= 8


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        ("+15125290017", "destination_busy"),
        ("+15125290021", "destination_declined"),
        ("+15125290001", "destination_invalid"),
        ("+15125290034", "destination_unreachable"),
    ],
)
async def test_the_dialplan_s_refusals_are_told_apart(
    ada: Baresip, client: Client, number: str, outcome: str
) -> None:
    call_id = await client.place_between("100", number)

    assert (await client.finished(call_id))["outcome"] == outcome
    await ada.event("CALL_CLOSED")


async def test_a_call_that_is_given_up_stops_ringing_behind_asterisk(
    ada: Baresip, destination: Baresip, client: Client
) -> None:
    call_id = await client.place_between("100", "+15125292329")
    await destination.event("CALL_INCOMING")
    ada.hang_up()
    await destination.event("CALL_CLOSED")

    assert (await client.finished(call_id))["outcome"] == "user_hung_up"


async def test_a_phone_that_is_not_registered_is_unreachable(asterisk: object, client: Client) -> None:
    call_id = await client.place_between("100", "+15125292329")

    assert (await client.finished(call_id))["outcome"] == "user_unreachable"
