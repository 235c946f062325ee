"""The events of an account by time, over all its calls. On both databases."""

from ringbridge.call.history import ToldEvent
from ringbridge.store.calls import SqlCallStore
from tests.store.samples import UTC_OFFSET, a_call, accept, connected, event, ringing, written

ACCOUNT = "1009683"


async def test_events_come_by_time_then_call_then_sequence_a_batch_at_a_time(store: SqlCallStore) -> None:
    first = a_call("call-1", accepted_at=100.0)._replace(metadata={"order": "4711"})
    second = a_call("call-2", accepted_at=101.0)
    await accept(store, first, second, a_call("call-3", account_id="2000000", accepted_at=101.0))
    store.save(ringing(first), event(first, 2, "user_ringing", 1.0))
    store.save(connected(first), event(first, 3, "connected", 8.0))
    await written(store)
    read: list[ToldEvent] = []
    after = None
    while batch := await store.events_since(ACCOUNT, UTC_OFFSET + 100.5, after, 2):
        read += batch
        after = (batch[-1].event.at, batch[-1].call_id, batch[-1].event.sequence)
    assert [(told.call_id, told.event.sequence, told.event.name) for told in read] == [
        ("call-1", 2, "user_ringing"),
        ("call-2", 1, "accepted"),
        ("call-1", 3, "connected"),
    ]
    assert [told.metadata for told in read] == [{"order": "4711"}, None, {"order": "4711"}]
    assert {told.user_number for told in read} == {"+18175629656"}


async def test_requests_that_were_refused_are_no_events(store: SqlCallStore) -> None:
    store.block(a_call("call-1"))
    await written(store)
    assert await store.events_since(ACCOUNT, 0.0, None, 10) == []
