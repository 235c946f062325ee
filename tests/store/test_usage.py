"""What calls cost and what was refused, in the database, and what a server that starts reads of it."""

from sqlalchemy import Engine, delete, select

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.history import as_stored, first_event
from ringbridge.call.model import Call, Ending, LegState, State, Tariff, ThirdPrice
from ringbridge.call.record import RecordFilter
from ringbridge.call.tariff import cost_micros, most_micros
from ringbridge.service.export import cost_text
from ringbridge.service.identifier import new_call_id
from ringbridge.store.administration import Administration
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.change import ChangeStatements, ErasedCall, NewCall
from ringbridge.store.database import reading, writing
from ringbridge.store.records import SqlRecords
from ringbridge.store.tables import charges, records
from ringbridge.store.usage import SqlUsage
from tests.store.samples import (
    ACCEPTED_AT,
    UTC_OFFSET,
    a_call,
    accept,
    completed,
    connected,
    event,
    simulated,
    transferring,
    written,
)

START = UTC_OFFSET + ACCEPTED_AT

TARIFF = Tariff(60_000, 120_000)


def new_call(*, at: float = ACCEPTED_AT, account_id: str = "1009683") -> Call:
    """A call with an id as the service makes them."""
    call_id = new_call_id(UTC_OFFSET + at)
    return a_call(call_id, account_id=account_id, accepted_at=at)._replace(tariff=TARIFF)


def refused(call: Call) -> Call:
    ending = Ending(outcome=Outcome.BLOCKED, cause=Cause.DO_NOT_CALL, by=EndedBy.SERVER)
    return call._replace(state=State.ENDED, ended_at=call.accepted_at, ending=ending)


def stored_charges(engine: Engine) -> dict[str, tuple[int, int | None]]:
    """What is reserved and what is settled, by call."""
    with reading(engine) as connection:
        rows = connection.execute(select(charges))
        return {row.call_id: (row.reserved_micros, row.settled_micros) for row in rows}


async def test_the_most_that_a_call_may_cost_is_written_with_it_and_the_cost_with_its_end(
    engine: Engine, store: SqlCallStore
) -> None:
    call, other = new_call(), new_call()._replace(tariff=None)
    await accept(store, call, other)
    assert stored_charges(engine) == {call.id: (most_micros(call), None)}
    usage = SqlUsage(engine)
    assert await usage.spent_within(START, START + 1.0) == {call.account_id: most_micros(call)}

    ended = completed(call)
    store.save(ended, event(ended, 2, "ended"))
    await written(store)
    # 17 s of the user's leg, 12 s of the destination's.
    assert cost_micros(ended) == 17_000 + 24_000
    assert stored_charges(engine) == {call.id: (most_micros(call), 41_000)}
    assert await usage.spent_within(START, START + 1.0) == {call.account_id: 41_000}
    assert await usage.spent_within(START + 0.5, START + 1.0) == {}
    assert await usage.spent_within(START - 1.0, START) == {}


async def test_a_call_that_was_killed_with_its_server_costs_what_it_may_have_lasted(
    engine: Engine, store: SqlCallStore
) -> None:
    talking, unheard, refused_by_all, unpriced = new_call(), new_call(), new_call(), new_call()
    unpriced = unpriced._replace(tariff=None)
    await accept(store, talking, unheard, refused_by_all, unpriced)
    store.save(connected(talking), event(talking, 2, "connected", 8.0))
    up = connected(refused_by_all)
    busy = up.destination_leg._replace(state=LegState.ENDED, answered_at=None, cause=Cause.BUSY)
    store.save(up._replace(destination_leg=busy), event(up, 2, "destination_ended", 8.0))
    await written(store)
    for call in (talking, unheard, refused_by_all, unpriced):
        await store.close_interrupted(call.id, ended_at=START + 20.0)

    assert {name: settled for name, (_, settled) in stored_charges(engine).items()} == {
        talking.id: 17_000 + 24_000,
        # Both may have answered right after it was accepted.
        unheard.id: 20_000 + 40_000,
        refused_by_all.id: 17_000,
    }


async def test_a_call_that_was_killed_with_its_server_costs_no_more_than_was_reserved(
    engine: Engine, store: SqlCallStore
) -> None:
    call = new_call()
    await accept(store, call)
    await store.close_interrupted(call.id, ended_at=START + 86_400.0)

    assert stored_charges(engine) == {call.id: (most_micros(call), most_micros(call))}


async def test_a_refused_request_is_a_call_with_its_end_and_its_record(
    engine: Engine, store: SqlCallStore, administration: Administration
) -> None:
    administration.add_account("Acme", account_id="1009683")
    call = refused(new_call())
    store.block(call)
    store.block(call)
    await written(store)

    found = await store.find(call.account_id, call.id)
    assert found is not None
    assert (found.state, found.outcome, found.cause, found.ended_by) == (
        "ended",
        "blocked",
        "do_not_call",
        "server",
    )
    assert [(line.sequence, line.name, line.state) for line in found.events] == [(1, "blocked", "ended")]
    record = administration.records(call.account_id, limit=10)[0]
    assert (record.outcome, record.talk_seconds, record.destination_number) == (
        "blocked",
        0.0,
        call.destination.number,
    )
    assert await store.open_calls() == []


