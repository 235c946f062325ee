"""The call machine, by what a caller would say of it. Pure: `now` is a number that the test writes down."""

import itertools

import pytest

from ringbridge.call import machine
from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.event import (
    CancelRequested,
    DeadlinePassed,
    DigitsRequested,
    EarlyMediaStarted,
    Effect,
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
    Started,
    StopPlaying,
    TransferRequested,
)
from ringbridge.call.model import Call, CallLimits, Ending, LegName, LegState, Party, Prompt, Route, State

USER, DESTINATION, THIRD = LegName

CALL = Call(
    id="0190",
    account_id="1009683",
    key_id="k",
    user=Party(
        number="+18175629657", routes=(Route(target="sip:u@192.0.2.1", caller_number="+15125292329"),)
    ),
    destination=Party(
        number="+15125292329",
        routes=(
            Route(trunk="first", target="sip:d@192.0.2.2", caller_number="+18175629657"),
            Route(trunk="second", target="sip:d@192.0.2.3", caller_number="+18175629657"),
        ),
    ),
    limits=CallLimits(user_ring_seconds=30.0, destination_ring_seconds=60.0, call_seconds=3600.0),
    accepted_at=100.0,
    accepted_utc=1100.0,
)

ASKED_THIRD = Party(
    number="+15125550003",
    routes=(
        Route(trunk="first", target="sip:t@192.0.2.2", caller_number="+18175629657"),
        Route(trunk="second", target="sip:t@192.0.2.3", caller_number="+18175629657"),
    ),
)

DUE = DeadlinePassed(0.0)
SPOKEN = PromptFinished(Prompt.HOLD)

EVERY_EVENT: tuple[Event, ...] = (
    Started(),
    SPOKEN,
    CancelRequested(),
    DUE,
    *(LegDialed(leg, "second") for leg in LegName),
    *(LegRinging(leg) for leg in LegName),
    *(EarlyMediaStarted(leg) for leg in LegName),
    *(LegAnswered(leg) for leg in LegName),
    *(LegEnded(leg, Cause.NORMAL) for leg in LegName),
    *(KeyPressed(leg, "1") for leg in LegName),
    *(MediaSilent(leg) for leg in LegName),
    ResumeRequested(),
    *(HoldRequested(leg) for leg in LegName),
    *(DigitsRequested(leg, "9") for leg in LegName),
    *(HangUpRequested(leg) for leg in LegName),
    *(TransferRequested(leg, ASKED_THIRD) for leg in LegName),
)


def run(*events: Event, call: Call = CALL) -> tuple[Call, list[Effect]]:
    """The call after these events, one second apart from 101.0 on, and the effects of the last of them."""
    effects: list[Effect] = []
    for number, event in enumerate(events, start=1):
        call, effects = machine.step(call, timely(call, event), 100.0 + number)
    return call, effects


def timely(call: Call, event: Event) -> Event:
    """The event as it is about what the call is doing now, where DUE and SPOKEN stand for that."""
    if event == DUE and call.deadline_at is not None:
        return DeadlinePassed(call.deadline_at)
    if event == SPOKEN and call.state in (State.ANNOUNCING, State.RETURNING):
        return PromptFinished(Prompt.BUSY)
    return event


def ending(call: Call) -> tuple[Outcome, Cause, EndedBy]:
    assert call.ending is not None
    return call.ending.outcome, call.ending.cause, call.ending.by


DIALED = (Started(), LegAnswered(USER))
JOINED = (*DIALED, LegAnswered(DESTINATION))
ASKED = (Started(), LegAnswered(USER))
ASKING = CALL._replace(confirm=True)


def test_the_user_is_rung_first_and_only_for_so_long() -> None:
    call, effects = run(Started())

    assert effects == [Originate(USER)]
    assert (call.state, call.deadline_at) == (State.RINGING_USER, 131.0)


def test_the_destination_is_dialled_at_the_moment_the_user_answers() -> None:
    call, effects = run(*DIALED)

    assert effects == [Originate(DESTINATION), Play(Prompt.HOLD)]
    assert (call.state, call.deadline_at) == (State.DIALING_DESTINATION, 162.0)


