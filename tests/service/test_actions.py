"""What a client may ask of a call while it runs, over doubles at the ports."""

import asyncio
from dataclasses import replace

import pytest

from ringbridge.call.cause import Cause
from ringbridge.call.errors import DestinationRefused, InvalidDestination, ServerDraining, TooManyCalls
from ringbridge.call.event import (
    DigitsRequested,
    Effect,
    HangUp,
    HangUpRequested,
    HoldRequested,
    Join,
    LegAnswered,
    LegEnded,
    Originate,
    Play,
    PromptFinished,
    ResumeRequested,
    SendDigits,
    StopPlaying,
    TransferRequested,
)
from ringbridge.call.model import LegName, Prompt
from ringbridge.call.simulation import SIMULATED
from ringbridge.service.actions import CallActions, WrongState
from ringbridge.service.ledger import Ledger
from ringbridge.service.spending import Period
from tests.service.double import CALLER, STRANGER, TESTER
from tests.service.test_calls import CLICK, House, house

__all__ = ["house"]

USER, DESTINATION = LegName.USER, LegName.DESTINATION


async def talking(house: House) -> str:
    """A call whose two sides are joined."""
    call_id = await house.place()
    for event in (LegAnswered(USER), LegAnswered(DESTINATION)):
        house.engine.tell(call_id, event)
    await until_done(house, call_id, Join())
    return call_id


def spent(house: House) -> int:
    """What the account's calls of this month cost, and may cost yet."""
    ledger = Ledger(CALLER.account.id)
    return sum(house.calls.admission.spending.sum(ledger, Period.MONTH, house.clock.utc_now()))


async def until_done(house: House, call_id: str, effect: Effect) -> None:
    await house.engine.until(lambda engine: (call_id, effect) in engine.performed)


async def test_what_is_asked_is_done_and_told(house: House) -> None:
    call_id = await talking(house)
    actions = CallActions(house.calls)

    before = actions.act(CALLER, call_id, HoldRequested(USER))
    assert before.state == "connected"
    await until_done(house, call_id, Play(Prompt.ON_HOLD, repeat=True, leg=USER))
    actions.act(CALLER, call_id, ResumeRequested())
    await until_done(house, call_id, StopPlaying(USER))
    actions.act(CALLER, call_id, DigitsRequested(DESTINATION, "9"))
    await until_done(house, call_id, SendDigits(DESTINATION, "9"))
    actions.act(CALLER, call_id, HangUpRequested(DESTINATION))
    await until_done(house, call_id, HangUp(DESTINATION, Cause.CANCELED))
    names = [event.name for _, event in house.store.saved]
    assert names[-5:] == ["connected", "held", "resumed", "digits_sent", "destination_ended"]


async def test_what_means_nothing_in_the_state_of_the_call_is_refused(house: House) -> None:
    call_id = await house.place()
    with pytest.raises(WrongState, match="ringing_user") as refused:
        CallActions(house.calls).act(CALLER, call_id, HoldRequested(USER))
    assert refused.value.state == "ringing_user"


async def test_a_third_is_looked_at_like_a_destination_and_dialled(house: House) -> None:
    call_id = await talking(house)
    actions = CallActions(house.calls)
    before = await actions.transfer(CALLER, call_id, DESTINATION, "+1 512 555 0003 x 7")
    assert before.state == "connected"
    await until_done(house, call_id, Originate(LegName.THIRD))
    house.engine.tell(call_id, LegAnswered(LegName.THIRD))
    await until_done(house, call_id, SendDigits(LegName.THIRD, ",7"))
    call = house.store.saved[-1][0]
    assert call.party(LegName.THIRD).number == "+15125550003"
    assert call.route(LegName.THIRD).trunk == "carrier"
    with pytest.raises(WrongState):
        await actions.transfer(CALLER, call_id, DESTINATION, "+1 512 555 0004")


async def test_a_third_that_may_not_be_called_is_refused(house: House) -> None:
    call_id = await talking(house)
    actions = CallActions(house.calls)
    house.directory.barred.add("+15125550003")
    for number, code in (
        ("+1 512 555 0003", "do_not_call"),
        ("911", "emergency_number"),
        ("15125292329", "already_in_call"),
        ("+1 817 562 9657", "same_as_user_line"),
    ):
        with pytest.raises(InvalidDestination) as refused:
            await actions.transfer(CALLER, call_id, DESTINATION, number)
        assert refused.value.code == code
    assert (call_id, Originate(LegName.THIRD)) not in house.engine.performed


async def test_a_third_counts_like_a_call(house: House) -> None:
    house.directory.limits_of_all = replace(house.directory.limits_of_all, per_minute=2)
    call_id = await talking(house)
    actions = CallActions(house.calls)
    await actions.transfer(CALLER, call_id, DESTINATION, "+1 512 555 0003")
    house.engine.tell(call_id, LegEnded(LegName.THIRD, Cause.BUSY, 486))
    await until_done(house, call_id, Play(Prompt.BUSY, leg=DESTINATION))
    house.engine.tell(call_id, PromptFinished(Prompt.BUSY))
    await until_done(house, call_id, StopPlaying(DESTINATION))
    with pytest.raises(TooManyCalls, match="per_minute"):
        await actions.transfer(CALLER, call_id, DESTINATION, "+1 512 555 0004")


