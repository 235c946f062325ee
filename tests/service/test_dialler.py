"""Placing a call by a form, and watching it, over doubles at the ports."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import cast

import pytest

from ringbridge.call.cause import Cause
from ringbridge.call.errors import IdempotencyKeyReused, NotFound
from ringbridge.call.event import LegAnswered, LegEnded, LegRinging
from ringbridge.call.history import StoredCall
from ringbridge.call.record import ERASED, FoundRecords, Record, RecordFilter, RecordPlace, RecordStore
from ringbridge.service.actions import CallActions
from ringbridge.service.authentication import Caller
from ringbridge.service.dialler import AccountSuspended, Dialler
from ringbridge.service.records import RecordService
from ringbridge.service.request import ScheduleRequest
from ringbridge.service.schedules import ScheduleService
from tests.service.double import ACCOUNT, CALLER, EXTENSION, KEY, PHONE, STRANGER
from tests.service.test_actions import USER, talking
from tests.service.test_calls import FROM, TO, House, house
from tests.service.test_schedules import MemorySchedules
from tests.store.samples import a_record

__all__ = ["house"]

FORM, OTHER_FORM = "form-of-16-letters", "form-of-16-letters-2"
LONG_SECONDS = 60.0


class Records:
    """RecordStore, as far as the dialler asks it: the records of PHONE."""

    def __init__(self) -> None:
        self.kept: list[Record] = []

    def search(
        self, account_id: str, wanted: RecordFilter, after: RecordPlace | None, limit: int
    ) -> FoundRecords:
        assert wanted == RecordFilter(lines=(PHONE.number,))
        return FoundRecords(self.kept, None, None)


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def dialler(house: House, records: Records) -> Dialler:
    schedules = ScheduleService(
        calls=house.calls, store=MemorySchedules(house), directory=house.directory, clock=house.clock
    )
    return Dialler(house.calls, RecordService(cast(RecordStore, records)), schedules)


async def test_a_form_that_is_sent_twice_at_once_is_one_call(house: House, dialler: Dialler) -> None:
    clicks = await asyncio.gather(*(dialler.place(CALLER, FROM, TO, FORM) for _ in range(5)))
    assert len({click.call_id for click in clicks}) == 1
    assert sorted(click.replayed for click in clicks) == [False, True, True, True, True]


async def test_a_form_that_is_sent_twice_is_one_scheduled_call(house: House, dialler: Dialler) -> None:
    wanted = ScheduleRequest(at=house.clock.utc_now() + 60.0)
    clicks = await asyncio.gather(*(dialler.schedule(CALLER, FROM, TO, wanted, FORM) for _ in range(3)))
    assert len({click.call_id for click in clicks}) == 1
    with pytest.raises(IdempotencyKeyReused):
        await dialler.place(CALLER, FROM, TO, FORM)


async def test_two_forms_are_two_calls(house: House, dialler: Dialler) -> None:
    first = await dialler.place(CALLER, FROM, TO, FORM)
    await house.end(first.call_id)
    second = await dialler.place(CALLER, FROM, TO, OTHER_FORM)
    assert first.call_id != second.call_id


async def test_a_form_is_one_persons(house: House, dialler: Dialler) -> None:
    first = await dialler.place(CALLER, FROM, TO, FORM)
    await house.end(first.call_id)
    bob = Caller(ACCOUNT, replace(KEY, id="user_bob"))
    assert (await dialler.place(bob, FROM, TO, FORM)).call_id != first.call_id


async def test_a_form_places_one_call_and_no_other(house: House, dialler: Dialler) -> None:
    first = await dialler.place(CALLER, FROM, TO, FORM)
    await house.end(first.call_id)
    with pytest.raises(IdempotencyKeyReused):
        await dialler.place(CALLER, FROM, "15125292330", FORM)


async def test_without_a_form_clicks_are_known_by_their_numbers(house: House, dialler: Dialler) -> None:
    first = await dialler.place(CALLER, FROM, TO, "")
    assert await dialler.place(CALLER, FROM, TO, "") == first._replace(replayed=True)


async def test_a_call_is_watched_to_its_end(house: House, dialler: Dialler) -> None:
    call_id = await house.place()
    seen: list[StoredCall | None] = []
    async with aclosing(dialler.watch(CALLER, call_id, look_seconds=LONG_SECONDS)) as states:
        seen.append(await anext(states))
        for event in (LegRinging(USER), LegAnswered(USER), LegEnded(USER, Cause.NORMAL)):
            house.engine.tell(call_id, event)
        seen.extend([state async for state in states])
    assert None not in seen
    states_seen = [call.state for call in seen if call is not None]
    assert (states_seen[0], states_seen[-1]) == ("ringing_user", "ended")
    # Later there is only its end to be seen.
    after = dialler.watch(CALLER, call_id, look_seconds=LONG_SECONDS)
    assert [call.state async for call in after if call is not None] == ["ended"]


async def test_now_and_then_the_reader_is_told_of_nothing(house: House, dialler: Dialler) -> None:
    call_id = await house.place()
    async with aclosing(dialler.watch(CALLER, call_id, look_seconds=0.01)) as states:
        assert await anext(states) is not None
        assert await anext(states) is None
        assert await anext(states) is None


@pytest.mark.parametrize("call_id", ["nothing", "", "019ab1c2-0000-7000-8000-000000000000"])
async def test_what_is_not_there_is_not_found(dialler: Dialler, call_id: str) -> None:
    with pytest.raises(NotFound):
        await dialler.find(CALLER, call_id)
    with pytest.raises(NotFound):
        await anext(dialler.watch(CALLER, call_id, look_seconds=LONG_SECONDS))


async def test_somebody_elses_call_is_not_found(house: House, dialler: Dialler) -> None:
    call_id = await house.place()
    with pytest.raises(NotFound):
        await dialler.find(STRANGER, call_id)
    with pytest.raises(NotFound):
        await dialler.find(Caller(ACCOUNT, replace(KEY, lines=(EXTENSION.number,))), call_id)


async def test_what_a_call_allows_depends_on_where_it_stands(house: House) -> None:
    actions = CallActions(house.calls)
    ringing = await house.place()
    assert actions.possible(CALLER, ringing) == {"hangup"}
    assert actions.possible(STRANGER, ringing) == frozenset()
    await house.end(ringing)
    assert actions.possible(CALLER, ringing) == frozenset()
    up = await talking(house)
    assert actions.possible(CALLER, up) == {"hold", "digits", "transfer", "hangup"}


async def test_recent_numbers_are_there_once_the_newest_first(records: Records, dialler: Dialler) -> None:
    numbers = ["+15125290101", "+15125290100", ERASED, "+15125290101", "+15125290102"]
    records.kept = [
        Record(**a_record(f"c{place}", ACCOUNT.id, 100.0 - place) | {"destination_number": number})
        for place, number in enumerate(numbers)
    ]
    recent = await dialler.recent(CALLER, PHONE.number, 5)
    assert [record.destination_number for record in recent] == [
        "+15125290101",
        "+15125290100",
        "+15125290102",
    ]
    assert recent[0].call_id == "c0"
    assert len(await dialler.recent(CALLER, PHONE.number, 1)) == 1
    bound = Caller(ACCOUNT, replace(KEY, lines=(EXTENSION.number,)))
    assert await dialler.recent(bound, PHONE.number, 5) == []


async def test_a_lines_call_that_is_up_is_found_by_whoever_may_see_it(house: House, dialler: Dialler) -> None:
    assert dialler.current(CALLER, PHONE.number) is None
    call_id = await house.place()
    assert dialler.current(CALLER, PHONE.number) == call_id
    assert dialler.current(CALLER, EXTENSION.number) is None
    assert dialler.current(STRANGER, PHONE.number) is None
    await house.end(call_id)
    assert dialler.current(CALLER, PHONE.number) is None


async def test_nobody_of_a_suspended_account_calls(house: House, dialler: Dialler) -> None:
    suspended = CALLER._replace(account=replace(ACCOUNT, suspended=True))
    for form in (FORM, ""):
        with pytest.raises(AccountSuspended):
            await dialler.place(suspended, FROM, TO, form)
    call_id = await talking(house)
    with pytest.raises(AccountSuspended):
        await dialler.transfer(suspended, call_id, "15125292330")
    await dialler.transfer(CALLER, call_id, "15125292330")
