"""What is kept of refused requests."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import CallError
from ringbridge.call.model import State
from ringbridge.service.blocked import MOST_PER_MINUTE
from tests.service.double import CALLER
from tests.service.test_calls import CLICK, House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with house.calls:
        yield house


@pytest.mark.parametrize(
    ("destination", "limits", "code"),
    [
        ("+442079460958", AccountLimits(), "destination_not_allowed"),
        ("+19005550100", AccountLimits(), "destination_not_allowed"),
        ("+15125292329", AccountLimits(refused_prefixes=("+1512",)), "destination_not_allowed"),
        ("+15125292329", AccountLimits(spend_per_day=5_000_000), "no_rate"),
        ("+15125292329", AccountLimits(rate=0), "limit_exceeded"),
    ],
)
async def test_a_refusal_is_kept_as_a_call_that_was_blocked(
    house: House, destination: str, limits: AccountLimits, code: str
) -> None:
    house.directory.limits_of_all = limits
    with pytest.raises(CallError) as caught:
        await house.calls.place(CALLER, replace(CLICK, destination_line=destination))
    assert caught.value.code == code

    blocked = house.store.blocked[0]
    assert (blocked.state, blocked.account_id, blocked.key_id) == (State.ENDED, "1009683", "k")
    assert (blocked.user.number, blocked.destination.number) == ("+18175629657", destination)
    assert blocked.ended_at == blocked.accepted_at
    assert blocked.ending is not None
    assert (blocked.ending.outcome, blocked.ending.cause, blocked.ending.by) == (
        Outcome.BLOCKED,
        Cause(code),
        EndedBy.SERVER,
    )
    assert house.store.accepted == []
    assert house.engine.performed == []


@pytest.mark.parametrize(("text", "number"), [("911", "911"), ("9-1-1", "911"), ("+1 911", "+1911")])
async def test_who_tried_to_call_for_help_is_kept(house: House, text: str, number: str) -> None:
    with pytest.raises(CallError):
        await house.calls.place(CALLER, replace(CLICK, destination_line=text))

    blocked = house.store.blocked[0]
    assert blocked.ending is not None
    assert (blocked.destination.number, blocked.ending.cause) == (number, Cause.EMERGENCY_NUMBER)


async def test_what_is_no_number_is_no_call(house: House) -> None:
    with pytest.raises(CallError):
        await house.calls.place(CALLER, replace(CLICK, destination_line="hello"))

    assert house.store.blocked == []


async def test_a_flood_of_refused_requests_does_not_fill_the_disk(house: House) -> None:
    house.directory.limits_of_all = AccountLimits(rate=0)
    for _ in range(MOST_PER_MINUTE + 10):
        with pytest.raises(CallError):
            await house.calls.place(CALLER, CLICK)

    assert len(house.store.blocked) == MOST_PER_MINUTE
