"""The contract of CallStore, kept by SqlCallStore on both databases."""

import asyncio

import pytest
from sqlalchemy import Engine, func, select

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.errors import StoreUnavailable
from ringbridge.call.history import StoredEvent, StoredLeg
from ringbridge.call.model import Ending, State
from ringbridge.call.ports import CallStore
from ringbridge.call.record import Record
from ringbridge.store.administration import Administration
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import reading
from ringbridge.store.lock import ServerLock
from ringbridge.store.tables import records
from tests.store.samples import (
    UTC_OFFSET,
    a_call,
    accept,
    completed,
    connected,
    event,
    ringing,
    written,
)

ACCOUNT = "1009683"


async def test_it_is_a_call_store(store: SqlCallStore) -> None:
    port: CallStore = store
    assert port.healthy()


async def test_an_accepted_call_is_found_with_its_first_event(store: SqlCallStore) -> None:
    await accept(store, a_call("call-1"))
    found = await store.find(ACCOUNT, "call-1")
    assert found is not None
    assert (found.state, found.outcome, found.accepted_at) == ("accepted", None, UTC_OFFSET + 100.0)
    assert found.events == (
        StoredEvent(
            sequence=1,
            name="accepted",
            at=UTC_OFFSET + 100.0,
            state="accepted",
            user_leg="none",
            destination_leg="none",
        ),
    )


async def test_a_call_of_another_account_is_not_found(store: SqlCallStore) -> None:
    await accept(store, a_call("call-1"))
    assert await store.find("2000000", "call-1") is None


@pytest.mark.parametrize("call_id", ["call-2", "", "call\0", "\ud800"])
async def test_an_unknown_call_is_not_found_however_it_is_written(store: SqlCallStore, call_id: str) -> None:
    assert await store.find(ACCOUNT, call_id) is None


async def test_an_ended_call_is_found_with_both_legs_and_its_whole_history(store: SqlCallStore) -> None:
    call = a_call("call-1")
    await accept(store, call)
    store.save(ringing(call), event(call, 2, "user_ringing", 1.0))
    store.save(connected(call), event(call, 3, "connected", 8.0))
    store.save(completed(call), event(call, 4, "ended", 20.0))
    await written(store)
    found = await store.find(ACCOUNT, "call-1")
    assert found is not None
    assert (found.state, found.outcome, found.cause, found.ended_by, found.talk_seconds) == (
        "ended",
        "completed",
        "normal",
        "destination",
        12.0,
    )
    assert found.destination == StoredLeg(
        number="+13053452300",
        trunk="main",
        state="ended",
        ringing_at=UTC_OFFSET + 104.0,
        answered_at=UTC_OFFSET + 108.0,
        ended_at=UTC_OFFSET + 120.0,
        cause="normal",
        sip_status=200,
        q850=16,
    )
    assert [(line.sequence, line.name, line.state, line.user_leg) for line in found.events] == [
        (1, "accepted", "accepted", "none"),
        (2, "user_ringing", "ringing_user", "ringing"),
        (3, "connected", "connected", "answered"),
        (4, "ended", "ended", "ended"),
    ]


async def test_the_last_of_many_changes_decides_and_every_event_is_kept(store: SqlCallStore) -> None:
    call = a_call("call-1")
    await accept(store, call)
    for sequence in range(2, 500):
        store.save(ringing(call), event(call, sequence, "user_ringing"))
    store.save(connected(call), event(call, 500, "connected"))
    await written(store)
    found = await store.find(ACCOUNT, "call-1")
    assert found is not None
    assert found.state == "connected"
    assert [line.sequence for line in found.events] == list(range(1, 501))


async def test_a_reason_that_is_still_being_spoken_is_not_yet_the_outcome(store: SqlCallStore) -> None:
    call = a_call("call-1")
    await accept(store, call)
    ending = Ending(outcome=Outcome.DESTINATION_BUSY, cause=Cause.BUSY, by=EndedBy.DESTINATION)
    announcing = connected(call)._replace(state=State.ANNOUNCING, ending=ending)
    store.save(announcing, event(call, 2, "destination_ended"))
    await written(store)
    found = await store.find(ACCOUNT, "call-1")
    assert found is not None
    assert (found.state, found.outcome, found.cause, found.ended_by) == ("announcing", None, None, None)


async def test_an_ended_call_has_one_record_however_often_it_is_saved(
    store: SqlCallStore, engine: Engine
) -> None:
    call = a_call("call-1")
    await accept(store, call)
    for sequence in (2, 3):
        store.save(completed(call), event(call, sequence, "ended"))
        await written(store)
    late = completed(call)._replace(
        ending=Ending(outcome=Outcome.FAILED, cause=Cause.INTERNAL, by=EndedBy.SERVER)
    )
    store.save(late, event(call, 4, "ended"))
    await written(store)
    with reading(engine) as connection:
        of_call = select(records.c.outcome).where(records.c.call_id == "call-1")
        assert list(connection.scalars(of_call)) == ["completed"]


