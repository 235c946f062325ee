"""The contract of ScheduleStore, kept by SqlSchedules on both databases."""

import asyncio

import pytest
from sqlalchemy import Engine

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.history import CallFilter, CallPlace, StoredAttempt, first_event
from ringbridge.call.idempotency import IdempotencyKey
from ringbridge.call.model import Call, Ending
from ringbridge.call.schedule import (
    Retry,
    Schedule,
    ScheduledCall,
    attempt_ended,
    attempt_started,
    cancel_requested,
    canceled,
    refused,
    scheduled,
)
from ringbridge.call.schedule_ports import OpenSchedule, ScheduleStore
from ringbridge.call.simulation import is_simulated
from ringbridge.service.replay import replay
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.change import ErasedCall
from ringbridge.store.records import SqlRecords
from ringbridge.store.schedules import SqlSchedules
from ringbridge.store.usage import SqlUsage
from tests.store.samples import UTC_OFFSET, a_call, completed, event, simulated, written

ACCOUNT = "1009683"
NOW = UTC_OFFSET + 100.0
REQUEST = {"user_line": "+1 817 562 9656", "destination_line": "13053452300", "metadata": {"order": "é"}}
SCHEDULE = Schedule(
    at=NOW + 600.0,
    when_user_is_free=True,
    window_seconds=60.0,
    retry=Retry(max_attempts=3, after_seconds=30.0, on=(Outcome.USER_BUSY, Outcome.INTERRUPTED)),
)
BUSY = Ending(outcome=Outcome.USER_BUSY, cause=Cause.BUSY, by=EndedBy.USER)


@pytest.fixture
def schedules(engine: Engine, store: SqlCallStore) -> SqlSchedules:
    return SqlSchedules(engine, store.write)


async def add(
    schedules: ScheduleStore, call_id: str = "plan", schedule: Schedule = SCHEDULE
) -> ScheduledCall:
    step = scheduled(a_call(call_id)._replace(metadata={"order": "é"}), schedule, REQUEST)
    await schedules.add(step, None)
    return step.after


def an_attempt(call_id: str) -> Call:
    return a_call(call_id, accepted_at=700.0)._replace(attempt_of="plan")


async def test_what_is_scheduled_is_found_again_as_it_was(schedules: SqlSchedules) -> None:
    added = await add(schedules)
    found = await schedules.find("plan")
    assert found is not None
    assert found._replace(call=added.call) == added
    assert (found.call.id, found.call.state, found.call.key_id, found.call.metadata) == (
        added.call.id,
        added.call.state,
        added.call.key_id,
        added.call.metadata,
    )
    assert found.call.accepted_at == found.call.accepted_utc == NOW
    assert await schedules.open() == [OpenSchedule("plan", ACCOUNT, NOW + 600.0, is_test=False)]
    assert await schedules.find("another") is None


async def test_one_of_a_test_key_is_known_as_such(schedules: SqlSchedules) -> None:
    await schedules.add(scheduled(simulated(a_call("plan")), SCHEDULE, REQUEST), None)
    assert [one.is_test for one in await schedules.open()] == [True]
    found = await schedules.find("plan")
    assert found is not None
    assert is_simulated(found.call)


async def test_without_retry_there_is_none(schedules: SqlSchedules) -> None:
    await add(schedules, schedule=Schedule(at=NOW))
    found = await schedules.find("plan")
    assert found is not None
    assert found.schedule == Schedule(at=NOW)


async def test_it_is_shown_as_a_call(schedules: SqlSchedules, store: SqlCallStore) -> None:
    await add(schedules)
    shown = await store.find(ACCOUNT, "plan")
    assert shown is not None
    assert shown.schedule is not None
    assert (shown.state, shown.outcome, [line.name for line in shown.events]) == (
        "scheduled",
        None,
        ["scheduled"],
    )
    assert (shown.schedule.next_attempt_at, shown.schedule.retry_on, shown.schedule.attempts) == (
        NOW + 600.0,
        ("user_busy", "interrupted"),
        (),
    )
    listed = await store.page(ACCOUNT, CallFilter(state="scheduled"), None, 10)
    assert [(call.id, call.schedule) for call in listed] == [("plan", shown.schedule)]


async def test_an_attempt_is_claimed_with_its_acceptance(
    schedules: SqlSchedules, store: SqlCallStore
) -> None:
    await add(schedules)
    attempt = an_attempt("try-1")
    await store.accept(attempt, first_event(attempt))
    # As it would be found after a kill at this moment.
    assert await schedules.open() == [OpenSchedule("plan", ACCOUNT, None, is_test=False)]
    found = await schedules.find("plan")
    assert found is not None
    assert (found.attempts, found.told_attempts, found.attempt_id, found.is_up) == (1, 0, "try-1", True)
    shown = await store.find(ACCOUNT, "try-1")
    assert shown is not None
    assert (shown.attempt_of, shown.schedule) == ("plan", None)
    [listed] = await store.page(ACCOUNT, CallFilter(state="accepted"), None, 10)
    assert (listed.attempt_of, listed.schedule) == ("plan", None)
    plan = await store.find(ACCOUNT, "plan")
    assert plan is not None
    assert plan.schedule is not None
    in_list = await store.page(ACCOUNT, CallFilter(), None, 10)
    assert {call.id: call.schedule for call in in_list} == {"plan": plan.schedule, "try-1": None}
    assert plan.schedule.attempts == (StoredAttempt("try-1", "accepted", None, UTC_OFFSET + 700.0),)


