"""Placing, following and ending calls, over doubles at the ports."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import (
    CannotPlaceCalls,
    DestinationRefused,
    InvalidDestination,
    InvalidUserLine,
    ServerDraining,
    SpendLimitReached,
    StoreUnavailable,
    TooManyCalls,
)
from ringbridge.call.event import (
    HangUp,
    Join,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegRinging,
    Originate,
    Play,
    SendDigits,
)
from ringbridge.call.history import StoredEvent
from ringbridge.call.model import LegName, Prompt
from ringbridge.call.simulation import is_simulated
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.request import CallRequest
from tests.service.double import (
    CALLER,
    MOBILE,
    STRANGER,
    TESTER,
    CountingObserver,
    MemoryDirectory,
    MemoryStore,
    ScriptedEngine,
)

USER, DESTINATION = LegName.USER, LegName.DESTINATION
FROM, TO = "+1 (817) 562-9657", "15125292329"
CLICK = CallRequest(user_line=FROM, destination_line=TO)


class AdjustedClock(Clock):
    """The real clock, whose hands on the wall a test may turn."""

    turned_seconds = 0.0

    def utc_now(self) -> float:
        return super().utc_now() + self.turned_seconds


class House:
    """The service with doubles all around."""

    def __init__(self) -> None:
        self.clock = AdjustedClock()
        self.engine = ScriptedEngine()
        self.store = MemoryStore()
        self.directory = MemoryDirectory()
        self.observer = CountingObserver()
        self.calls = CallService(
            engine=self.engine,
            store=self.store,
            directory=self.directory,
            clock=self.clock,
            observer=self.observer,
        )

    async def place(self, user_line: str = FROM, destination_line: str = TO) -> str:
        """A call whose user's phone is being dialled."""
        placed = await self.calls.place(
            CALLER, replace(CLICK, user_line=user_line, destination_line=destination_line)
        )
        await self.engine.until(lambda engine: (placed.call_id, Originate(USER)) in engine.performed)
        return placed.call_id

    async def end(self, call_id: str) -> None:
        """The call's user refuses, and the call is over."""
        self.engine.tell(call_id, LegEnded(USER, Cause.DECLINED, 603))
        await self.engine.until(lambda engine: call_id in engine.released)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with house.calls:
        yield house
        await house.calls.drain(0.0)


def effects(house: House, call_id: str) -> list[object]:
    return [effect for of, effect in house.engine.performed if of == call_id]


async def test_a_call_goes_from_the_click_to_its_end(house: House) -> None:
    call_id = await house.place()
    for event in (LegAnswered(USER), LegRinging(DESTINATION), LegAnswered(DESTINATION)):
        house.engine.tell(call_id, event)
    house.engine.tell(call_id, LegEnded(DESTINATION, Cause.NORMAL))
    await house.engine.until(lambda engine: call_id in engine.released)

    names = [event.name for _, event in house.store.saved]
    assert names == ["user_dialing", "user_answered", "destination_ringing", "connected", "ended"]
    assert [event.sequence for _, event in house.store.saved] == [2, 3, 4, 5, 6]
    assert effects(house, call_id)[-1] == HangUp(USER, Cause.NORMAL)
    assert [call.ending.outcome for call in house.observer.ended_calls if call.ending] == [Outcome.COMPLETED]


async def test_an_extension_is_pressed_once_the_destination_has_answered(house: House) -> None:
    call_id = await house.place(destination_line=f"{TO} x 9")
    for event in (LegAnswered(USER), LegAnswered(DESTINATION)):
        house.engine.tell(call_id, event)
    await house.engine.until(lambda engine: (call_id, SendDigits(DESTINATION, ",9")) in engine.performed)

    assert effects(house, call_id)[-2:] == [Join(), SendDigits(DESTINATION, ",9")]


async def test_who_answers_over_a_trunk_is_asked_before_the_destination_is_dialled(house: House) -> None:
    call_id = await house.place(user_line=MOBILE.number)
    house.engine.tell(call_id, LegAnswered(USER))
    await house.engine.until(lambda engine: len(engine.performed) == 2)
    asked = effects(house, call_id)
    house.engine.tell(call_id, KeyPressed(USER, "1"))
    await house.engine.until(lambda engine: (call_id, Originate(DESTINATION)) in engine.performed)

    assert asked == [Originate(USER), Play(Prompt.CONFIRM, repeat=True)]
    assert effects(house, call_id)[2:] == [Originate(DESTINATION), Play(Prompt.HOLD)]