async def test_the_record_holds_both_legs_and_what_is_billed(
    store: SqlCallStore, administration: Administration
) -> None:
    administration.add_account("Acme", account_id=ACCOUNT)
    call = a_call("call-1")
    await accept(store, call)
    store.save(completed(call), event(call, 2, "ended"))
    await written(store)
    assert administration.records(ACCOUNT, 10) == [
        Record(
            call_id="call-1",
            account_id=ACCOUNT,
            key_id="key-1",
            user_number="+18175629656",
            user_target="sip:alice@127.0.0.1:5062",
            user_trunk=None,
            user_caller_number="+13053452300",
            destination_number="+13053452300",
            destination_target="sip:+13053452300@trunk.example",
            destination_trunk="main",
            destination_caller_number="+18175629656",
            accepted_at=UTC_OFFSET + 100.0,
            outcome="completed",
            cause="normal",
            ended_by="destination",
            ended_at=UTC_OFFSET + 120.0,
            user_dialed_at=UTC_OFFSET + 100.0,
            user_ringing_at=UTC_OFFSET + 101.0,
            user_answered_at=UTC_OFFSET + 103.0,
            user_ended_at=UTC_OFFSET + 120.0,
            user_cause="normal",
            user_sip_status=None,
            user_q850=None,
            destination_dialed_at=UTC_OFFSET + 103.0,
            destination_ringing_at=UTC_OFFSET + 104.0,
            destination_answered_at=UTC_OFFSET + 108.0,
            destination_ended_at=UTC_OFFSET + 120.0,
            destination_cause="normal",
            destination_sip_status=200,
            destination_q850=16,
            user_ring_seconds=2.0,
            destination_ring_seconds=4.0,
            talk_seconds=12.0,
        )
    ]


async def test_a_leg_that_was_tried_over_another_trunk_is_stored_with_that_one(
    store: SqlCallStore, administration: Administration
) -> None:
    administration.add_account("Acme", account_id=ACCOUNT)
    call = completed(a_call("call-1"))
    await accept(store, a_call("call-1"))
    store.save(
        call._replace(destination_leg=call.destination_leg._replace(trunk="spare")), event(call, 2, "ended")
    )
    await written(store)
    (record,) = administration.records(ACCOUNT, 1)
    assert (record.destination_trunk, record.destination_target, record.destination_caller_number) == (
        "spare",
        "sip:13053452300@spare.example",
        "18175629656",
    )
    found = await store.find(ACCOUNT, "call-1")
    assert found is not None
    assert found.destination.trunk == "spare"


async def test_records_come_newest_first_and_no_more_than_asked_for(
    store: SqlCallStore, administration: Administration
) -> None:
    administration.add_account("Acme", account_id=ACCOUNT)
    for number in range(1, 6):
        call = a_call(f"call-{number}", accepted_at=100.0 * number)
        await accept(store, call)
        store.save(completed(call), event(call, 2, "ended"))
    await written(store)
    assert [record.call_id for record in administration.records(ACCOUNT, 3)] == ["call-5", "call-4", "call-3"]


async def test_open_calls_are_those_without_an_end(store: SqlCallStore) -> None:
    first, second, third = (a_call(f"call-{n}", accepted_at=100.0 + n) for n in (1, 2, 3))
    await accept(store, first, second, third)
    store.save(ringing(first), event(first, 2, "user_ringing"))
    store.save(completed(second), event(second, 2, "ended"))
    await written(store)
    assert await store.open_calls() == ["call-1", "call-3"]


async def test_an_interrupted_call_gets_its_end_its_event_and_its_record(
    store: SqlCallStore, administration: Administration
) -> None:
    administration.add_account("Acme", account_id=ACCOUNT)
    call = a_call("call-1")
    await accept(store, call)
    store.save(connected(call), event(call, 2, "connected"))
    await written(store)
    await store.close_interrupted("call-1", ended_at=UTC_OFFSET + 140.0)
    found = await store.find(ACCOUNT, "call-1")
    assert found is not None
    assert (found.state, found.outcome, found.cause, found.ended_by, found.ended_at) == (
        "ended",
        "interrupted",
        "interrupted",
        "server",
        UTC_OFFSET + 140.0,
    )
    assert (found.user.state, found.user.cause, found.user.ended_at) == (
        "ended",
        "interrupted",
        UTC_OFFSET + 140.0,
    )
    assert [(line.sequence, line.name) for line in found.events] == [
        (1, "accepted"),
        (2, "connected"),
        (3, "ended"),
    ]
    (record,) = administration.records(ACCOUNT, 10)
    assert (record.user_ring_seconds, record.destination_ring_seconds, record.talk_seconds) == (
        2.0,
        4.0,
        32.0,
    )