async def test_an_attempt_that_is_undone_was_none(schedules: SqlSchedules, store: SqlCallStore) -> None:
    await add(schedules)
    attempt = an_attempt("try-1")
    await store.accept(attempt, first_event(attempt))
    store._writer.submit(ErasedCall("try-1"))
    await written(store)
    found = await schedules.find("plan")
    assert found is not None
    assert (found.attempts, found.attempt_id) == (0, None)


async def test_a_scheduled_call_is_not_left_open_by_a_crash_and_its_attempt_is(
    schedules: SqlSchedules, store: SqlCallStore
) -> None:
    await add(schedules)
    attempt = an_attempt("try-1")
    await store.accept(attempt, first_event(attempt))
    assert await store.open_calls() == ["try-1"]
    await store.close_interrupted("try-1", ended_at=NOW + 700.0)
    found = await schedules.find("plan")
    assert found is not None
    assert found.attempt_ending == Ending(
        outcome=Outcome.INTERRUPTED, cause=Cause.INTERRUPTED, by=EndedBy.SERVER
    )


async def test_each_step_is_kept_with_its_event(schedules: SqlSchedules, store: SqlCallStore) -> None:
    one = await add(schedules)
    attempt = an_attempt("try-1")
    await store.accept(attempt, first_event(attempt))
    step = attempt_started(one, "try-1", NOW + 601.0)
    await schedules.change(step)
    step = attempt_ended(step.after, BUSY, NOW + 620.0)
    await schedules.change(step)
    store.save(completed(attempt), event(attempt, 2, "ended", 20.0))
    await written(store)
    found = await schedules.find("plan")
    assert found is not None
    assert (found.due_at, found.attempts, found.told_attempts, found.sequence, found.event_at) == (
        NOW + 650.0,
        1,
        1,
        3,
        NOW + 620.0,
    )
    await schedules.change(cancel_requested(found, NOW + 630.0))
    found = await schedules.find("plan")
    assert found is not None
    assert found.is_canceled
    end = canceled(found, NOW + 631.0)
    await schedules.change(end)
    # As after an answer that was lost.
    await schedules.change(end)
    shown = await store.find(ACCOUNT, "plan")
    assert shown is not None
    assert (shown.state, shown.outcome, shown.ended_by, shown.ended_at) == (
        "ended",
        "canceled",
        "api",
        NOW + 631.0,
    )
    assert [(line.sequence, line.name) for line in shown.events] == [
        (1, "scheduled"),
        (2, "attempt_started"),
        (3, "attempt_failed"),
        (4, "cancel_requested"),
        (5, "ended"),
    ]
    assert await schedules.open() == []


async def test_what_was_saved_before_is_written_before(schedules: SqlSchedules, store: SqlCallStore) -> None:
    one = await add(schedules)
    attempt = an_attempt("try-1")
    await store.accept(attempt, first_event(attempt))
    store.save(completed(attempt), event(attempt, 2, "ended", 20.0))
    await schedules.change(attempt_started(one, "try-1", NOW + 601.0))
    found = await schedules.find("plan")
    assert found is not None
    # Nobody waited for the end of the attempt.
    assert found.attempt_ending is not None


async def test_at_the_end_the_numbers_in_the_request_are_forgotten(
    engine: Engine, schedules: SqlSchedules
) -> None:
    await schedules.change(canceled(await add(schedules), NOW))
    found = await schedules.find("plan")
    assert found is not None
    assert found.is_over
    assert found.request == {}
    assert await asyncio.to_thread(SqlRecords(engine).find, ACCOUNT, "plan") is None


async def test_the_key_of_the_request_is_kept(schedules: SqlSchedules, store: SqlCallStore) -> None:
    await schedules.add(scheduled(a_call("plan"), SCHEDULE, REQUEST), IdempotencyKey("order", "digest"))
    kept = await store.key(ACCOUNT, "order")
    assert kept is not None
    assert kept.call_id == "plan"


async def test_only_attempts_count_as_calls(
    engine: Engine, schedules: SqlSchedules, store: SqlCallStore
) -> None:
    await add(schedules)
    attempt = an_attempt("try-1")
    await store.accept(attempt, first_event(attempt))
    usage = SqlUsage(engine)
    assert [call.at for call in await usage.calls_since(0.0)] == [UTC_OFFSET + 700.0]
    assert await usage.outcomes_since(ACCOUNT, False, 0.0) == {None: 1}


async def test_what_happened_to_one_that_waited_for_days_is_told_again(
    schedules: SqlSchedules, store: SqlCallStore
) -> None:
    day = 86_400.0
    waited = [(await add(schedules, call_id)) for call_id in ("plan-1", "plan-2", "plan-3")]
    await schedules.change(canceled(waited[2], NOW + day))
    # It was refused only when its time had come.
    await schedules.change(refused(waited[1], "quiet_hours", NOW + 3 * day))
    call = a_call("call-1", accepted_at=100.0 + 3 * day)
    await store.accept(call, first_event(call))
    told = [one async for one in replay(store, ACCOUNT, NOW + 2 * day)]
    assert [(one.call_id, one.event.name) for one in told] == [("call-1", "accepted"), ("plan-2", "ended")]
    for limit in (1, 2, 3):
        read: list[str] = []
        place: CallPlace | None = None
        while page := await store.histories_since(ACCOUNT, NOW + 2 * day, place, limit):
            read += [history.place.call_id for history in page]
            place = page[-1].place
        assert read == ["plan-1", "plan-2", "call-1"]
