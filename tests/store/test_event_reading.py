"""What happened to the calls of an account, over all its calls. On both databases."""

from ringbridge.call.history import CallHistory, CallPlace, ToldEvent
from ringbridge.call.model import Call
from ringbridge.service.replay import PAGE_CALLS, replay
from ringbridge.store.calls import SqlCallStore
from tests.store.samples import UTC_OFFSET, a_call, accept, completed, connected, event, ringing, written

ACCOUNT = "1009683"


def keys(histories: list[CallHistory]) -> list[tuple[str, list[int]]]:
    return [(history.place.call_id, [line.sequence for line in history.events]) for history in histories]


async def replayed(store: SqlCallStore, since: float) -> list[ToldEvent]:
    return [told async for told in replay(store, ACCOUNT, UTC_OFFSET + since)]


async def end(store: SqlCallStore, call: Call) -> None:
    """The call is over, twenty seconds after it was accepted."""
    store.save(completed(call), event(call, 2, "ended", 20.0))
    await written(store)


async def test_calls_come_by_acceptance_a_page_at_a_time_with_what_is_asked_for(store: SqlCallStore) -> None:
    first = a_call("call-1", accepted_at=100.0)._replace(metadata={"order": "4711"})
    second, third = a_call("call-0", accepted_at=101.0), a_call("call-2", accepted_at=101.0)
    await accept(store, first, second, third, a_call("call-3", account_id="2000000", accepted_at=101.0))
    store.save(ringing(first), event(first, 2, "user_ringing", 1.0))
    store.save(connected(first), event(first, 3, "connected", 8.0))
    await written(store)
    read: list[CallHistory] = []
    place: CallPlace | None = None
    while page := await store.histories_since(ACCOUNT, UTC_OFFSET + 100.5, place, 2):
        assert len(page) <= 2
        read += page
        place = page[-1].place
    assert keys(read) == [("call-1", [2, 3]), ("call-0", [1]), ("call-2", [1])]
    assert [history.metadata for history in read] == [{"order": "4711"}, None, None]
    assert {history.user_number for history in read} == {"+18175629656"}
    assert read[0].place == CallPlace(UTC_OFFSET + 100.0, "call-1")


async def test_calls_that_were_over_by_then_are_left_out(store: SqlCallStore) -> None:
    over, up = a_call("call-1", accepted_at=100.0), a_call("call-2", accepted_at=100.0)
    await accept(store, over, up)
    await end(store, over)
    assert keys(await store.histories_since(ACCOUNT, UTC_OFFSET + 120.5, None, 10)) == [("call-2", [])]


async def test_events_of_calls_that_overlap_come_by_time_then_call_then_sequence(store: SqlCallStore) -> None:
    calls = [a_call(f"call-{number:03}", accepted_at=100.0 + number / 4) for number in range(PAGE_CALLS + 10)]
    await accept(store, *calls)
    for call in calls:
        store.save(ringing(call), event(call, 2, "user_ringing", 1.0))
        store.save(connected(call), event(call, 3, "connected", 8.0))
    await written(store)
    told = await replayed(store, 101.0)
    places = [(one.event.at, one.call_id, one.event.sequence) for one in told]
    assert places == sorted(places)
    # Of the first four calls, what was before is left out.
    assert len(told) == 3 * len(calls) - 4
    assert await replayed(store, 1000.0) == []


async def test_requests_that_were_refused_are_no_events(store: SqlCallStore) -> None:
    store.block(a_call("call-1"))
    await written(store)
    assert await store.histories_since(ACCOUNT, 0.0, None, 10) == []
    assert not await store.has_calls_between(ACCOUNT, 0.0, UTC_OFFSET + 1000.0)


async def test_whether_something_happened_between_is_known(store: SqlCallStore) -> None:
    call = a_call(accepted_at=100.0)
    await accept(store, call)
    await end(store, call)

    async def between(start: float, end: float) -> bool:
        return await store.has_calls_between(ACCOUNT, UTC_OFFSET + start, UTC_OFFSET + end)

    assert await between(119.0, 121.0)
    assert await between(-200.0, 101.0)
    assert not await between(121.0, 200.0)
    assert not await between(90.0, 99.0)
    assert not await store.has_calls_between("2000000", 0.0, UTC_OFFSET + 200.0)


async def test_attempts_name_their_scheduled_call(store: SqlCallStore) -> None:
    await accept(store, a_call("call-1")._replace(attempt_of="call-0"), a_call("call-2"))
    histories = await store.histories_since(ACCOUNT, 0.0, None, 10)
    told = {event.call_id: event.attempt_of for history in histories for event in history.told()}
    assert told == {"call-1": "call-0", "call-2": None}
