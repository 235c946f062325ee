"""Transfers: one of two who talk is to talk to a third in place of the other."""

import pytest

from ringbridge.call import machine
from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.event import (
    CancelRequested,
    DigitsRequested,
    EarlyMediaStarted,
    Event,
    HangUp,
    HangUpRequested,
    HoldRequested,
    Join,
    KeyPressed,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegRinging,
    MediaSilent,
    Originate,
    Play,
    PromptFinished,
    ResumeRequested,
    SendDigits,
    StopPlaying,
    TransferRequested,
)
from ringbridge.call.history import event_name
from ringbridge.call.model import LegName, LegState, Prompt, State
from tests.call.test_machine import (
    ASKED_THIRD,
    CALL,
    DESTINATION,
    DUE,
    JOINED,
    SPOKEN,
    THIRD,
    USER,
    ending,
    run,
    timely,
)

TWO = (USER, DESTINATION)
OTHER = {USER: DESTINATION, DESTINATION: USER}
ASKED = (*JOINED, TransferRequested(DESTINATION, ASKED_THIRD))
DONE = (*ASKED, LegAnswered(THIRD))
BUSY = LegEnded(THIRD, Cause.BUSY, 486)


def named(*events: Event) -> str | None:
    """What the history says of the last of these events."""
    before, _ = run(*events[:-1])
    last = timely(before, events[-1])
    return event_name(before, last, machine.step(before, last, 200.0)[0])


@pytest.mark.parametrize("waiting", TWO)
@pytest.mark.parametrize("held", [(), (HoldRequested(USER),)], ids=["talking", "held"])
def test_the_third_is_dialled_while_one_hears_ringback_and_the_other_is_on_hold(
    waiting: LegName, held: tuple[Event, ...]
) -> None:
    events = (*JOINED, *held, TransferRequested(waiting, ASKED_THIRD))
    call, effects = run(*events)

    assert effects == [
        Originate(THIRD),
        Play(Prompt.RINGBACK, repeat=True, leg=waiting),
        Play(Prompt.ON_HOLD, repeat=True, leg=OTHER[waiting]),
    ]
    asked_at = 100.0 + len(events)
    assert (call.state, call.held, call.deadline_at) == (State.TRANSFERRING, None, asked_at + 60.0)
    assert (call.third_leg.state, call.third_leg.dialed_at) == (LegState.DIALING, asked_at)
    assert (call.third_leg.trunk, call.route(THIRD).target) == ("first", "sip:t@192.0.2.2")
    assert named(*events) == "transferring"


@pytest.mark.parametrize("waiting", TWO)
def test_once_the_third_answers_the_other_one_is_released(waiting: LegName) -> None:
    events = (*JOINED, TransferRequested(waiting, ASKED_THIRD, ",9"), LegRinging(THIRD), LegAnswered(THIRD))
    talking, _ = run(*JOINED)
    call, effects = run(*events)

    leaving = OTHER[waiting]
    assert effects == [
        HangUp(leaving, Cause.NORMAL),
        StopPlaying(THIRD),
        Join(waiting, THIRD),
        SendDigits(THIRD, ",9"),
    ]
    assert (call.state, call.talkers, call.deadline_at) == (
        State.CONNECTED,
        (waiting, THIRD),
        talking.deadline_at,
    )
    assert call.leg(leaving).state is LegState.ENDED
    assert named(*events) == "transferred"
    # What was on its way of the one who has gone changes nothing.
    for late in (LegEnded(leaving, Cause.NORMAL), MediaSilent(leaving), KeyPressed(leaving, "1")):
        assert machine.step(call, late, 200.0) == (call, [])