def test_whoever_answers_is_asked_first_when_the_call_wants_that() -> None:
    call, effects = run(*ASKED, call=ASKING)

    assert effects == [Play(Prompt.CONFIRM, repeat=True)]
    assert (call.state, call.deadline_at) == (State.CONFIRMING, 112.0)
    assert (call.user_leg.answered_at, call.destination_leg.state) == (102.0, LegState.NONE)


def test_the_right_key_dials_the_destination_at_once() -> None:
    call, effects = run(*ASKED, KeyPressed(USER, "1"), call=ASKING)

    assert effects == [Originate(DESTINATION), Play(Prompt.HOLD)]
    assert (call.state, call.deadline_at) == (State.DIALING_DESTINATION, 163.0)
    assert (call.user_leg.answered_at, call.destination_leg.dialed_at) == (102.0, 103.0)


def test_any_other_key_says_nothing() -> None:
    asked, _ = run(*ASKED, call=ASKING)

    assert run(*ASKED, KeyPressed(USER, "2"), call=ASKING) == (asked, [])


def test_a_mailbox_that_answers_is_released_and_the_destination_never_dialled() -> None:
    call, effects = run(*ASKED, KeyPressed(USER, "#"), DUE, call=ASKING)

    assert effects == [HangUp(USER, Cause.NOT_CONFIRMED)]
    assert ending(call) == (Outcome.NOT_CONFIRMED, Cause.NOT_CONFIRMED, EndedBy.SERVER)
    assert call.destination_leg.state is LegState.NONE


def test_a_user_may_hang_up_in_place_of_an_answer() -> None:
    call, effects = run(*ASKED, LegEnded(USER, Cause.NORMAL), call=ASKING)

    assert effects == []
    assert ending(call) == (Outcome.USER_HUNG_UP, Cause.NORMAL, EndedBy.USER)


def test_the_digits_of_an_extension_follow_the_answer() -> None:
    _, effects = run(*JOINED, call=CALL._replace(digits=",9"))

    assert effects == [Join(), SendDigits(DESTINATION, ",9")]


@pytest.mark.parametrize("leg", [USER, DESTINATION])
def test_a_talk_in_which_one_is_not_heard_any_more_is_ended(leg: LegName) -> None:
    call, effects = run(*JOINED, MediaSilent(leg))

    assert effects == [HangUp(USER, Cause.MEDIA_TIMEOUT), HangUp(DESTINATION, Cause.MEDIA_TIMEOUT)]
    assert ending(call) == (Outcome.COMPLETED, Cause.MEDIA_TIMEOUT, EndedBy.SERVER)


def test_a_leg_knows_the_trunk_that_it_is_tried_over() -> None:
    call, _ = run(*DIALED)
    after, effects = machine.step(call, LegDialed(DESTINATION, "first"), 103.0)

    assert (after, effects) == (call, [])
    assert (call.user_leg.trunk, call.destination_leg.trunk) == (None, "first")
    assert call.route(DESTINATION).target == "sip:d@192.0.2.2"


def test_another_trunk_begins_anew_within_the_same_time() -> None:
    ringing, _ = run(*DIALED, LegRinging(DESTINATION))
    call, effects = run(*DIALED, LegRinging(DESTINATION), LegDialed(DESTINATION, "second"))

    assert effects == []
    assert (call.state, call.deadline_at) == (State.DIALING_DESTINATION, ringing.deadline_at)
    assert (call.destination_leg.dialed_at, call.destination_leg.ringing_at) == (102.0, None)
    assert call.route(DESTINATION).target == "sip:d@192.0.2.3"


def test_another_attempt_over_the_same_trunk_changes_nothing() -> None:
    ringing, _ = run(*DIALED, LegRinging(DESTINATION))

    assert machine.step(ringing, LegDialed(DESTINATION, "first"), 110.0) == (ringing, [])


def test_the_prompt_goes_on_over_a_trunk_that_fails() -> None:
    _, effects = run(*DIALED, EarlyMediaStarted(DESTINATION), LegDialed(DESTINATION, "second"))

    assert effects == []


def test_a_user_s_phone_is_tried_over_another_trunk_too() -> None:
    call, effects = run(Started(), LegRinging(USER), LegDialed(USER, "second"))

    assert effects == []
    assert (call.state, call.user_leg.state) == (State.RINGING_USER, LegState.DIALING)
    assert call.route(USER) is call.user.routes[0]