async def test_an_interrupted_call_that_never_dialled_has_legs_that_never_began(store: SqlCallStore) -> None:
    await accept(store, a_call("call-1"))
    await store.close_interrupted("call-1", ended_at=UTC_OFFSET + 140.0)
    found = await store.find(ACCOUNT, "call-1")
    assert found is not None
    assert (found.user.state, found.user.ended_at, found.talk_seconds) == ("none", None, 0.0)


async def test_an_interrupted_call_does_not_end_before_its_last_event_though_the_clock_was_set_back(
    store: SqlCallStore, administration: Administration
) -> None:
    administration.add_account("Acme", account_id=ACCOUNT)
    call = a_call("call-1")
    await accept(store, call)
    store.save(connected(call), event(call, 2, "connected", 8.0))
    await written(store)
    await store.close_interrupted("call-1", ended_at=UTC_OFFSET - 3600.0)
    found = await store.find(ACCOUNT, "call-1")
    assert found is not None
    assert found.ended_at == found.user.ended_at == found.events[-1].at == UTC_OFFSET + 108.0
    assert [record.talk_seconds for record in administration.records(ACCOUNT, 10)] == [0.0]


async def test_a_call_that_has_its_end_is_not_interrupted(store: SqlCallStore) -> None:
    call = a_call("call-1")
    await accept(store, call)
    store.save(completed(call), event(call, 2, "ended"))
    await written(store)
    await store.close_interrupted("call-1", ended_at=UTC_OFFSET + 140.0)
    await store.close_interrupted("call-never-seen", ended_at=UTC_OFFSET + 140.0)
    found = await store.find(ACCOUNT, "call-1")
    assert found is not None
    assert (found.outcome, len(found.events)) == ("completed", 2)


async def test_the_same_id_is_accepted_once_and_the_first_call_stays(store: SqlCallStore) -> None:
    await accept(store, a_call("call-1"))
    with pytest.raises(StoreUnavailable, match="does not take this call"):
        await accept(store, a_call("call-1"))
    assert store.healthy()
    assert await store.find(ACCOUNT, "call-1") is not None


async def test_a_change_that_the_database_never_takes_is_dropped_and_the_others_are_written(
    store: SqlCallStore, engine: Engine
) -> None:
    calls = [a_call(f"call-{number}") for number in range(5)]
    await accept(store, *calls)
    stray = a_call("call-never-accepted")
    for call in (*calls[:2], stray, *calls[2:]):
        store.save(completed(call), event(call, 2, "ended"))
    await written(store)
    with reading(engine) as connection:
        of_calls = select(records.c.call_id).where(records.c.account_id == ACCOUNT)
        assert sorted(connection.scalars(of_calls)) == [call.id for call in calls]
    assert store.healthy()


async def test_a_call_whose_peer_said_what_no_column_takes_has_its_end(
    store: SqlCallStore, engine: Engine
) -> None:
    call = a_call("call-1")
    await accept(store, call)
    up = completed(call)
    said = up.destination_leg._replace(q850=2**70)
    store.save(up._replace(destination_leg=said), event(call, 2, "ended"))
    await written(store)
    found = await store.find(ACCOUNT, "call-1")
    assert found is not None
    assert (found.state, found.outcome, found.destination.cause) == ("ended", "completed", "normal")
    assert (found.destination.sip_status, found.destination.q850) == (None, None)
    with reading(engine) as connection:
        of_call = select(records.c.outcome).where(records.c.call_id == "call-1")
        assert list(connection.scalars(of_call)) == ["completed"]
    assert store.healthy()


async def test_a_thousand_calls_accepted_at_once_are_all_stored(store: SqlCallStore, engine: Engine) -> None:
    await asyncio.gather(*(accept(store, a_call(f"call-{number}")) for number in range(1000)))
    assert len(await store.open_calls()) == 1000
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(records)) == 0


async def test_leaving_the_store_writes_what_is_queued(engine: Engine) -> None:
    call = a_call("call-1")
    with ServerLock(engine) as lock:
        async with SqlCallStore(engine, lock) as store:
            await accept(store, call)
            store.save(completed(call), event(call, 2, "ended"))
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(records)) == 1


async def test_a_call_and_its_record_keep_what_the_client_gave_along(
    store: SqlCallStore, administration: Administration
) -> None:
    administration.add_account("Acme", account_id=ACCOUNT)
    given = {"order": "4711", "Kunde": "Müller „& Söhne“"}
    call = a_call("call-1")._replace(metadata=given, webhook="https://example.com/calls")
    await accept(store, call, a_call("call-2"))
    store.save(completed(call), event(call, 2, "ended"))
    await written(store)
    found, plain = await store.find(ACCOUNT, "call-1"), await store.find(ACCOUNT, "call-2")
    assert found is not None
    assert plain is not None
    assert (found.metadata, found.webhook) == (given, "https://example.com/calls")
    assert (plain.metadata, plain.webhook) == (None, None)
    assert [record.metadata for record in administration.records(ACCOUNT, 10)] == [given]
