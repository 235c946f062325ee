"""What may be asked of a call while it runs: hold, resume, keys, and the release of one leg."""

import pytest

from ringbridge.call import machine
from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.event import (
    CancelRequested,
    DigitsRequested,
    Event,
    HangUp,
    HangUpRequested,
    HoldRequested,
    KeyPressed,
    LegEnded,
    LegRinging,
    MediaSilent,
    Play,
    ResumeRequested,
    SendDigits,
    Started,
    StopPlaying,
)
from ringbridge.call.history import event_name
from ringbridge.call.model import LegName, LegState, Prompt, State
from tests.call.test_machine import ASKED, ASKING, CALL, DESTINATION, DIALED, DUE, JOINED, USER, ending, run

TWO = (USER, DESTINATION)
OTHER = {USER: DESTINATION, DESTINATION: USER}
HELD = (*JOINED, HoldRequested(DESTINATION))


@pytest.mark.parametrize("leg", TWO)
def test_the_held_one_hears_a_tone_and_the_other_silence(leg: LegName) -> None:
    talking, _ = run(*JOINED)
    call, effects = run(*JOINED, HoldRequested(leg))

    assert effects == [
        Play(Prompt.ON_HOLD, repeat=True, leg=leg),
        Play(Prompt.SILENCE, repeat=True, leg=OTHER[leg]),
    ]
    assert (call.state, call.held, call.deadline_at) == (State.HELD, leg, talking.deadline_at)
    assert event_name(talking, HoldRequested(leg), call) == "held"


def test_after_a_hold_the_two_hear_each_other_again() -> None:
    held, _ = run(*HELD)
    call, effects = run(*HELD, ResumeRequested())

    assert effects == [StopPlaying(USER), StopPlaying(DESTINATION)]
    assert call == run(*JOINED)[0]
    assert event_name(held, ResumeRequested(), call) == "resumed"


@pytest.mark.parametrize(
    ("event", "cause", "by"),
    [
        (LegEnded(USER, Cause.NORMAL), Cause.NORMAL, EndedBy.USER),
        (LegEnded(DESTINATION, Cause.NORMAL), Cause.NORMAL, EndedBy.DESTINATION),
        (MediaSilent(DESTINATION), Cause.MEDIA_TIMEOUT, EndedBy.SERVER),
        (CancelRequested(), Cause.CANCELED, EndedBy.API),
        (DUE, Cause.CALL_LIMIT, EndedBy.SERVER),
    ],
    ids=repr,
)
def test_a_held_call_ends_like_a_talk(event: Event, cause: Cause, by: EndedBy) -> None:
    call, _ = run(*HELD, event)

    assert ending(call) == (Outcome.COMPLETED, cause, by)
    assert call.talk_seconds == 2.0


@pytest.mark.parametrize("leg", TWO)
def test_keys_are_pressed_for_the_leg_that_is_named(leg: LegName) -> None:
    talking, _ = run(*JOINED)
    call, effects = run(*JOINED, DigitsRequested(leg, "12#"))

    assert (call, effects) == (talking, [SendDigits(leg, "12#")])
    assert event_name(talking, DigitsRequested(leg, "12#"), call) == "digits_sent"


def test_keys_are_not_pressed_into_a_hold() -> None:
    held, _ = run(*HELD)

    assert run(*HELD, DigitsRequested(USER, "1")) == (held, [])
    assert event_name(held, DigitsRequested(USER, "1"), held) is None


@pytest.mark.parametrize("before", [JOINED, HELD], ids=["talking", "held"])
@pytest.mark.parametrize("leg", TWO)
def test_who_is_left_hears_that_nobody_is_there_any_more_and_is_released(
    leg: LegName, before: tuple[Event, ...]
) -> None:
    talking, _ = run(*before)
    told, effects = run(*before, HangUpRequested(leg))
    assert effects == [HangUp(leg, Cause.CANCELED), Play(Prompt.HUNG_UP, repeat=True, leg=OTHER[leg])]
    assert (told.state, told.leg(leg).state) == (State.ANNOUNCING, LegState.ENDED)
    assert event_name(talking, HangUpRequested(leg), told) == f"{leg.value}_ended"

    call, effects = run(*before, HangUpRequested(leg), DUE)
    assert effects == [HangUp(OTHER[leg], Cause.CANCELED)]
    assert ending(call) == (Outcome.COMPLETED, Cause.CANCELED, EndedBy.API)
    # The tone is no talk.
    assert call.talk_seconds == len(before) - 2


@pytest.mark.parametrize("leg", TWO)
def test_only_the_one_who_is_left_ends_the_tone(leg: LegName) -> None:
    told, _ = run(*JOINED, HangUpRequested(leg))

    assert run(*JOINED, HangUpRequested(leg), LegEnded(leg, Cause.NORMAL)) == (told, [])
    assert run(*JOINED, HangUpRequested(leg), LegEnded(OTHER[leg], Cause.NORMAL))[0].state is State.ENDED


def test_a_user_is_given_up_before_anybody_else_is_there() -> None:
    for before, call in [((Started(),), CALL), (ASKED, ASKING)]:
        ended, effects = run(*before, HangUpRequested(USER), call=call)
        assert effects == [HangUp(USER, Cause.CANCELED)]
        assert ending(ended) == (Outcome.CANCELED, Cause.CANCELED, EndedBy.API)


def test_a_destination_that_rings_is_given_up_and_the_user_told() -> None:
    ringing = (*DIALED, LegRinging(DESTINATION))
    told, effects = run(*ringing, HangUpRequested(DESTINATION))
    assert effects == [HangUp(DESTINATION, Cause.CANCELED), Play(Prompt.FAILED)]
    assert told.state is State.ANNOUNCING

    call, effects = run(*ringing, HangUpRequested(USER))
    assert effects == [HangUp(USER, Cause.CANCELED), HangUp(DESTINATION, Cause.CANCELED)]
    assert ending(call) == (Outcome.CANCELED, Cause.CANCELED, EndedBy.API)


@pytest.mark.parametrize(
    ("before", "accepted"),
    [
        ((), []),
        ((Started(),), [HangUpRequested(USER)]),
        (DIALED, [HangUpRequested(USER), HangUpRequested(DESTINATION)]),
        (
            JOINED,
            [
                *(HoldRequested(leg) for leg in TWO),
                *(DigitsRequested(leg, "1") for leg in TWO),
                *(HangUpRequested(leg) for leg in TWO),
            ],
        ),
        (HELD, [ResumeRequested(), HangUpRequested(USER), HangUpRequested(DESTINATION)]),
        ((*DIALED, DUE), []),
        ((*JOINED, CancelRequested()), []),
    ],
    ids=["accepted", "ringing_user", "dialing_destination", "connected", "held", "announcing", "ended"],
)
def test_each_state_says_what_may_be_asked(before: tuple[Event, ...], accepted: list[Event]) -> None:
    call, _ = run(*before)
    requests: list[Event] = [
        ResumeRequested(),
        *(HoldRequested(leg) for leg in TWO),
        *(DigitsRequested(leg, "1") for leg in TWO),
        *(HangUpRequested(leg) for leg in TWO),
    ]
    assert {request for request in requests if machine.accepts(call, request)} == set(accepted)
    for refused in set(requests) - set(accepted):
        assert machine.step(call, refused, 200.0) == (call, [])


def test_a_key_that_is_pressed_in_a_hold_says_nothing() -> None:
    held, _ = run(*HELD)

    assert run(*HELD, KeyPressed(USER, "1")) == (held, [])