def test_the_user_who_heard_the_trunk_that_failed_hears_ringback() -> None:
    heard = (*DIALED, SPOKEN, EarlyMediaStarted(DESTINATION))
    _, effects = run(*heard, LegDialed(DESTINATION, "second"))

    assert effects == [Play(Prompt.RINGBACK, repeat=True)]


def test_a_ringing_phone_is_noted_once() -> None:
    call, effects = run(Started(), LegRinging(USER), LegRinging(USER))

    assert effects == []
    assert (call.user_leg.state, call.user_leg.ringing_at) == (LegState.RINGING, 102.0)


def test_early_media_of_the_user_s_phone_counts_as_ringing() -> None:
    call, _ = run(Started(), EarlyMediaStarted(USER))

    assert call.user_leg.state is LegState.RINGING


def test_ringback_follows_the_prompt_when_the_destination_still_rings() -> None:
    call, effects = run(*DIALED, LegRinging(DESTINATION), SPOKEN)

    assert effects == [Play(Prompt.RINGBACK, repeat=True)]
    assert call.state is State.RINGING_DESTINATION


def test_early_media_waits_for_the_end_of_the_prompt() -> None:
    _, while_prompt_plays = run(*DIALED, EarlyMediaStarted(DESTINATION))
    _, at_its_end = run(*DIALED, EarlyMediaStarted(DESTINATION), SPOKEN)

    assert while_prompt_plays == []
    assert at_its_end == [StopPlaying()]


def test_early_media_cuts_the_ringback() -> None:
    _, effects = run(*DIALED, SPOKEN, EarlyMediaStarted(DESTINATION))

    assert effects == [StopPlaying()]


def test_a_leg_with_early_media_does_not_fall_back_to_ringing() -> None:
    call, _ = run(*DIALED, EarlyMediaStarted(DESTINATION), LegRinging(DESTINATION))

    assert call.destination_leg.state is LegState.EARLY_MEDIA


def test_the_two_are_joined_when_the_destination_answers() -> None:
    call, effects = run(*JOINED)

    assert effects == [Join()]
    assert (call.state, call.deadline_at) == (State.CONNECTED, 3703.0)


@pytest.mark.parametrize(("leg", "other"), [(USER, DESTINATION), (DESTINATION, USER)])
def test_either_side_ends_the_talk_and_the_other_is_released(leg: LegName, other: LegName) -> None:
    call, effects = run(*JOINED, LegEnded(leg, Cause.NORMAL))

    assert effects == [HangUp(other, Cause.NORMAL)]
    assert ending(call) == (Outcome.COMPLETED, Cause.NORMAL, EndedBy(leg.value))
    assert call.talk_seconds == 1.0


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (Cause.BUSY, Outcome.USER_BUSY),
        (Cause.DECLINED, Outcome.USER_DECLINED),
        (Cause.NO_ANSWER, Outcome.USER_NO_ANSWER),
        (Cause.INVALID_NUMBER, Outcome.USER_UNREACHABLE),
    ],
)
def test_a_user_who_cannot_be_had_ends_the_call_at_once(cause: Cause, outcome: Outcome) -> None:
    call, effects = run(Started(), LegEnded(USER, cause, 486, 17))

    assert effects == []
    assert ending(call) == (outcome, cause, EndedBy.USER)
    assert (call.user_leg.sip_status, call.user_leg.q850) == (486, 17)


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (Cause.UNREACHABLE, Outcome.USER_UNREACHABLE),
        (Cause.NO_RESPONSE, Outcome.USER_UNREACHABLE),
        (Cause.NO_MEDIA_PORTS, Outcome.FAILED),
    ],
)
def test_a_phone_that_is_not_there_is_nobody_s_decision(cause: Cause, outcome: Outcome) -> None:
    call, _ = run(Started(), LegEnded(USER, cause))

    assert ending(call) == (outcome, cause, EndedBy.SERVER)


def test_a_user_who_does_not_answer_is_given_up() -> None:
    call, effects = run(Started(), LegRinging(USER), DUE)

    assert effects == [HangUp(USER, Cause.NO_ANSWER)]
    assert ending(call) == (Outcome.USER_NO_ANSWER, Cause.NO_ANSWER, EndedBy.SERVER)


