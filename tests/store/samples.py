"""Calls as the store is given them, and how far their clock is behind UTC."""

import asyncio
from itertools import count
from typing import Any

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.history import CallEvent, first_event
from ringbridge.call.model import (
    Call,
    Ending,
    Leg,
    LegName,
    LegState,
    Party,
    Route,
    State,
    ThirdPrice,
    Transfer,
)
from ringbridge.call.simulation import SIMULATED
from ringbridge.store.calls import SqlCallStore

UTC_OFFSET = 1_700_000_000.0

ACCEPTED_AT = 100.0

# Longer than any machine pauses, where a test waits for what must come.
PATIENCE_SECONDS = 120.0

THIRD_NUMBER = "+13053452399"

_barriers = count(1)


def a_call(call_id: str = "call-1", *, account_id: str = "1009683", accepted_at: float = ACCEPTED_AT) -> Call:
    """A call that was accepted now."""
    return Call(
        id=call_id,
        account_id=account_id,
        key_id="key-1",
        user=Party(
            number="+18175629656",
            routes=(
                Route(target="sip:alice@127.0.0.1:5062", caller_number="+13053452300", caller_name="Calling"),
            ),
        ),
        destination=Party(
            number="+13053452300",
            routes=(
                Route(trunk="main", target="sip:+13053452300@trunk.example", caller_number="+18175629656"),
                Route(trunk="spare", target="sip:13053452300@spare.example", caller_number="18175629656"),
            ),
        ),
        accepted_at=accepted_at,
        accepted_utc=UTC_OFFSET + accepted_at,
    )


def simulated(call: Call) -> Call:
    """The call as a test key would place it."""
    route = Route(target="sip:1@simulated.invalid", caller_number="", trunk=SIMULATED)
    return call._replace(
        user=call.user._replace(routes=(route,)), destination=call.destination._replace(routes=(route,))
    )


def ringing(call: Call) -> Call:
    """The call as the user's phone rings, one second after it was accepted."""
    leg = Leg(state=LegState.RINGING, dialed_at=call.accepted_at, ringing_at=call.accepted_at + 1.0)
    return call._replace(state=State.RINGING_USER, user_leg=leg)


def connected(call: Call) -> Call:
    """The call after both have answered: the user after 3 s, the destination after 8 s, of which it rang 4."""
    start = call.accepted_at
    return call._replace(
        state=State.CONNECTED,
        user_leg=Leg(
            state=LegState.ANSWERED, dialed_at=start, ringing_at=start + 1.0, answered_at=start + 3.0
        ),
        destination_leg=Leg(
            state=LegState.ANSWERED, dialed_at=start + 3.0, ringing_at=start + 4.0, answered_at=start + 8.0
        ),
    )


def transferring(call: Call, *, after_seconds: float = 10.0, price: ThirdPrice | None = None) -> Call:
    """The call as a third in the place of its destination is dialled."""
    assert call.state is State.CONNECTED, "only those who talk are transferred"
    third = Party(
        number=THIRD_NUMBER,
        routes=(Route(trunk="main", target="sip:third@trunk.example", caller_number="x"),),
    )
    now = call.accepted_at + after_seconds
    return call._replace(
        state=State.TRANSFERRING,
        transfer=Transfer(LegName.USER, third, "", price, now + 600.0),
        third_leg=Leg(state=LegState.DIALING, trunk="main", dialed_at=now),
        past_thirds=call.thirds,
    )


def completed(call: Call) -> Call:
    """The call after the destination hung up, when they had talked for 12 s."""
    ended_at = call.accepted_at + 20.0
    up = connected(call)
    return up._replace(
        state=State.ENDED,
        user_leg=up.user_leg._replace(state=LegState.ENDED, ended_at=ended_at, cause=Cause.NORMAL),
        destination_leg=up.destination_leg._replace(
            state=LegState.ENDED,
            ended_at=ended_at,
            cause=Cause.NORMAL,
            sip_status=200,
            q850=16,
        ),
        ended_at=ended_at,
        ending=Ending(outcome=Outcome.COMPLETED, cause=Cause.NORMAL, by=EndedBy.DESTINATION),
    )


def event(call: Call, sequence: int, name: str, after_seconds: float = 0.0) -> CallEvent:
    """A line of the call's history, so many seconds after it was accepted."""
    return CallEvent(call_id=call.id, sequence=sequence, name=name, at=call.accepted_at + after_seconds)


async def accept(store: SqlCallStore, *new_calls: Call) -> None:
    """Let the store accept calls, one after the other."""
    for call in new_calls:
        await store.accept(call, first_event(call))


async def written(store: SqlCallStore) -> None:
    """Return when all that the store was given before is written: what nobody waits for keeps its order."""
    barrier = a_call(f"barrier-{next(_barriers)}", account_id="nobody")
    await accept(store, barrier)
    store.save(completed(barrier), event(barrier, 2, "ended"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (found := await store.find("nobody", barrier.id)) is None or found.state != "ended":
            continue


def a_record(call_id: str, account_id: str, ended_at: float) -> dict[str, Any]:
    """The record, as a row, of a call that was `completed` at `ended_at`, UTC seconds since 1970."""
    start = ended_at - 20.0
    return {
        "call_id": call_id,
        "account_id": account_id,
        "key_id": "key-1",
        "user_number": "+18175629656",
        "user_target": "sip:alice@127.0.0.1:5062",
        "user_trunk": None,
        "user_caller_number": "+13053452300",
        "destination_number": "+13053452300",
        "destination_target": "sip:+13053452300@trunk.example",
        "destination_trunk": "main",
        "destination_caller_number": "+18175629656",
        "accepted_at": start,
        "outcome": "completed",
        "cause": "normal",
        "ended_by": "destination",
        "ended_at": ended_at,
        "user_dialed_at": start,
        "user_ringing_at": start + 1.0,
        "user_answered_at": start + 3.0,
        "user_ended_at": ended_at,
        "user_cause": "normal",
        "user_sip_status": None,
        "user_q850": None,
        "destination_dialed_at": start + 3.0,
        "destination_ringing_at": start + 4.0,
        "destination_answered_at": start + 8.0,
        "destination_ended_at": ended_at,
        "destination_cause": "normal",
        "destination_sip_status": 200,
        "destination_q850": 16,
        "user_ring_seconds": 2.0,
        "destination_ring_seconds": 4.0,
        "talk_seconds": 12.0,
        "metadata": {"order": "=7"},
    }
