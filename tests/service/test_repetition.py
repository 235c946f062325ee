"""Requests that come again with the same key: rows A1 and A3 of docs/reliability.md over doubles at the ports."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ringbridge.call.errors import (
    CallError,
    IdempotencyKeyReused,
    InvalidDestination,
    RequestInProgress,
    StoreUnavailable,
    TooManyCalls,
)
from ringbridge.call.history import as_stored
from ringbridge.call.idempotency import KEPT_SECONDS, IdempotencyKey, KeptKey
from ringbridge.service.repetition import Placed
from tests.service.double import CALLER, STRANGER
from tests.service.test_calls import CLICK, House

KEY = IdempotencyKey("order 4711", "digest-1")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with house.calls:
        yield house
        await house.calls.drain(0.0)


async def place(house: House, key: IdempotencyKey = KEY) -> Placed | CallError:
    try:
        return await house.calls.place(CALLER, CLICK, key)
    except CallError as error:
        return error


async def test_a1_of_fifty_requests_at_once_one_places_the_call_and_a_later_one_finds_it(
    house: House,
) -> None:
    house.store.gate = asyncio.Event()
    asked = [asyncio.create_task(place(house)) for _ in range(50)]
    # All but the first are answered while that one is being stored.
    answers = [await request for request in asked[1:]]
    assert {type(answer) for answer in answers} == {RequestInProgress}
    house.store.gate.set()
    first = await asked[0]
    assert isinstance(first, Placed)
    assert not first.replayed
    assert await place(house) == Placed(first.call_id, replayed=True)
    assert len(house.store.accepted) == 1


async def test_the_call_is_found_also_when_it_is_over(house: House) -> None:
    first = await place(house)
    assert isinstance(first, Placed)
    await house.engine.until(lambda engine: bool(engine.performed))
    call = house.store.accepted[0]
    await house.end(first.call_id)
    house.store.found[call.account_id, call.id] = replace(as_stored(call, []), state="ended")
    assert await place(house) == Placed(first.call_id, replayed=True)


async def test_a3_the_same_key_with_another_body_is_refused(house: House) -> None:
    assert isinstance(await place(house), Placed)
    assert isinstance(await place(house, IdempotencyKey(KEY.text, "digest-2")), IdempotencyKeyReused)
    assert len(house.store.accepted) == 1


async def test_a3_the_same_key_of_another_account_is_another_key(house: House) -> None:
    assert isinstance(await place(house), Placed)
    with pytest.raises(CallError, match="unknown_line"):
        await house.calls.place(STRANGER, CLICK, KEY)


async def test_a3_after_a_day_the_key_is_new(house: House) -> None:
    first = await place(house)
    assert isinstance(first, Placed)
    await house.end(first.call_id)
    house.clock.turned_seconds = KEPT_SECONDS + 1.0
    again = await place(house)
    assert isinstance(again, Placed)
    assert (again.replayed, again.call_id == first.call_id) == (False, False)


async def test_another_key_is_another_call_also_while_the_first_rings(house: House) -> None:
    house.directory.limits_of_all = replace(house.directory.limits_of_all, per_user=2)
    calls = [await place(house, IdempotencyKey(text, "d")) for text in ("a", "b", "c")]
    assert [type(call) for call in calls] == [Placed, Placed, TooManyCalls]
    assert [call.replayed for call in calls if isinstance(call, Placed)] == [False, False]


async def test_what_was_refused_may_be_asked_for_again(house: House) -> None:
    house.store.fails = True
    assert isinstance(await place(house), StoreUnavailable)
    house.store.fails = False
    with pytest.raises(InvalidDestination):
        await house.calls.place(CALLER, replace(CLICK, destination_line="911"), KEY)
    assert isinstance(await place(house), Placed)


async def test_a_call_that_is_about_to_be_undone_is_not_taken_for_one(house: House) -> None:
    """The database was slow: the call was refused, and its row has still to go."""
    call = (await house.calls._planner.plan(CALLER, CLICK)).call
    house.store.keys[CALLER.account.id, KEY.text] = KeptKey(KEY.body_digest, call.id, call.accepted_utc)
    house.store.found[CALLER.account.id, call.id] = as_stored(call, [])
    assert isinstance(await place(house), RequestInProgress)
    del house.store.found[CALLER.account.id, call.id]
    assert isinstance(await place(house), Placed)


async def test_requests_without_a_key_are_clicks(house: House) -> None:
    first = await house.calls.place(CALLER, CLICK)
    assert await house.calls.place(CALLER, CLICK) == Placed(first.call_id, replayed=True)
    assert house.store.keys == {}
    assert house.engine.reserved == [first.call_id]
