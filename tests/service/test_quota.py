"""How many live actions one call takes, and how fast."""

import pytest

from ringbridge.call.cause import Cause
from ringbridge.call.errors import TooManyCalls
from ringbridge.call.event import (
    DigitsRequested,
    HangUp,
    HangUpRequested,
    HoldRequested,
    Play,
    ResumeRequested,
    SendDigits,
    StopPlaying,
)
from ringbridge.call.model import LegName, Prompt
from ringbridge.service.actions import CallActions
from ringbridge.service.quota import (
    ACTIONS_PER_SECOND,
    MOST_ACTIONS,
    MOST_AT_ONCE,
    ActionQuota,
    TooManyActions,
)
from tests.service.double import CALLER
from tests.service.test_actions import talking
from tests.service.test_calls import House, house

__all__ = ["house"]

DIGITS = DigitsRequested(LegName.DESTINATION, "1")


def test_after_as_many_as_come_at_once_they_come_one_by_one() -> None:
    quota = ActionQuota()
    for _ in range(MOST_AT_ONCE):
        quota.take(1000.0)
    with pytest.raises(TooManyCalls) as refused:
        quota.take(1000.0)
    wait_seconds = refused.value.retry_after_seconds
    assert wait_seconds == pytest.approx(1 / ACTIONS_PER_SECOND)
    with pytest.raises(TooManyCalls):
        quota.take(1000.0 + wait_seconds / 2)
    quota.take(1000.0 + wait_seconds)
    with pytest.raises(TooManyCalls):
        quota.take(1000.0 + wait_seconds)
    # However long nobody asks, no more than that come at once.
    for _ in range(MOST_AT_ONCE):
        quota.take(9000.0)
    with pytest.raises(TooManyCalls):
        quota.take(9000.0)


def test_a_call_takes_so_many_and_no_more() -> None:
    quota, now = ActionQuota(), 0.0
    for _ in range(MOST_ACTIONS):
        now += 1.0
        quota.take(now)
    with pytest.raises(TooManyActions):
        quota.take(now + 3600.0)


async def standing_still(house: House, monkeypatch: pytest.MonkeyPatch) -> str:
    """A call whose two sides are joined, while no time passes."""
    call_id, now = await talking(house), house.clock.now()
    monkeypatch.setattr(house.clock, "now", lambda: now)
    return call_id


async def test_a_loop_of_actions_grows_no_history_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_id = await standing_still(house, monkeypatch)
    actions = CallActions(house.calls)
    for _ in range(MOST_AT_ONCE):
        actions.act(CALLER, call_id, DIGITS)
    with pytest.raises(TooManyCalls, match="actions"):
        actions.act(CALLER, call_id, DIGITS)
    sent = (call_id, SendDigits(LegName.DESTINATION, "1"))
    await house.engine.until(lambda engine: engine.performed.count(sent) == MOST_AT_ONCE)


async def test_whoever_is_on_hold_can_be_fetched_back_and_released(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_id = await standing_still(house, monkeypatch)
    actions = CallActions(house.calls)
    for _ in range(MOST_AT_ONCE - 1):
        actions.act(CALLER, call_id, DIGITS)
    actions.act(CALLER, call_id, HoldRequested(LegName.USER))
    await house.engine.until(
        lambda engine: (call_id, Play(Prompt.ON_HOLD, repeat=True, leg=LegName.USER)) in engine.performed
    )
    actions.act(CALLER, call_id, ResumeRequested())
    await house.engine.until(lambda engine: (call_id, StopPlaying(LegName.USER)) in engine.performed)
    for action in (DIGITS, HoldRequested(LegName.USER)):
        with pytest.raises(TooManyCalls):
            actions.act(CALLER, call_id, action)
    with pytest.raises(TooManyCalls):
        await actions.transfer(CALLER, call_id, LegName.USER, "+1 512 555 0003")
    actions.act(CALLER, call_id, HangUpRequested(LegName.USER))
    await house.engine.until(
        lambda engine: (call_id, HangUp(LegName.USER, Cause.CANCELED)) in engine.performed
    )