def test_the_user_hangs_up_while_the_destination_rings() -> None:
    call, effects = run(*DIALED, LegRinging(DESTINATION), LegEnded(USER, Cause.NORMAL))

    assert effects == [HangUp(DESTINATION, Cause.NORMAL)]
    assert ending(call) == (Outcome.USER_HUNG_UP, Cause.NORMAL, EndedBy.USER)


@pytest.mark.parametrize(
    ("cause", "outcome", "prompt"),
    [
        (Cause.BUSY, Outcome.DESTINATION_BUSY, Prompt.BUSY),
        (Cause.NO_ANSWER, Outcome.DESTINATION_NO_ANSWER, Prompt.NO_ANSWER),
        (Cause.DECLINED, Outcome.DESTINATION_DECLINED, Prompt.DECLINED),
        (Cause.INVALID_NUMBER, Outcome.DESTINATION_INVALID, Prompt.INVALID_NUMBER),
        (Cause.FORBIDDEN, Outcome.DESTINATION_UNREACHABLE, Prompt.NOT_REACHABLE),
        (Cause.INTERNAL, Outcome.FAILED, Prompt.FAILED),
    ],
)
def test_the_user_hears_why_the_destination_cannot_be_had(
    cause: Cause, outcome: Outcome, prompt: Prompt
) -> None:
    announcing, spoken = run(*DIALED, LegEnded(DESTINATION, cause, 480))
    call, effects = run(*DIALED, LegEnded(DESTINATION, cause, 480), SPOKEN)

    assert (announcing.state, spoken) == (State.ANNOUNCING, [Play(prompt)])
    assert effects == [HangUp(USER, cause)]
    assert ending(call) == (outcome, cause, EndedBy.DESTINATION)


def test_a_destination_that_is_not_there_is_nobody_s_decision() -> None:
    announcing, spoken = run(*DIALED, LegEnded(DESTINATION, Cause.UNREACHABLE))

    assert spoken == [Play(Prompt.NOT_REACHABLE)]
    assert ending(announcing) == (Outcome.DESTINATION_UNREACHABLE, Cause.UNREACHABLE, EndedBy.SERVER)


def test_both_legs_are_free_within_a_second_of_a_failure() -> None:
    announcing, _ = run(*DIALED, LegEnded(DESTINATION, Cause.BUSY))

    assert announcing.deadline_at is not None
    assert announcing.deadline_at - 103.0 < 1.0


def test_a_destination_that_does_not_answer_is_given_up_and_the_user_told() -> None:
    call, effects = run(*DIALED, LegRinging(DESTINATION), DUE)

    assert effects == [HangUp(DESTINATION, Cause.NO_ANSWER), Play(Prompt.NO_ANSWER)]
    assert call.ending == Ending(
        outcome=Outcome.DESTINATION_NO_ANSWER, cause=Cause.NO_ANSWER, by=EndedBy.SERVER
    )


@pytest.mark.parametrize("seconds", [45.0, 90.0, 180.0])
def test_a_destination_may_ring_for_as_long_as_the_limit_says(seconds: float) -> None:
    """B13: the default is a minute, and an account may have another."""
    patient = CALL._replace(limits=CALL.limits._replace(destination_ring_seconds=seconds + 1.0))
    ringing, _ = run(*DIALED, LegRinging(DESTINATION), call=patient)
    dialed_at = ringing.destination_leg.dialed_at
    assert dialed_at is not None
    assert ringing.deadline_at == dialed_at + seconds + 1.0
    answered, effects = machine.step(ringing, LegAnswered(DESTINATION), dialed_at + seconds)

    assert (answered.state, effects) == (State.CONNECTED, [Join()])


@pytest.mark.parametrize("event", [DUE, CancelRequested(), LegEnded(USER, Cause.NORMAL)], ids=repr)
def test_the_reason_is_cut_short_without_changing_the_outcome(event: Event) -> None:
    call, _ = run(*DIALED, LegEnded(DESTINATION, Cause.BUSY, 486), event)

    assert call.state is State.ENDED
    assert ending(call) == (Outcome.DESTINATION_BUSY, Cause.BUSY, EndedBy.DESTINATION)


