"""Waiting for the end of a call."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.service.double import CALLER, STRANGER
from tests.service.test_calls import House

LONG_SECONDS = 30.0


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with house.calls:
        yield house
        await house.calls.drain(0.0)


async def test_who_waits_is_answered_when_the_call_is_over(house: House) -> None:
    call_id = await house.place()
    waiting = asyncio.create_task(house.calls.reader.find_ended(CALLER, call_id, LONG_SECONDS))
    await house.end(call_id)
    call = await waiting
    assert call is not None
    assert (call.state, call.outcome, call.events[-1].name) == ("ended", "user_declined", "ended")


@pytest.mark.parametrize("seconds", [0.0, 0.02])
async def test_who_has_waited_long_enough_sees_the_call_as_it_is(house: House, seconds: float) -> None:
    call_id = await house.place()
    call = await house.calls.reader.find_ended(CALLER, call_id, seconds)
    assert call is not None
    assert call.outcome is None


async def test_nobody_waits_for_a_call_of_another_account(house: House) -> None:
    call_id = await house.place()
    async with asyncio.timeout(LONG_SECONDS / 2):
        assert await house.calls.reader.find_ended(STRANGER, call_id, LONG_SECONDS) is None
