import pytest

from ringbridge.call import machine
from ringbridge.call.cause import Cause
from ringbridge.call.event import (
    CancelRequested,
    EarlyMediaStarted,
    Event,
    LegAnswered,
    LegEnded,
    LegRinging,
    PromptFinished,
    Started,
)
from ringbridge.call.history import event_name, first_event
from tests.call.test_machine import CALL, DESTINATION, DIALED, JOINED, USER, run


@pytest.mark.parametrize(
    ("before", "event", "name"),
    [
        ((), Started(), "user_dialing"),
        ((), CancelRequested(), "ended"),
        ((Started(),), LegRinging(USER), "user_ringing"),
        ((Started(),), LegAnswered(USER), "user_answered"),
        (DIALED, LegRinging(DESTINATION), "destination_ringing"),
        (DIALED, EarlyMediaStarted(DESTINATION), "destination_early_media"),
        (DIALED, LegAnswered(DESTINATION), "connected"),
        (DIALED, LegEnded(DESTINATION, Cause.BUSY), "destination_ended"),
        (DIALED, PromptFinished(), None),
        (JOINED, LegRinging(DESTINATION), None),
        (JOINED, LegEnded(USER, Cause.NORMAL), "ended"),
    ],
)
def test_each_step_worth_telling_has_a_name(
    before: tuple[Event, ...], event: Event, name: str | None
) -> None:
    call, _ = run(*before)
    after, _ = machine.step(call, event, 200.0)

    assert event_name(call, event, after) == name


def test_a_phone_that_says_twice_that_it_rings_is_told_of_once() -> None:
    call, _ = run(Started(), LegRinging(USER))
    after, _ = machine.step(call, LegRinging(USER), 200.0)

    assert event_name(call, LegRinging(USER), after) is None


def test_the_history_of_a_call_begins_with_its_acceptance() -> None:
    event = first_event(CALL)

    assert (event.sequence, event.name, event.at) == (1, "accepted", 100.0)
