"""What a client may ask of a call while it runs, over doubles at the ports."""

import pytest

from ringbridge.call.cause import Cause
from ringbridge.call.event import (
    DigitsRequested,
    Effect,
    HangUp,
    HangUpRequested,
    HoldRequested,
    Join,
    LegAnswered,
    LegEnded,
    Play,
    ResumeRequested,
    SendDigits,
    StopPlaying,
)
from ringbridge.call.model import LegName, Prompt
from ringbridge.service.actions import CallActions, WrongState
from tests.service.double import CALLER, STRANGER
from tests.service.test_calls import House, house

__all__ = ["house"]

USER, DESTINATION = LegName.USER, LegName.DESTINATION


async def talking(house: House) -> str:
    """A call whose two sides are joined."""
    call_id = await house.place()
    for event in (LegAnswered(USER), LegAnswered(DESTINATION)):
        house.engine.tell(call_id, event)
    await until_done(house, call_id, Join())
    return call_id


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


async def test_a_call_that_is_over_or_another_account_s_takes_no_requests(house: House) -> None:
    call_id = await talking(house)
    actions = CallActions(house.calls)
    with pytest.raises(WrongState, match="ended"):
        actions.act(STRANGER, call_id, HoldRequested(USER))
    house.engine.tell(call_id, LegEnded(USER, Cause.NORMAL))
    await house.engine.until(lambda engine: call_id in engine.released)
    with pytest.raises(WrongState, match="ended"):
        actions.act(CALLER, call_id, HoldRequested(USER))
