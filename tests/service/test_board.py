"""Watching the running calls of an account."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

from ringbridge.call.cause import Cause
from ringbridge.call.event import LegAnswered, LegEnded, LegRinging
from ringbridge.call.model import LegName
from ringbridge.service.authentication import Caller
from ringbridge.service.board import Board, Changes
from ringbridge.service.request import CallRequest
from tests.service.double import ACCOUNT, CALLER, EXTENSION, KEY, PHONE, STRANGER
from tests.service.test_calls import House, house

__all__ = ["house"]

PATIENCE_SECONDS = 30.0
DESTINATION = "+15125292329"
BOUND = Caller(ACCOUNT, replace(KEY, lines=(EXTENSION.number,)))


async def placed(house: House, line: str = PHONE.number) -> str:
    return (
        await house.calls.place(CALLER, CallRequest(user_line=line, destination_line=DESTINATION))
    ).call_id


async def test_an_account_sees_its_calls_and_a_bound_key_those_of_its_lines(house: House) -> None:
    board = Board(house.calls, house.clock)
    first, second = await placed(house), await placed(house, EXTENSION.number)
    assert {each.call.id for each in board.all(CALLER)} == {first, second}
    assert [each.call.id for each in board.all(BOUND)] == [second]
    assert board.all(STRANGER) == []
    assert board.find(BOUND, first) is None
    found = board.find(CALLER, first)
    assert found is not None
    assert (found.call.user.number, found.key_id) == (PHONE.number, KEY.id)
    assert 0.0 <= found.in_state_seconds <= found.seconds


async def test_who_watches_is_told_of_what_changes(house: House) -> None:
    board = Board(house.calls, house.clock)
    call_id = await placed(house)

    async def until(state: str | None) -> None:
        """Read on until the call is in the state, or gone."""
        async for changes in watching:
            states = {each.call.id: each.call.state for each in changes.calls}
            if states.get(call_id) == state and (state is not None or call_id in changes.gone):
                return
        raise AssertionError("the end of what is watched")

    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(board.watch(CALLER, look_seconds=5.0)) as watching:
        await until("ringing_user")
        house.engine.tell(call_id, LegRinging(LegName.USER))
        house.engine.tell(call_id, LegAnswered(LegName.USER))
        await until("dialing_destination")
        house.engine.tell(call_id, LegEnded(LegName.USER, Cause.NORMAL))
        await until(None)


async def test_where_nothing_changes_who_watches_may_look_whether_they_still_may(house: House) -> None:
    board = Board(house.calls, house.clock)
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        aclosing(board.watch(CALLER, look_seconds=0.01)) as watching,
    ):
        assert await anext(watching) == Changes((), ())
        assert await anext(watching) == Changes((), ())


async def test_watching_ends_with_the_server(house: House) -> None:
    board = Board(house.calls, house.clock)
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(board.watch(CALLER, look_seconds=5.0)) as watching:
        await anext(watching)
        await house.calls.drain(0.0)
        async for changes in watching:
            assert changes == Changes((), ())