def test_the_third_may_be_tried_over_another_trunk() -> None:
    rang, _ = run(*ASKED, LegDialed(THIRD, "first"), LegRinging(THIRD))
    call, effects = run(*ASKED, LegDialed(THIRD, "first"), LegRinging(THIRD), LegDialed(THIRD, "second"))

    assert rang.third_leg.state is LegState.RINGING
    assert (call.third_leg.trunk, call.third_leg.state, effects) == ("second", LegState.DIALING, [])
    assert call.third_leg.dialed_at == rang.third_leg.dialed_at
    assert named(*ASKED, LegDialed(THIRD, "second")) == "third_dialing"
    assert named(*ASKED, LegRinging(THIRD)) == "third_ringing"
    assert named(*ASKED, EarlyMediaStarted(THIRD)) == "third_early_media"


@pytest.mark.parametrize("waiting", TWO)
@pytest.mark.parametrize(
    ("failure", "released", "reason"),
    [
        (BUSY, [], Prompt.BUSY),
        (LegEnded(THIRD, Cause.UNREACHABLE), [], Prompt.NOT_REACHABLE),
        (DUE, [HangUp(THIRD, Cause.NO_ANSWER)], Prompt.NO_ANSWER),
        (HangUpRequested(THIRD), [HangUp(THIRD, Cause.CANCELED)], Prompt.FAILED),
    ],
    ids=repr,
)
def test_who_waits_hears_why_the_third_cannot_be_had_and_the_two_talk_on(
    waiting: LegName, failure: Event, released: list[HangUp], reason: Prompt
) -> None:
    talking, _ = run(*JOINED)
    events = (*JOINED, TransferRequested(waiting, ASKED_THIRD), failure)
    told, effects = run(*events)
    assert effects == [*released, Play(reason, leg=waiting)]
    assert (told.state, told.third_leg.state) == (State.RETURNING, LegState.ENDED)
    assert named(*events) == "transfer_failed"

    for end_of_reason in (SPOKEN, DUE):
        again, effects = run(*events, end_of_reason)
        assert effects == [StopPlaying(USER), StopPlaying(DESTINATION)]
        assert (again.state, again.talkers) == (State.CONNECTED, (USER, DESTINATION))
        assert again.deadline_at == talking.deadline_at
        assert named(*events, end_of_reason) == "resumed"
    # And it may be tried again.
    assert run(*events, SPOKEN, TransferRequested(waiting, ASKED_THIRD))[0].state is State.TRANSFERRING


@pytest.mark.parametrize("leaving", TWO)
@pytest.mark.parametrize("asked", [False, True], ids=["hangs_up", "is_released"])
def test_who_leaves_may_go_before_the_third_has_answered(leaving: LegName, asked: bool) -> None:
    gone = HangUpRequested(leaving) if asked else LegEnded(leaving, Cause.NORMAL)
    left = (*JOINED, TransferRequested(OTHER[leaving], ASKED_THIRD), gone)
    call, effects = run(*left)
    assert call.state is State.TRANSFERRING
    assert effects == ([HangUp(leaving, Cause.CANCELED)] if asked else [])
    assert named(*left) == f"{leaving.value}_ended"

    assert run(*left, LegAnswered(THIRD))[1] == [StopPlaying(THIRD), Join(OTHER[leaving], THIRD)]

    told, effects = run(*left, BUSY)
    assert (told.state, effects) == (State.ANNOUNCING, [Play(Prompt.BUSY, leg=OTHER[leaving])])
    assert named(*left, BUSY) == "transfer_failed"
    call, effects = run(*left, BUSY, SPOKEN)
    assert effects == [HangUp(OTHER[leaving], Cause.NORMAL)]
    assert ending(call) == (Outcome.COMPLETED, Cause.NORMAL, EndedBy(leaving.value))
    assert call.talk_seconds == 2.0


@pytest.mark.parametrize("waiting", TWO)
def test_without_the_one_who_waits_everybody_is_released(waiting: LegName) -> None:
    asked = (*JOINED, TransferRequested(waiting, ASKED_THIRD))
    call, effects = run(*asked, LegEnded(waiting, Cause.NORMAL))
    assert effects == [HangUp(OTHER[waiting], Cause.NORMAL), HangUp(THIRD, Cause.NORMAL)]
    assert ending(call) == (Outcome.COMPLETED, Cause.NORMAL, EndedBy(waiting.value))

    call, effects = run(*asked, HangUpRequested(waiting))
    assert {effect.leg for effect in effects if isinstance(effect, HangUp)} == set(LegName)
    assert ending(call) == (Outcome.COMPLETED, Cause.CANCELED, EndedBy.API)