@pytest.mark.parametrize(
    ("before", "released"),
    [
        ((), []),
        ((Started(),), [USER]),
        (DIALED, [USER, DESTINATION]),
        ((*DIALED, LegRinging(DESTINATION)), [USER, DESTINATION]),
    ],
)
def test_a_call_cancelled_before_the_talk_is_a_cancelled_call(
    before: tuple[Event, ...], released: list[LegName]
) -> None:
    call, effects = run(*before, CancelRequested())

    assert effects == [HangUp(leg, Cause.CANCELED) for leg in released]
    assert ending(call) == (Outcome.CANCELED, Cause.CANCELED, EndedBy.API)


def test_a_call_cancelled_in_the_talk_is_a_completed_call() -> None:
    call, effects = run(*JOINED, CancelRequested())

    assert effects == [HangUp(USER, Cause.CANCELED), HangUp(DESTINATION, Cause.CANCELED)]
    assert ending(call) == (Outcome.COMPLETED, Cause.CANCELED, EndedBy.API)


def test_a_stopping_server_says_that_it_was_not_the_api() -> None:
    call, _ = run(*DIALED, CancelRequested(Cause.DRAINED))

    assert ending(call) == (Outcome.INTERRUPTED, Cause.DRAINED, EndedBy.SERVER)


def test_a_talk_ends_at_the_call_limit() -> None:
    call, effects = run(*JOINED, DUE)

    assert effects == [HangUp(USER, Cause.CALL_LIMIT), HangUp(DESTINATION, Cause.CALL_LIMIT)]
    assert ending(call) == (Outcome.COMPLETED, Cause.CALL_LIMIT, EndedBy.SERVER)


def test_a_deadline_that_the_call_has_left_behind_is_ignored() -> None:
    ringing, _ = run(Started())
    assert ringing.deadline_at is not None
    answered, _ = machine.step(ringing, LegAnswered(USER), 130.9)

    assert machine.step(answered, DeadlinePassed(ringing.deadline_at), 131.0) == (answered, [])


def test_the_end_of_the_hold_prompt_does_not_cut_the_reason() -> None:
    announcing, _ = run(*DIALED, LegEnded(DESTINATION, Cause.BUSY))

    assert machine.step(announcing, PromptFinished(Prompt.HOLD), 104.0) == (announcing, [])


def test_a_pair_that_cannot_happen_raises() -> None:
    with pytest.raises(LookupError, match="a call in state accepted cannot have LegAnswered"):
        run(LegAnswered(USER))


@pytest.mark.parametrize("before", [(), (Started(),), DIALED, JOINED], ids=len)
def test_a_call_that_the_server_cannot_go_on_with_is_ended_in_any_state(before: tuple[Event, ...]) -> None:
    running, _ = run(*before)
    call, effects = machine.abort(running, 200.0)

    assert ending(call) == (Outcome.FAILED, Cause.INTERNAL, EndedBy.SERVER)
    assert len(effects) == sum(
        running.leg(leg).state not in (LegState.NONE, LegState.ENDED) for leg in LegName
    )


def test_a_call_whose_reason_is_being_spoken_keeps_it_when_the_server_cannot_go_on() -> None:
    announcing, _ = run(*DIALED, LegEnded(DESTINATION, Cause.BUSY, 486))
    call, effects = machine.abort(announcing, 200.0)

    assert ending(call) == (Outcome.DESTINATION_BUSY, Cause.BUSY, EndedBy.DESTINATION)
    assert effects == [HangUp(USER, Cause.BUSY)]


def test_every_path_ends_once_with_no_leg_left_alive() -> None:
    """All sequences of up to six events after the start that the table allows, each cut where it ends."""
    ended = 0
    paths: list[Call] = [run(Started())[0], run(Started(), call=ASKING)[0]]
    for _ in range(6):
        following: list[Call] = []
        for call, event in itertools.product(paths, EVERY_EVENT):
            if (call.state, machine.event_key(event)) not in machine.TRANSITIONS:
                continue
            after, effects = machine.step(call, timely(call, event), 200.0)
            if after.state is State.ENDED:
                ended += 1
                assert after.ending is not None
                assert all(after.leg(leg).state in (LegState.NONE, LegState.ENDED) for leg in LegName)
                assert machine.step(after, event, 201.0) == (after, [])
            elif after not in following:
                following.append(after)
                assert after.deadline_at is not None
                is_asked = event in (HangUpRequested(USER), LegAnswered(THIRD))
                assert is_asked or not any(
                    isinstance(effect, HangUp) and effect.leg is USER for effect in effects
                )
        paths = following
    assert ended > 50
