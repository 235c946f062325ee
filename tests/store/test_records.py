"""Records: paging through them, forgetting a number, and how long they are kept."""

import pytest
from sqlalchemy import Engine, func, select

from ringbridge.call.errors import NotFound
from ringbridge.call.record import ERASED, Erasure, RecordFilter
from ringbridge.store.administration import Administration
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.database import reading
from ringbridge.store.records import SqlRecords
from ringbridge.store.tables import call_events, calls
from tests.store.samples import UTC_OFFSET, a_call, accept, completed, event, simulated, written

ACCOUNT = "1009683"
OTHER = "2000000"
DAY_SECONDS = 86_400.0
USER, DESTINATION = "+18175629656", "+13053452300"
ALL = RecordFilter()


@pytest.fixture
def kept(engine: Engine, administration: Administration) -> SqlRecords:
    """The records of a database with two accounts."""
    administration.add_account("Acme", account_id=ACCOUNT)
    administration.add_account("Other", account_id=OTHER)
    return SqlRecords(engine)


async def ended(store: SqlCallStore, call_id: str, *, account_id: str = ACCOUNT, at: float = 100.0) -> None:
    """Store a call that was accepted `at` and lasted for 20 s."""
    call = a_call(call_id, account_id=account_id, accepted_at=at)
    await accept(store, call)
    store.save(completed(call), event(call, 2, "ended"))
    await written(store)


async def test_pages_follow_each_other_also_where_calls_end_at_the_same_time(
    store: SqlCallStore, kept: SqlRecords
) -> None:
    for index in range(5):
        await ended(store, f"call-{index}", at=100.0 if index < 3 else 200.0)
    await ended(store, "others", account_id=OTHER)
    pages, place = [], None
    while page := kept.page(ACCOUNT, ALL, place, 2):
        pages.append([record.call_id for record in page])
        place = page[-1].place
    assert pages == [["call-4", "call-3"], ["call-2", "call-1"], ["call-0"]]


async def test_records_are_filtered_by_their_end_and_their_outcome(
    store: SqlCallStore, kept: SqlRecords
) -> None:
    for index in range(3):
        await ended(store, f"call-{index}", at=100.0 * index)

    def found(wanted: RecordFilter) -> list[str]:
        return [record.call_id for record in kept.page(ACCOUNT, wanted, None, 10)]

    middle = UTC_OFFSET + 120.0
    assert found(RecordFilter(ended_from=middle)) == ["call-2", "call-1"]
    assert found(RecordFilter(ended_before=middle)) == ["call-0"]
    assert found(RecordFilter(outcomes=("completed",))) == ["call-2", "call-1", "call-0"]
    assert found(RecordFilter(outcomes=("failed",))) == []
    user_number = a_call("any").user.number
    assert found(RecordFilter(lines=("204", user_number))) == ["call-2", "call-1", "call-0"]
    assert found(RecordFilter(lines=("204",))) == []


async def test_a_record_is_found_by_its_account_only(store: SqlCallStore, kept: SqlRecords) -> None:
    await ended(store, "call-1")
    found = kept.find(ACCOUNT, "call-1")
    assert found is not None
    assert (found.call_id, found.talk_seconds) == ("call-1", 12.0)
    assert kept.find(OTHER, "call-1") is None
    assert kept.find(ACCOUNT, "call\x00") is None


async def test_an_erased_destination_is_in_no_column_of_the_account(
    store: SqlCallStore, kept: SqlRecords, engine: Engine
) -> None:
    await ended(store, "call-1")
    await ended(store, "others", account_id=OTHER)
    assert kept.erase(ACCOUNT, DESTINATION) == Erasure(calls=1, running=0)
    record = kept.find(ACCOUNT, "call-1")
    assert record is not None
    assert (record.destination_number, record.destination_target) == (ERASED, ERASED)
    assert record.user_caller_number == ERASED
    # The other side, and what is billed, stay.
    assert (record.user_number, record.user_target) == (USER, "sip:alice@127.0.0.1:5062")
    assert (record.destination_caller_number, record.destination_trunk) == (USER, "main")
    assert record.talk_seconds == 12.0
    with reading(engine) as connection:
        rows = connection.execute(select(calls).where(calls.c.account_id == ACCOUNT)).all()
    assert DESTINATION[1:] not in str(rows)
    untouched = kept.find(OTHER, "others")
    assert untouched is not None
    assert untouched.destination_number == DESTINATION


