"""The simulated engine on a real event loop, and the switch before it."""

import asyncio

import pytest

from ringbridge.call.cause import Cause
from ringbridge.call.event import Event, HangUp, LegRinging, Originate
from ringbridge.call.model import LegName
from ringbridge.call.ports import Engine
from ringbridge.engines.simulated.engine import SimulatedEngine
from ringbridge.engines.simulated.switch import EngineSwitch
from tests.engines.simulated.test_script import a_call
from tests.peers.tool import WAIT_SECONDS
from tests.service.double import ScriptedEngine
from tests.store.samples import a_call as a_real_call

CALL = a_call("0111")
RINGING = (CALL.id, LegRinging(LegName.USER))


@pytest.fixture
def told() -> asyncio.Queue[tuple[str, Event]]:
    return asyncio.Queue()


@pytest.fixture
def engine(told: asyncio.Queue[tuple[str, Event]]) -> SimulatedEngine:
    engine = SimulatedEngine()
    engine.listen(lambda call_id, event: told.put_nowait((call_id, event)))
    return engine


async def test_what_the_script_has_in_store_happens(
    engine: SimulatedEngine, told: asyncio.Queue[tuple[str, Event]]
) -> None:
    engine.perform(CALL, Originate(LegName.USER))
    async with asyncio.timeout(WAIT_SECONDS):
        assert await told.get() == RINGING


@pytest.mark.parametrize("is_released", [True, False])
async def test_of_a_leg_that_is_gone_nothing_is_heard(
    engine: SimulatedEngine, told: asyncio.Queue[tuple[str, Event]], is_released: bool
) -> None:
    engine.perform(CALL, Originate(LegName.USER))
    if is_released:
        engine.release(CALL.id)
    else:
        engine.perform(CALL, HangUp(LegName.USER, Cause.CANCELED))
    later = CALL._replace(id="call-2")
    engine.perform(later, Originate(LegName.USER))
    async with asyncio.timeout(WAIT_SECONDS):
        assert await told.get() == ("call-2", LegRinging(LegName.USER))
    engine.release("call-2")


async def test_test_calls_are_simulated_and_no_others() -> None:
    real, simulated = ScriptedEngine(), ScriptedEngine()
    switch: Engine = EngineSwitch(real, simulated)
    heard: list[str] = []
    switch.listen(lambda call_id, event: heard.append(call_id))
    test_call, call = CALL, a_real_call("call-9")
    for each in (test_call, call):
        assert switch.reserve(each)
        switch.perform(each, Originate(LegName.USER))
        switch.release(each.id)
    assert [call_id for call_id, _ in simulated.performed] == simulated.reserved == [CALL.id]
    assert [call_id for call_id, _ in real.performed] == real.reserved == ["call-9"]
    real.tell("call-9", LegRinging(LegName.USER))
    simulated.tell(*RINGING)
    assert heard == ["call-9", CALL.id]
    real.is_healthy = False
    assert not switch.healthy()
