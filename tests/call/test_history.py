import pytest

from ringbridge.call import machine
from ringbridge.call.cause import Cause
from ringbridge.call.event import (
    CancelRequested,
    EarlyMediaStarted,
    Event,
    KeyPressed,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegRinging,
    Started,
)
from ringbridge.call.history import EVENT_NAMES, as_stored, event_name, first_event
from tests.call.test_machine import ASKING, CALL, DESTINATION, DIALED, JOINED, SPOKEN, USER, run


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
        (DIALED, LegDialed(DESTINATION, "first"), None),
        (DIALED, LegDialed(DESTINATION, "second"), "destination_dialing"),
        (DIALED, SPOKEN, None),
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
    assert name is None or name in EVENT_NAMES


def test_a_user_who_is_asked_first_answers_and_then_confirms() -> None:
    ringing, _ = run(Started(), call=ASKING)
    asked, _ = machine.step(ringing, LegAnswered(USER), 102.0)
    confirmed, _ = machine.step(asked, KeyPressed(USER, "1"), 103.0)

    assert event_name(ringing, LegAnswered(USER), asked) == "user_answered"
    assert event_name(asked, KeyPressed(USER, "1"), confirmed) == "user_confirmed"


def test_a_phone_that_says_twice_that_it_rings_is_told_of_once() -> None:
    call, _ = run(Started(), LegRinging(USER))
    after, _ = machine.step(call, LegRinging(USER), 200.0)

    assert event_name(call, LegRinging(USER), after) is None


def test_the_history_of_a_call_begins_with_its_acceptance() -> None:
    event = first_event(CALL)

    assert (event.sequence, event.name, event.at) == (1, "accepted", 100.0)


def test_a_running_call_reads_as_it_will_be_stored() -> None:
    announcing, _ = run(*DIALED, LegEnded(DESTINATION, Cause.BUSY, 486, 17))
    stored = as_stored(announcing, ())

    assert (stored.state, stored.outcome, stored.ended_at) == ("announcing", None, None)
    assert (stored.accepted_at, stored.user.answered_at, stored.user.ringing_at) == (1100.0, 1102.0, None)
    assert (stored.destination.sip_status, stored.destination.q850) == (486, 17)


def test_a_call_that_is_over_reads_with_its_end() -> None:
    call, _ = run(*JOINED, LegRinging(DESTINATION), LegEnded(USER, Cause.NORMAL))
    stored = as_stored(call, ())

    assert (stored.outcome, stored.cause, stored.ended_by) == ("completed", "normal", "user")
    assert (stored.ended_at, stored.talk_seconds, stored.user.ended_at) == (1105.0, 2.0, 1105.0)


def test_a_leg_reads_with_the_trunk_that_was_tried_last() -> None:
    call, _ = run(*DIALED, LegDialed(DESTINATION, "second"))

    assert as_stored(call, ()).destination.trunk == "second"


def test_a_phone_that_rang_reads_with_when() -> None:
    call, _ = run(Started(), LegRinging(USER))

    assert as_stored(call, ()).user.ringing_at == 1102.0
