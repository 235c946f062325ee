"""Whom calls were transferred to: written with their call, read with it and with its record, closed after a crash, forgotten."""

import pytest
from sqlalchemy import Engine

from ringbridge.call.cause import Cause
from ringbridge.call.history import as_stored
from ringbridge.call.model import Call, LegState, State, ThirdPrice
from ringbridge.call.record import ERASED, Erasure, RecordFilter
from ringbridge.call.third import StoredThird
from ringbridge.store.administration import Administration
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.records import SqlRecords
from ringbridge.store.usage import SqlUsage
from tests.store.samples import (
    THIRD_NUMBER,
    UTC_OFFSET,
    a_call,
    accept,
    completed,
    connected,
    event,
    transferring,
    written,
)

ACCOUNT = "1009683"
START = UTC_OFFSET + 100.0
# Asked for on another day than that of the call.
NEXT_DAY = START + 86_400.0
PRICE = ThirdPrice(60_000, 600_000, NEXT_DAY)
ALL = RecordFilter()


def busy(call: Call) -> Call:
    """The two talk again: the third was busy, three seconds after it was dialled."""
    at = (call.third_leg.dialed_at or 0.0) + 3.0
    leg = call.third_leg._replace(state=LegState.ENDED, ended_at=at, cause=Cause.BUSY, sip_status=486)
    return call._replace(state=State.CONNECTED, third_leg=leg)


def answered(call: Call) -> Call:
    """The third talks, four seconds after it was dialled, of which it rang three."""
    at = call.third_leg.dialed_at or 0.0
    leg = call.third_leg._replace(state=LegState.ANSWERED, ringing_at=at + 1.0, answered_at=at + 4.0)
    return call._replace(state=State.CONNECTED, third_leg=leg)


def over(call: Call) -> Call:
    """All of it ended, twenty seconds after it was accepted."""
    ended = completed(call)
    leg = call.third_leg._replace(state=LegState.ENDED, ended_at=ended.ended_at, cause=Cause.NORMAL)
    return ended._replace(third_leg=leg)


async def saved(store: SqlCallStore, call: Call, *states: Call) -> None:
    """The call as it was accepted and as it went on."""
    await accept(store, call)
    for sequence, state in enumerate(states, 2):
        store.save(state, event(state, sequence, f"event_{sequence}", 10.0))
    await written(store)


@pytest.fixture
def kept(engine: Engine, administration: Administration) -> SqlRecords:
    administration.add_account("Acme", account_id=ACCOUNT)
    return SqlRecords(engine)


async def test_every_third_is_read_with_its_call_and_its_record(
    store: SqlCallStore, kept: SqlRecords, engine: Engine
) -> None:
    call = a_call()
    first = transferring(connected(call))
    second = transferring(busy(first), after_seconds=14.0, price=PRICE)
    talking = answered(second)
    # Written at once, and again: what came between is not lost.
    await saved(store, call, first, busy(first), second, talking)
    assert await SqlUsage(engine).spent_within(NEXT_DAY, NEXT_DAY + 1.0) == {ACCOUNT: 600_000}
    ended = over(talking)
    store.save(ended, event(ended, 6, "ended"))
    await written(store)

    found = await store.find(ACCOUNT, call.id)
    record = kept.find(ACCOUNT, call.id)
    assert found is not None
    assert record is not None
    assert found.thirds == record.thirds == kept.page(ACCOUNT, ALL, None, 9)[-1].thirds
    assert found.thirds == as_stored(ended, ()).thirds
    assert found.thirds == (
        StoredThird(
            number=THIRD_NUMBER,
            trunk="main",
            state="ended",
            dialed_at=START + 10.0,
            ringing_at=None,
            answered_at=None,
            ended_at=START + 13.0,
            cause="busy",
            sip_status=486,
            q850=None,
            micros=None,
        ),
        StoredThird(
            number=THIRD_NUMBER,
            trunk="main",
            state="ended",
            dialed_at=START + 14.0,
            ringing_at=START + 15.0,
            answered_at=START + 18.0,
            ended_at=START + 20.0,
            cause="normal",
            sip_status=None,
            q850=None,
            micros=2_000,
        ),
    )
    assert [(third.outcome, third.talk_seconds) for third in found.thirds] == [
        ("destination_busy", 0.0),
        ("completed", 2.0),
    ]
    assert await SqlUsage(engine).spent_within(NEXT_DAY, NEXT_DAY + 1.0) == {ACCOUNT: 2_000}


async def test_a_third_that_was_killed_with_its_server_costs_what_it_may_have_lasted(
    engine: Engine, store: SqlCallStore
) -> None:
    ringing, talking, unpriced = (a_call(name) for name in ("ringing", "talking", "unpriced"))
    await saved(store, ringing, transferring(connected(ringing), price=PRICE))
    await saved(store, talking, answered(transferring(connected(talking), price=PRICE)))
    await saved(store, unpriced, busy(transferring(connected(unpriced))), transferring(connected(unpriced)))
    for call in (ringing, talking, unpriced):
        await store.close_interrupted(call.id, ended_at=START + 20.0)
    found = [await store.find(ACCOUNT, call.id) for call in (ringing, talking, unpriced)]

    assert [
        [(third.state, third.outcome, third.micros) for third in call.thirds] for call in found if call
    ] == [
        # The last that was stored of it was ten seconds before.
        [("ended", "interrupted", 10_000)],
        [("ended", "interrupted", 6_000)],
        [("ended", "interrupted", None)],
    ]
    assert await SqlUsage(engine).spent_within(NEXT_DAY, NEXT_DAY + 1.0) == {ACCOUNT: 16_000}
    late = a_call("late")
    await saved(store, late, transferring(connected(late), price=PRICE))
    await store.close_interrupted(late.id, ended_at=NEXT_DAY)
    assert await SqlUsage(engine).spent_within(NEXT_DAY, NEXT_DAY + 1.0) == {ACCOUNT: 616_000}


async def test_a_third_s_number_is_forgotten_with_the_calls_it_was_in(
    store: SqlCallStore, kept: SqlRecords
) -> None:
    done, running = a_call("done"), a_call("running")
    await saved(store, done, over(answered(transferring(connected(done)))))
    await saved(store, running, transferring(connected(running)))
    assert kept.erase(ACCOUNT, THIRD_NUMBER) == Erasure(calls=1, running=1)

    found = [await store.find(ACCOUNT, call.id) for call in (done, running)]
    assert [call.thirds[0].number for call in found if call] == [ERASED, THIRD_NUMBER]
    record = kept.find(ACCOUNT, done.id)
    assert record is not None
    assert record.destination_number != ERASED


async def test_thirds_go_with_the_records_that_are_kept_no_longer(
    store: SqlCallStore, kept: SqlRecords
) -> None:
    call = a_call()
    await saved(store, call, over(answered(transferring(connected(call)))))
    kept.set_retention(ACCOUNT, 1)
    assert kept.sweep(START + 90_000.0, 10) == 1
    assert kept.erase(ACCOUNT, THIRD_NUMBER) == Erasure(calls=0, running=0)
    await saved(store, call, over(connected(call)))
    found = await store.find(ACCOUNT, call.id)
    assert found is not None
    assert found.thirds == ()