async def test_an_erased_user_is_not_in_what_the_destination_was_shown(
    store: SqlCallStore, kept: SqlRecords
) -> None:
    await ended(store, "call-1")
    assert kept.erase(ACCOUNT, USER) == Erasure(calls=1, running=0)
    record = kept.find(ACCOUNT, "call-1")
    assert record is not None
    assert (record.user_number, record.user_target, record.destination_caller_number) == (ERASED,) * 3
    assert (record.destination_number, record.user_caller_number) == (DESTINATION, DESTINATION)


async def test_calls_that_go_on_keep_the_number_and_are_told(store: SqlCallStore, kept: SqlRecords) -> None:
    call = a_call("call-1")
    await accept(store, call)
    assert kept.erase(ACCOUNT, DESTINATION) == Erasure(calls=0, running=1)
    store.save(completed(call), event(call, 2, "ended"))
    await written(store)
    assert kept.erase(ACCOUNT, DESTINATION) == Erasure(calls=1, running=0)


async def test_more_calls_than_one_batch_are_erased(
    store: SqlCallStore, kept: SqlRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbridge.store.records._BATCH", 2)
    for index in range(5):
        await ended(store, f"call-{index}")
    assert kept.erase(ACCOUNT, DESTINATION).calls == 5
    assert {record.destination_number for record in kept.page(ACCOUNT, ALL, None, 10)} == {ERASED}


async def test_what_is_older_than_the_account_wants_is_deleted_and_nothing_else(
    store: SqlCallStore, kept: SqlRecords, engine: Engine
) -> None:
    for index in range(3):
        await ended(store, f"call-{index}", at=index * DAY_SECONDS)
    await ended(store, "others", account_id=OTHER, at=0.0)
    running = a_call("running", accepted_at=0.0)
    await accept(store, running)
    kept.set_retention(ACCOUNT, 30)
    now_utc = UTC_OFFSET + 31.5 * DAY_SECONDS
    assert [kept.sweep(now_utc, 1), kept.sweep(now_utc, 1), kept.sweep(now_utc, 1)] == [1, 1, 0]
    assert [record.call_id for record in kept.page(ACCOUNT, ALL, None, 10)] == ["call-2"]
    assert kept.find(OTHER, "others") is not None
    with reading(engine) as connection:
        left = set(connection.scalars(select(calls.c.id).where(calls.c.account_id == ACCOUNT)))
        histories = select(func.count()).where(call_events.c.call_id.in_(["call-0", "call-1"]))
        assert (left, connection.scalar(histories)) == ({"call-2", "running"}, 0)


def test_calls_are_kept_for_good_unless_said_otherwise(kept: SqlRecords) -> None:
    assert kept.retention(ACCOUNT) is None
    kept.set_retention(ACCOUNT, 30)
    kept.set_retention(ACCOUNT, 90)
    assert kept.retention(ACCOUNT) == 90
    kept.set_retention(ACCOUNT, None)
    assert kept.retention(ACCOUNT) is None


def test_an_unknown_account_has_no_retention(kept: SqlRecords) -> None:
    with pytest.raises(NotFound, match="There is no account 7"):
        kept.retention("7")
    with pytest.raises(NotFound, match="There is no account 7"):
        kept.set_retention("7", 30)


async def test_of_test_calls_alone_a_number_is_forgotten_and_their_records_are_told_from_others(
    store: SqlCallStore, kept: SqlRecords
) -> None:
    await ended(store, "live")
    call = simulated(a_call("test", accepted_at=200.0))
    await accept(
        store, call, simulated(a_call("up", accepted_at=300.0)), a_call("live-up", accepted_at=400.0)
    )
    store.save(completed(call), event(call, 2, "ended"))
    await written(store)

    def found(wanted: RecordFilter) -> dict[str, str]:
        return {record.call_id: record.destination_number for record in kept.page(ACCOUNT, wanted, None, 10)}

    assert kept.erase(ACCOUNT, DESTINATION, of_tests=True) == Erasure(calls=1, running=1)
    assert found(RecordFilter(is_test=True)) == {"test": ERASED}
    assert found(RecordFilter(is_test=False)) == {"live": DESTINATION}
    assert found(ALL) == {"test": ERASED, "live": DESTINATION}
    assert kept.erase(ACCOUNT, DESTINATION) == Erasure(calls=1, running=2)