@pytest.mark.parametrize("answers", [True, False])
async def test_money_is_set_aside_for_a_third_until_it_fails_or_the_call_is_over(
    house: House, answers: bool
) -> None:
    house.directory.all_rates = {"+1": 60_000}
    call_id = await talking(house)
    before = spent(house)
    await CallActions(house.calls).transfer(CALLER, call_id, DESTINATION, "+1 512 555 0003")
    assert before + 59 * 60_000 < spent(house) <= before + 60 * 60_000
    if answers:
        house.engine.tell(call_id, LegAnswered(LegName.THIRD))
        await until_done(house, call_id, Join(DESTINATION, LegName.THIRD))
        assert spent(house) > before
    else:
        house.engine.tell(call_id, LegEnded(LegName.THIRD, Cause.BUSY, 486))
        await until_done(house, call_id, Play(Prompt.BUSY, leg=DESTINATION))
        assert spent(house) == before
    house.engine.tell(call_id, LegEnded(DESTINATION, Cause.NORMAL))
    await house.engine.until(lambda engine: call_id in engine.released)
    assert spent(house) < 60_000


@pytest.mark.parametrize("at_once", [True, False])
async def test_of_two_transfers_in_one_moment_the_money_of_one_is_set_aside(
    house: House, at_once: bool
) -> None:
    house.directory.all_rates = {"+1": 60_000}
    call_id = await talking(house)
    actions, admit = CallActions(house.calls), house.calls.admit_third
    before = spent(house)

    async def admit_slowly(*words: object) -> TransferRequested:
        wanted = await admit(*words)  # type: ignore[arg-type]
        if not at_once:
            await until_done(house, call_id, Originate(LegName.THIRD))
        return wanted

    asked = [actions.transfer(CALLER, call_id, DESTINATION, "+1 512 555 0003")]
    if at_once:
        asked.append(actions.transfer(CALLER, call_id, DESTINATION, "+1 512 555 0004"))
        await asyncio.gather(*asked)
    else:
        house.calls.admit_third = admit_slowly  # type: ignore[assignment]
        second = asyncio.create_task(actions.transfer(CALLER, call_id, DESTINATION, "+1 512 555 0004"))
        await asyncio.wait([second], timeout=0)
        house.calls.admit_third = admit  # type: ignore[method-assign]
        await asked[0]
        with pytest.raises(WrongState, match="transferring"):
            await second
    await until_done(house, call_id, Originate(LegName.THIRD))
    assert before + 59 * 60_000 < spent(house) <= before + 60 * 60_000


async def test_a_call_that_is_transferred_costs_no_more_than_a_call_may(house: House) -> None:
    # An hour with the destination is six, with a third of its kind as well, with one abroad twice as much.
    house.directory.all_rates = {"+1": 100_000, "+1416": 200_000}
    limits = replace(house.directory.limits_of_all, countries=("US", "CA"), spend_per_call=6_000_000)
    house.directory.limits_of_all = limits
    call_id = await talking(house)
    actions = CallActions(house.calls)
    with pytest.raises(DestinationRefused) as refused:
        await actions.transfer(CALLER, call_id, USER, "+1 416 555 0003")
    assert refused.value.code == "spend_limit"
    assert house.store.blocked[-1].destination.number == "+14165550003"
    with pytest.raises(DestinationRefused):
        # Who leaves would be the user, whose phone costs nothing.
        await actions.transfer(CALLER, call_id, DESTINATION, "+1 512 555 0003")
    await actions.transfer(CALLER, call_id, USER, "+1 512 555 0003")


async def test_a_stopping_server_dials_no_third(house: House) -> None:
    call_id = await talking(house)
    house.calls.refuse_new_calls()
    with pytest.raises(ServerDraining):
        await CallActions(house.calls).transfer(CALLER, call_id, DESTINATION, "+1 512 555 0003")


async def test_a_call_that_is_over_or_another_account_s_takes_no_requests(house: House) -> None:
    call_id = await talking(house)
    actions = CallActions(house.calls)
    with pytest.raises(WrongState, match="ended"):
        actions.act(STRANGER, call_id, HoldRequested(USER))
    house.engine.tell(call_id, LegEnded(USER, Cause.NORMAL))
    await house.engine.until(lambda engine: call_id in engine.released)
    with pytest.raises(WrongState, match="ended"):
        actions.act(CALLER, call_id, HoldRequested(USER))


async def test_a_third_in_a_test_call_is_simulated_and_costs_nothing_whoever_asks(house: House) -> None:
    house.directory.all_rates = {"+1": 60_000}
    placed = await house.calls.place(TESTER, CLICK)
    await house.engine.until(lambda engine: (placed.call_id, Originate(USER)) in engine.performed)
    for event in (LegAnswered(USER), LegAnswered(DESTINATION)):
        house.engine.tell(placed.call_id, event)
    await until_done(house, placed.call_id, Join())
    await CallActions(house.calls).transfer(CALLER, placed.call_id, USER, "15125550003")
    await until_done(house, placed.call_id, Originate(LegName.THIRD))
    runner = house.calls.runner(CALLER, placed.call_id)
    assert runner is not None
    assert runner.call.transfer is not None
    assert [route.trunk for route in runner.call.transfer.third.routes] == [SIMULATED]
    assert spent(house) == 0
