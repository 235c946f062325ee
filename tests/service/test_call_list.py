"""Whose calls a caller sees: the account's, and of these the ones of the key's lines."""

from dataclasses import replace

import pytest

from ringbridge.call.errors import InvalidDestination, InvalidUserLine
from ringbridge.call.history import CallFilter
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.request import CallRequest
from tests.service.double import (
    ACCOUNT,
    CALLER,
    MOBILE,
    PHONE,
    TESTER,
    CountingObserver,
    MemoryDirectory,
    MemoryStore,
    ScriptedEngine,
)

BOUND = CALLER._replace(key=replace(CALLER.key, lines=(MOBILE.number,)))


def service(store: MemoryStore) -> CallService:
    return CallService(
        engine=ScriptedEngine(),
        store=store,
        directory=MemoryDirectory(),
        clock=Clock(),
        observer=CountingObserver(),
    )


async def test_lines_are_read_as_those_of_a_new_call() -> None:
    store = MemoryStore()
    await service(store).reader.page(
        CALLER, CallFilter(state="ended"), None, 7, user_line="(817) 562-9657", destination_line="15125292329"
    )
    wanted = CallFilter(state="ended", user_number=PHONE.number, destination_number="+15125292329")
    assert store.asked == [(ACCOUNT.id, wanted, None, 7)]


async def test_a_line_that_cannot_be_read_is_refused() -> None:
    calls = service(MemoryStore())
    with pytest.raises(InvalidUserLine):
        await calls.reader.page(CALLER, CallFilter(), None, 7, user_line="nobody")
    with pytest.raises(InvalidDestination):
        await calls.reader.page(CALLER, CallFilter(), None, 7, destination_line="12")


async def test_a_key_that_is_bound_to_lines_lists_their_calls() -> None:
    store = MemoryStore()
    await service(store).reader.page(BOUND, CallFilter(), None, 7)
    assert store.asked == [(ACCOUNT.id, CallFilter(lines=(MOBILE.number,)), None, 7)]


async def test_a_key_that_is_bound_to_lines_neither_sees_nor_ends_a_running_call_of_another() -> None:
    async with service(MemoryStore()) as calls:
        placed = await calls.place(
            CALLER, CallRequest(user_line=PHONE.number, destination_line="15125292329")
        )
        found = [await calls.reader.find(caller, placed.call_id) is not None for caller in (CALLER, BOUND)]
        followed = [event async for event in calls.reader.follow(BOUND, placed.call_id, 0)]
        ended = [await calls.cancel(caller, placed.call_id) for caller in (BOUND, CALLER)]
        await calls.drain(0.0)
    assert (found, followed, ended) == ([True, False], [], [False, True])


async def test_a_test_key_lists_test_calls() -> None:
    store = MemoryStore()
    reader = service(store).reader
    await reader.page(TESTER, CallFilter(), None, 7)
    assert await reader.page(TESTER, CallFilter(is_test=False), None, 7) == []
    await reader.page(CALLER, CallFilter(is_test=False), None, 7)
    assert [wanted.is_test for _, wanted, _, _ in store.asked] == [True, False]


async def test_a_test_key_neither_sees_nor_ends_a_live_call_and_a_live_key_does_both_with_test_calls() -> (
    None
):
    async with service(MemoryStore()) as calls:
        click = CallRequest(user_line=PHONE.number, destination_line="15125290109")
        live_id, test_id = [(await calls.place(caller, click)).call_id for caller in (CALLER, TESTER)]
        shown = [
            None if found is None else found.is_test
            for call_id in (live_id, test_id)
            for found in [await calls.reader.find(caller, call_id) for caller in (CALLER, TESTER)]
        ]
        followed = [event async for event in calls.reader.follow(TESTER, live_id, 0)]
        ended = [
            await calls.cancel(caller, call_id)
            for caller, call_id in ((TESTER, live_id), (TESTER, test_id), (CALLER, live_id))
        ]
        await calls.drain(0.0)
    assert (shown, followed, ended) == ([False, None, True, True], [], [False, True, True])