async def test_who_does_not_press_the_key_in_time_is_released(house: House) -> None:
    house.directory.limits_of_all = AccountLimits(confirm_s=0.02, rate=100)
    call_id = await house.place(user_line=MOBILE.number)
    house.engine.tell(call_id, LegAnswered(USER))
    await house.engine.until(lambda engine: call_id in engine.released)

    assert [call.ending.outcome for call in house.observer.ended_calls if call.ending] == [
        Outcome.NOT_CONFIRMED
    ]
    assert (call_id, Originate(DESTINATION)) not in house.engine.performed


async def test_another_extension_of_the_same_number_is_another_call(house: House) -> None:
    house.directory.limits_of_all = AccountLimits(per_user=2, rate=100)
    first = await house.place(destination_line=f"{TO} x 1")
    second = await house.place(destination_line=f"{TO} x 2")

    assert first != second


async def test_nothing_is_dialled_before_the_call_is_stored(house: House) -> None:
    house.store.gate = asyncio.Event()
    placing = asyncio.create_task(house.calls.place(CALLER, CLICK))
    await asyncio.wait((placing,), timeout=0.05)
    before = list(house.engine.performed)
    house.store.gate.set()
    placed = await placing
    await house.engine.until(lambda engine: (placed.call_id, Originate(USER)) in engine.performed)

    assert before == []


async def test_a_call_that_cannot_be_stored_is_not_dialled_and_takes_no_room(house: House) -> None:
    house.directory.limits_of_all = AccountLimits(concurrent=1, rate=100)
    house.store.fails = True
    with pytest.raises(StoreUnavailable):
        await house.calls.place(CALLER, CLICK)
    house.store.fails = False

    assert house.engine.performed == []
    assert len(house.engine.reserved) == 1
    assert house.engine.released == house.engine.reserved
    assert await house.place()


async def test_a_click_that_is_repeated_is_no_second_call_to_find_room_for(house: House) -> None:
    first = await house.calls.place(CALLER, CLICK)
    house.engine.is_full = True

    second = await house.calls.place(CALLER, CLICK)

    assert (second.call_id, second.replayed) == (first.call_id, True)


async def test_a_call_without_room_takes_none_of_the_account_s(house: House) -> None:
    house.directory.limits_of_all = AccountLimits(concurrent=1, rate=100)
    house.engine.is_full = True
    with pytest.raises(CannotPlaceCalls, match="trunk_full"):
        await house.calls.place(CALLER, CLICK)
    house.engine.is_full = False

    assert await house.place()


@pytest.mark.parametrize(
    ("user_line", "code"),
    [
        ("", "invalid_number"),
        ("abc", "invalid_number"),
        ("+18175629999", "unknown_line"),
        ("999", "unknown_line"),
    ],
)
async def test_a_line_that_is_not_the_account_s_is_refused(house: House, user_line: str, code: str) -> None:
    with pytest.raises(InvalidUserLine) as caught:
        await house.calls.place(CALLER, replace(CLICK, user_line=user_line))

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("destination_line", "code"),
    [
        ("12", "invalid_number"),
        ("911", "emergency_number"),
        (FROM, "same_as_user_line"),
        ("+442079460958", "destination_not_allowed"),
    ],
)
async def test_a_destination_that_may_not_be_called_is_refused(
    house: House, destination_line: str, code: str
) -> None:
    with pytest.raises(InvalidDestination) as caught:
        await house.calls.place(CALLER, replace(CLICK, destination_line=destination_line))

    assert caught.value.code == code
    assert house.store.accepted == []


async def test_a_user_can_be_named_by_extension(house: House) -> None:
    await house.place("204")

    call = house.store.accepted[0]
    assert (call.user.number, call.user.routes[0].target) == ("204", "sip:204@192.0.2.7")
    assert call.destination.routes[0].caller_number == "+18175620000"


async def test_the_click_of_another_account_does_not_ring_this_one_s_phone(house: House) -> None:
    with pytest.raises(InvalidUserLine):
        await house.calls.place(STRANGER, CLICK)