async def test_the_calls_of_before_are_told_in_their_order_and_without_refused_ones(
    engine: Engine, store: SqlCallStore
) -> None:
    calls = [new_call(at=at) for at in (160.0, 100.0, 130.0)]
    await accept(store, *calls)
    ended = completed(calls[1])
    store.save(ended, event(ended, 2, "ended"))
    store.block(refused(new_call(at=140.0)))
    await written(store)
    told = [call for call in await SqlUsage(engine).calls_since(START + 10.0) if call.account_id != "nobody"]

    assert told == [
        (call.account_id, call.user.number, call.destination.number, call.accepted_utc, False)
        for call in (calls[2], calls[0])
    ]
    assert len(await SqlUsage(engine).calls_since(START)) >= 3


async def test_outcomes_are_counted_for_one_account(engine: Engine, store: SqlCallStore) -> None:
    ended, up = new_call(), new_call(at=130.0)
    await accept(store, ended, up, new_call(account_id="2"), simulated(new_call()))
    store.save(completed(ended), event(ended, 2, "ended"))
    store.block(refused(new_call()))
    await written(store)
    usage = SqlUsage(engine)

    assert await usage.outcomes_since("1009683", False, START) == {"completed": 1, None: 1, "blocked": 1}
    assert await usage.outcomes_since("1009683", True, START) == {None: 1}
    assert await usage.outcomes_since("1009683", False, START + 10.0) == {None: 1}
    assert await usage.outcomes_since("3", False, START) == {}


async def test_outcomes_are_counted_on_from_where_they_were_counted_last(
    engine: Engine, store: SqlCallStore
) -> None:
    usage = SqlUsage(engine)

    async def counted_after(at: float, since: float = START) -> dict[str | None, int]:
        call = new_call(at=at)
        await accept(store, call)
        store.save(completed(call), event(completed(call), 2, "ended"))
        await written(store)
        return await usage.outcomes_since("1009683", False, since)

    assert await counted_after(ACCEPTED_AT) == {"completed": 1}
    assert await counted_after(ACCEPTED_AT + 200.0) == {"completed": 2}
    # What ended a while before is not read again, what ended late is.
    with writing(engine) as connection:
        connection.execute(delete(records).where(records.c.accepted_at < START + 100.0))
    assert await counted_after(ACCEPTED_AT + 180.0) == {"completed": 3}
    assert await usage.outcomes_since("1009683", False, START) == {"completed": 3}
    assert await usage.outcomes_since("1009683", False, START + 190.0) == {"completed": 1}


async def test_a_call_that_was_not_accepted_after_all_leaves_no_charge(engine: Engine) -> None:
    call = new_call()
    statements = ChangeStatements(engine.dialect)
    with writing(engine) as connection:
        cursor = connection.connection.cursor()
        statements.apply(cursor, [NewCall(call, first_event(call))])
        statements.apply(cursor, [ErasedCall(call.id)])

    assert stored_charges(engine) == {}


async def test_test_calls_cost_nothing_that_is_kept(engine: Engine, store: SqlCallStore) -> None:
    call = simulated(transferring(connected(new_call()), price=ThirdPrice(60_000, 1_000_000, START)))
    await accept(store, call)
    store.save(call, event(call, 2, "transferring"))
    ended = completed(call)
    store.save(ended, event(ended, 3, "ended"))
    await written(store)
    usage = SqlUsage(engine)
    assert stored_charges(engine) == {}
    assert await usage.spent_within(0.0, 9e9) == {call.account_id: 0}
    found = await store.find(call.account_id, call.id)
    assert found is not None
    assert [third.micros for third in found.thirds] == [None]


async def test_what_a_call_cost_is_told_with_it_and_with_its_record(
    engine: Engine, store: SqlCallStore
) -> None:
    call, unpriced = new_call(), new_call()._replace(tariff=None)
    await accept(store, call, unpriced)
    up = await store.find(call.account_id, call.id)
    for ended in (completed(call), completed(unpriced)):
        store.save(ended, event(ended, 2, "ended"))
    await written(store)
    found = await store.find(call.account_id, call.id)
    assert up is not None
    assert found is not None
    assert (up.micros, found.micros) == (None, 41_000)
    assert as_stored(completed(call), found.events).micros == 41_000
    kept = SqlRecords(engine)
    costs = {record.call_id: record.micros for record in kept.page(call.account_id, RecordFilter(), None, 9)}
    assert costs == {call.id: 41_000, unpriced.id: None}
    record = kept.find(call.account_id, call.id)
    assert record is not None
    assert cost_text(record.micros) == "0.041"