@pytest.mark.parametrize("before", [ASKED, (*ASKED, BUSY)], ids=["transferring", "returning"])
def test_a_transfer_ends_with_the_call(before: tuple[Event, ...]) -> None:
    for event, cause, by in (
        (CancelRequested(), Cause.CANCELED, EndedBy.API),
        (MediaSilent(USER), Cause.MEDIA_TIMEOUT, EndedBy.SERVER),
    ):
        call, _ = run(*before, event)
        assert ending(call) == (Outcome.COMPLETED, cause, by)


@pytest.mark.parametrize("leg", TWO)
def test_either_may_hang_up_while_the_reason_is_spoken(leg: LegName) -> None:
    call, effects = run(*ASKED, BUSY, LegEnded(leg, Cause.NORMAL))
    assert effects == [HangUp(OTHER[leg], Cause.NORMAL)]
    assert ending(call)[2] is EndedBy(leg.value)
    assert run(*ASKED, BUSY, HangUpRequested(leg))[0].state is State.ANNOUNCING


def test_the_limit_of_the_call_is_no_later_for_a_transfer() -> None:
    short = CALL._replace(limits=CALL.limits._replace(call_seconds=10.0))
    talking, _ = run(*JOINED, call=short)
    asked, _ = run(*ASKED, call=short)
    assert asked.deadline_at == talking.deadline_at
    call, _ = run(*ASKED, DUE, call=short)
    assert ending(call) == (Outcome.COMPLETED, Cause.CALL_LIMIT, EndedBy.SERVER)


def test_after_a_transfer_the_two_are_held_pressed_keys_for_and_released_like_any() -> None:
    held, effects = run(*DONE, HoldRequested(THIRD))
    assert effects == [
        Play(Prompt.ON_HOLD, repeat=True, leg=THIRD),
        Play(Prompt.SILENCE, repeat=True, leg=DESTINATION),
    ]
    assert held.state is State.HELD
    assert run(*DONE, HoldRequested(THIRD), ResumeRequested())[1] == [
        StopPlaying(DESTINATION),
        StopPlaying(THIRD),
    ]
    assert run(*DONE, DigitsRequested(THIRD, "1"))[1] == [SendDigits(THIRD, "1")]
    assert run(*DONE, HangUpRequested(DESTINATION))[1][1] == Play(Prompt.HUNG_UP, repeat=True, leg=THIRD)

    call, effects = run(*DONE, LegEnded(THIRD, Cause.NORMAL))
    assert effects == [HangUp(DESTINATION, Cause.NORMAL)]
    assert ending(call) == (Outcome.COMPLETED, Cause.NORMAL, EndedBy.THIRD)
    # Joined at 103, the third answered at 105 and left at 106.
    assert call.talk_seconds == 3.0


def test_what_is_asked_of_who_is_gone_or_for_a_fourth_is_refused() -> None:
    talking, _ = run(*DONE)
    for refused in (
        HoldRequested(USER),
        DigitsRequested(USER, "1"),
        HangUpRequested(USER),
        TransferRequested(DESTINATION, ASKED_THIRD),
        TransferRequested(THIRD, ASKED_THIRD),
    ):
        assert not machine.accepts(talking, refused)
        assert machine.step(talking, refused, 200.0) == (talking, [])
    assert event_name(talking, DigitsRequested(USER, "1"), talking) is None
    assert machine.accepts(talking, HoldRequested(THIRD))


def test_the_end_of_an_earlier_prompt_says_nothing_of_the_reason() -> None:
    told, _ = run(*ASKED, BUSY)
    assert machine.step(told, PromptFinished(Prompt.HOLD), 200.0) == (told, [])