async def test_a_double_click_is_one_call(house: House) -> None:
    first = await house.calls.place(CALLER, CLICK)
    second = await house.calls.place(CALLER, CLICK)

    assert (second.call_id, second.replayed) == (first.call_id, True)
    assert len(house.store.accepted) == 1


async def test_the_second_of_two_clicks_waits_until_the_first_is_stored(house: House) -> None:
    house.store.gate = asyncio.Event()
    clicks = [asyncio.create_task(house.calls.place(CALLER, CLICK)) for _ in range(2)]
    done, _ = await asyncio.wait(clicks, timeout=0.05)
    house.store.gate.set()
    first, second = await asyncio.gather(*clicks)

    assert done == set()
    assert (second.call_id, first.replayed, second.replayed) == (first.call_id, False, True)


async def test_the_second_of_two_clicks_fails_with_the_first(house: House) -> None:
    house.store.gate = asyncio.Event()
    house.store.fails = True
    clicks = [asyncio.create_task(house.calls.place(CALLER, CLICK)) for _ in range(2)]
    await asyncio.wait(clicks, timeout=0.05)
    house.store.gate.set()
    first, second = await asyncio.gather(*clicks, return_exceptions=True)

    assert isinstance(first, StoreUnavailable)
    assert isinstance(second, CannotPlaceCalls)


async def test_room_comes_back_when_a_call_is_over(house: House) -> None:
    house.directory.limits_of_all = AccountLimits(concurrent=1, rate=100)
    first = await house.place()
    with pytest.raises(TooManyCalls):
        await house.calls.place(CALLER, replace(CLICK, user_line="204"))
    await house.end(first)

    assert await house.place("204")


async def test_without_an_engine_or_a_trunk_no_call_is_accepted(house: House) -> None:
    house.engine.is_healthy = False
    with pytest.raises(CannotPlaceCalls, match="engine_down"):
        await house.calls.place(CALLER, CLICK)
    house.engine.is_healthy = True
    house.engine.is_full = True
    with pytest.raises(CannotPlaceCalls, match="trunk_full"):
        await house.calls.place(CALLER, CLICK)
    house.engine.is_full = False
    house.directory.all_trunks = ()
    with pytest.raises(CannotPlaceCalls, match="no_trunk"):
        await house.calls.place(CALLER, CLICK)

    assert house.store.accepted == []


async def test_a_call_can_be_cancelled_by_its_own_account_only(house: House) -> None:
    call_id = await house.place()

    assert await house.calls.cancel(STRANGER, call_id) is False
    assert await house.calls.cancel(CALLER, call_id) is True
    await house.engine.until(lambda engine: call_id in engine.released)
    assert await house.calls.cancel(CALLER, call_id) is False
    assert house.observer.ended_calls[0].ending is not None
    assert house.observer.ended_calls[0].ending.by is EndedBy.API


async def followed(house: House, call_id: str, after: int) -> list[StoredEvent]:
    return [event async for event in house.calls.reader.follow(CALLER, call_id, after)]


async def test_a_follower_hears_the_past_and_then_the_rest(house: House) -> None:
    call_id = await house.place()
    following = asyncio.create_task(followed(house, call_id, 0))
    house.engine.tell(call_id, LegRinging(USER))
    await house.end(call_id)
    events = await asyncio.wait_for(following, 5)

    assert [(event.sequence, event.name) for event in events] == [
        (1, "accepted"),
        (2, "user_dialing"),
        (3, "user_ringing"),
        (4, "ended"),
    ]


async def test_a_follower_can_go_on_where_it_left(house: House) -> None:
    call_id = await house.place()
    following = asyncio.create_task(followed(house, call_id, 2))
    await house.end(call_id)

    assert [event.sequence for event in await asyncio.wait_for(following, 5)] == [3]


async def test_a_follower_hears_nothing_up_to_where_it_says_it_is(house: House) -> None:
    """Also where the call has not come to yet."""
    call_id = await house.place()
    following = asyncio.create_task(followed(house, call_id, 3))
    house.engine.tell(call_id, LegRinging(USER))
    await house.end(call_id)

    assert [event.sequence for event in await asyncio.wait_for(following, 5)] == [4]


