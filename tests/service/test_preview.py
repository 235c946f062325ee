"""A dry run says of every check what placing the call would say of the first that fails, and leaves nothing behind."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ringbridge.call.directory import AccountLimits, LineKind, Phone
from ringbridge.call.errors import CallError
from ringbridge.service.preview import Preview
from ringbridge.service.request import CallRequest
from tests.service.double import CALLER, MOBILE, PHONE
from tests.service.test_calls import CLICK, House

ALL = (
    "user_line",
    "destination_line",
    "two_lines",
    "policy",
    "do_not_call",
    "options_and_routes",
    "price",
    "limits",
    "server",
)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with house.calls:
        yield house
        await house.calls.drain(0.0)


async def preview(house: House, **changed: object) -> Preview:
    return await house.calls.preview(CALLER, replace(CLICK, **changed))  # type: ignore[arg-type]


def refused(found: Preview) -> dict[str, str]:
    return {check: code for check, code in found.decisions if code is not None}


async def test_a_call_that_would_be_placed_passes_every_check(house: House) -> None:
    found = await preview(house)
    assert tuple(check for check, _ in found.decisions) == ALL
    assert (refused(found), found.would_be_placed) == ({}, True)
    assert found.line == PHONE
    assert found.destination is not None
    assert (found.destination.e164, found.destination.region) == ("+15125292329", "US")
    assert found.call is not None
    assert found.call.destination.routes[0].trunk == "carrier"


async def test_nothing_is_dialled_stored_or_counted(house: House) -> None:
    house.directory.limits_of_all = AccountLimits(concurrent=1, rate=1)
    for _ in range(5):
        assert (await preview(house)).would_be_placed
    assert (house.engine.performed, house.engine.reserved, house.store.accepted) == ([], [], [])
    assert house.store.blocked == []
    assert await house.place()


async def test_registered_phones_are_those_that_would_ring(house: House) -> None:
    phones = [Phone("UDP", "192.0.2.7", 5060, "Desk 1.0"), Phone("WSS", "192.0.2.8", 443, None)]
    house.engine.registered[PHONE.id] = phones
    assert list((await preview(house)).phones) == phones
    assert list((await preview(house, user_line="204")).phones) == []


@pytest.mark.parametrize(
    ("changed", "refusals"),
    [
        ({"user_line": "999"}, {"user_line": "unknown_line"}),
        (
            {"user_line": "nobody", "destination_line": "911"},
            {"user_line": "invalid_number", "destination_line": "emergency_number"},
        ),
        ({"destination_line": "19002345678"}, {"policy": "destination_not_allowed"}),
        ({"user_line": MOBILE.number, "destination_line": MOBILE.number}, {"two_lines": "same_as_user_line"}),
        ({"call_seconds": 99999.0}, {"options_and_routes": "above_limit"}),
        ({"destination_caller_id": "+12125550123"}, {"options_and_routes": "not_own_number"}),
    ],
)
async def test_each_refusal_is_the_one_that_placing_would_tell(
    house: House, changed: dict[str, object], refusals: dict[str, str]
) -> None:
    found = await preview(house, **changed)
    assert (refused(found), found.would_be_placed) == (refusals, False)
    with pytest.raises(CallError) as told:
        await house.calls.place(CALLER, replace(CLICK, **changed))  # type: ignore[arg-type]
    assert told.value.code == next(iter(refusals.values()))


async def test_limits_trunks_and_the_server_are_looked_at_too(house: House) -> None:
    await house.place()
    assert refused(await preview(house)) == {"limits": "limit_exceeded"}
    house.engine.is_healthy = False
    house.directory.all_trunks = ()
    assert refused(await preview(house)) == {"options_and_routes": "no_trunk", "server": "engine_down"}


async def test_a_line_over_a_trunk_is_shown_with_that(house: House) -> None:
    found = await house.calls.preview(
        CALLER, CallRequest(user_line=MOBILE.number, destination_line="15125292329")
    )
    assert found.line is not None
    assert found.line.kind is LineKind.TRUNK
    assert found.call is not None
    assert (found.call.user.routes[0].trunk, found.call.confirm) == ("carrier", True)