async def test_a_call_that_is_just_over_is_known_before_it_is_stored(house: House) -> None:
    call_id = await house.place()
    await house.end(call_id)
    shown = await house.calls.reader.find(CALLER, call_id)

    assert shown is not None
    assert (shown.state, shown.outcome) == ("ended", "user_declined")
    assert [event.name for event in await followed(house, call_id, 2)] == ["ended"]
    assert await house.calls.reader.find(STRANGER, call_id) is None


@pytest.mark.parametrize("turned_seconds", [3600.0, -3600.0])
async def test_the_times_of_a_call_belong_together_though_the_clock_on_the_wall_is_set(
    house: House, turned_seconds: float
) -> None:
    before = house.clock.utc_now()
    call_id = await house.place()
    house.clock.turned_seconds = turned_seconds
    house.engine.tell(call_id, LegRinging(USER))
    await house.end(call_id)
    shown = await house.calls.reader.find(CALLER, call_id)

    assert shown is not None
    assert shown.ended_at is not None
    assert before <= shown.accepted_at <= shown.ended_at <= before + 60.0
    assert [event.at for event in shown.events] == sorted(event.at for event in shown.events)
    assert shown.events[-1].at - shown.ended_at < 1.0


async def test_an_unknown_call_is_looked_for_in_the_store(house: House) -> None:
    assert await house.calls.reader.find(CALLER, "unknown") is None
    assert await followed(house, "unknown", 0) == []


async def test_a_stranger_hears_nothing_of_a_call(house: House) -> None:
    call_id = await house.place()

    assert [event async for event in house.calls.reader.follow(STRANGER, call_id, 0)] == []


async def test_a_fault_of_the_engine_ends_the_call_and_no_other(house: House) -> None:
    other = await house.place("204")
    call_id = await house.place()
    house.engine.breaks_at = Play
    house.engine.tell(call_id, LegAnswered(USER))
    await house.engine.until(lambda engine: call_id in engine.released)
    house.engine.breaks_at = None

    ended = house.observer.ended_calls[0]
    assert ended.ending is not None
    assert (ended.id, ended.ending.outcome) == (call_id, Outcome.FAILED)
    assert HangUp(USER, Cause.INTERNAL) in effects(house, call_id)
    assert other not in house.engine.released


async def test_effects_behind_one_that_fails_are_carried_out(house: House) -> None:
    call_id = await house.place()
    house.engine.breaks_at = Originate
    house.engine.tell(call_id, LegAnswered(USER))
    await house.engine.until(lambda engine: call_id in engine.released)

    assert effects(house, call_id)[1:] == [
        Play(Prompt.HOLD),
        HangUp(USER, Cause.INTERNAL),
        HangUp(DESTINATION, Cause.INTERNAL),
    ]


async def test_a_fault_while_a_call_is_ended_leaves_it_the_end_it_has(house: House) -> None:
    call_id = await house.place()
    for event in (LegAnswered(USER), LegAnswered(DESTINATION)):
        house.engine.tell(call_id, event)
    await house.engine.until(lambda engine: (call_id, Join()) in engine.performed)
    house.engine.breaks_at = HangUp
    house.engine.tell(call_id, LegEnded(DESTINATION, Cause.NORMAL))
    await house.engine.until(lambda engine: call_id in engine.released)

    assert [event.name for _, event in house.store.saved].count("ended") == 1
    assert [call.ending.outcome for call in house.observer.ended_calls if call.ending] == [Outcome.COMPLETED]


async def test_news_of_a_call_that_is_over_is_ignored(house: House) -> None:
    call_id = await house.place()
    await house.end(call_id)
    house.engine.tell(call_id, LegAnswered(USER))

    assert house.calls.running == 0


async def test_a_restart_ends_what_was_left_and_dials_nothing(house: House) -> None:
    house.store.open = ["c1", "c2"]

    assert await house.calls.recover() == 2
    assert house.store.interrupted == house.engine.released == ["c1", "c2"]
    assert house.observer.interrupted_calls == 2
    assert house.engine.performed == []


async def test_a_draining_server_takes_no_new_call_and_waits_for_the_running_ones(house: House) -> None:
    call_id = await house.place()
    draining = asyncio.create_task(house.calls.drain(5.0))
    await asyncio.wait((draining,), timeout=0.05)
    with pytest.raises(ServerDraining):
        await house.calls.place(CALLER, replace(CLICK, user_line="204"))
    await house.end(call_id)
    await asyncio.wait_for(draining, 5)

    assert house.observer.ended_calls[0].ending is not None
    assert house.observer.ended_calls[0].ending.cause is Cause.DECLINED


async def test_a_call_that_was_being_stored_when_the_drain_began_is_ended_undialled(house: House) -> None:
    house.store.gate = asyncio.Event()
    placing = asyncio.create_task(house.calls.place(CALLER, CLICK))
    await asyncio.wait((placing,), timeout=0.05)
    draining = asyncio.create_task(house.calls.drain(5.0))
    await asyncio.wait((draining,), timeout=0.05)
    waited_for_it = not draining.done()
    house.store.gate.set()
    placed = await placing
    await asyncio.wait_for(draining, 5)

    assert waited_for_it
    assert house.engine.performed == []
    assert [(call.id, call.ending.cause) for call in house.observer.ended_calls if call.ending] == [
        (placed.call_id, Cause.DRAINED)
    ]


async def test_calls_that_outlast_the_drain_are_ended(house: House) -> None:
    call_id = await house.place()
    await asyncio.wait_for(house.calls.drain(0.01), 5)

    ended = house.observer.ended_calls[0]
    assert ended.ending is not None
    assert (ended.id, ended.ending.cause) == (call_id, Cause.DRAINED)


async def test_a_ring_limit_is_kept_by_the_clock(house: House) -> None:
    house.directory.limits_of_all = replace(house.directory.limits_of_all, user_ring_s=0.02)
    call_id = await house.place()
    await house.engine.until(lambda engine: call_id in engine.released)

    assert effects(house, call_id) == [Originate(USER), HangUp(USER, Cause.NO_ANSWER)]


async def refused_code(house: House) -> str:
    with pytest.raises(InvalidDestination) as caught:
        await house.calls.place(CALLER, CLICK)
    return caught.value.code


async def test_whom_the_account_must_not_call_is_not_called(house: House) -> None:
    house.directory.barred.add("+15125292329")

    assert await refused_code(house) == "do_not_call"
    assert house.store.accepted == []


async def test_where_money_is_limited_a_call_without_a_known_price_is_refused(house: House) -> None:
    house.directory.limits_of_all = AccountLimits(spend_per_day=1_000_000)
    assert await refused_code(house) == "no_rate"
    house.directory.all_rates = {"+44": 15_000}
    assert await refused_code(house) == "no_rate"
    house.directory.all_rates = {"+1": 10_000}

    assert (await house.calls.place(CALLER, CLICK)).call_id
    assert house.store.accepted[0].tariff == (0, 10_000)


async def test_a_call_that_could_cost_more_than_one_call_may_is_refused(house: House) -> None:
    house.directory.all_rates = {"+1": 10_000}
    house.directory.limits_of_all = AccountLimits(spend_per_call=599_999, call_s=3600.0)
    assert await refused_code(house) == "spend_limit"
    house.directory.limits_of_all = AccountLimits(spend_per_call=600_000, call_s=3600.0)

    assert (await house.calls.place(CALLER, CLICK)).call_id


async def test_a_test_call_meets_the_limits_of_money_and_takes_nothing_from_live_ones(house: House) -> None:
    house.directory.limits_of_all = AccountLimits(spend_per_day=900_000, call_s=3600.0)
    with pytest.raises(DestinationRefused) as caught:
        await house.calls.place(TESTER, CLICK)
    assert caught.value.code == "no_rate"
    house.directory.all_rates = {"+1": 10_000}

    # The phone of the user is one of our own, and would cost nothing either.
    assert (await house.calls.place(TESTER, CLICK)).call_id
    assert house.store.accepted[0].tariff == (0, 10_000)
    with pytest.raises(SpendLimitReached):
        await house.calls.place(TESTER, replace(CLICK, user_line=MOBILE.number))
    assert (await house.calls.place(CALLER, CLICK)).call_id
    (no_rate, no_money) = house.store.blocked
    assert (is_simulated(no_rate), is_simulated(no_money)) == (True, True)
