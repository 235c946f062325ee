"""The call machine: one table of what may happen and what is done about it. Pure.

`step(call, event, now)` gives the call as it is afterwards and the effects to carry out, in order. A pair that is
not in the table is a bug and raises; news that can arrive late is listed and ignored on purpose, and requests that
mean nothing in a state are refused in it. What concerns a leg that has ended is ignored without a look at the table.
docs/call-states.md is drawn from it.
"""

from collections.abc import Callable

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.dialing import (
    connect,
    destination_did_not_answer,
    destination_failed,
    destination_rings,
    hear_early_media,
    hear_key,
    ring_back,
    ring_user,
    try_next_route,
    user_answered,
    user_did_not_answer,
    user_did_not_confirm,
    user_failed,
    user_gave_up,
    user_rings,
)
from ringbridge.call.ending import (
    cancel,
    end,
    finish_announcement,
    hung_up,
    media_timed_out,
    reach_call_limit,
)
from ringbridge.call.event import (
    CancelRequested,
    DeadlinePassed,
    DigitsRequested,
    EarlyMediaStarted,
    Event,
    HangUpRequested,
    HoldRequested,
    KeyPressed,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegRinging,
    MediaSilent,
    PromptFinished,
    ResumeRequested,
    Started,
    Step,
    TransferRequested,
)
from ringbridge.call.model import Call, Ending, LegName, LegState, Prompt, State
from ringbridge.call.talking import (
    hang_up_destination_early,
    hang_up_leg,
    hang_up_user_early,
    hold,
    resume,
    send_digits,
)
from ringbridge.call.transferring import (
    call_third_off,
    one_left,
    release_one,
    talk_on,
    third_answered,
    third_did_not_answer,
    third_failed,
    third_is_tried,
    third_rings,
    transfer,
)

Transition = Callable[[Call, Event, float], Step]
EventKey = type[Event] | tuple[type[Event], LegName]

_NEWS_OF_A_LEG = (LegDialed, LegRinging, EarlyMediaStarted, LegAnswered, LegEnded, KeyPressed, MediaSilent)
_REQUESTS_FOR_A_LEG = (HoldRequested, DigitsRequested, HangUpRequested, TransferRequested)
_OF_A_LEG = (*_NEWS_OF_A_LEG, *_REQUESTS_FOR_A_LEG)


def step(call: Call, event: Event, now: float) -> Step:
    """What becomes of `call` when `event` happens at `now`, and the effects to carry out.

    Raises LookupError for a pair that cannot happen: the caller of the machine, or the table, is wrong.
    """
    if _is_stale(call, event):
        return call, []
    transition = TRANSITIONS.get((call.state, event_key(event)))
    if transition is None:
        raise LookupError(f"a call in state {call.state.value} cannot have {event!r}")
    return transition(call, event, now)


def _is_stale(call: Call, event: Event) -> bool:
    """Whether the event is about something that the call has left behind while the event waited in its mailbox."""
    if isinstance(event, DeadlinePassed):
        return event.deadline_at != call.deadline_at
    if isinstance(event, PromptFinished):
        return (event.prompt is Prompt.HOLD) == (call.state in _REASONED)
    if isinstance(event, TransferRequested) and LegName.THIRD in call.talkers:
        # There is no fourth.
        return True
    if isinstance(event, _OF_A_LEG):
        state = call.leg(event.leg).state
        return state is LegState.ENDED or (event.leg is LegName.THIRD and state is LegState.NONE)
    return False


def abort(call: Call, now: float) -> Step:
    """End `call` in whatever state it is, because this server cannot go on with it. A reason being spoken stays its end."""
    ending = call.ending or Ending(outcome=Outcome.FAILED, cause=Cause.INTERNAL, by=EndedBy.SERVER)
    return end(call, ending.outcome, ending.cause, ending.by, now)


def event_key(event: Event) -> EventKey:
    """The column of the table that `event` belongs to."""
    if isinstance(event, _OF_A_LEG):
        return type(event), event.leg
    return type(event)


def accepts(call: Call, event: Event) -> bool:
    """Whether a request means anything in the state that the call is in."""
    return TRANSITIONS[call.state, event_key(event)] is not refuse and not _is_stale(call, event)


def refuse(call: Call, event: Event, now: float) -> Step:
    """A request that crossed news: whoever asks is told beforehand that it means nothing in this state."""
    return call, []


def ignore(call: Call, event: Event, now: float) -> Step:
    """Late news: it was true when it was sent and changes nothing any more."""
    return call, []


_USER, _DESTINATION, _THIRD = LegName
_WAITING = (State.DIALING_DESTINATION, State.RINGING_DESTINATION)
_TALKING = (State.CONNECTED, State.HELD)
_REASONED = (State.ANNOUNCING, State.RETURNING)
_TWO = (_USER, _DESTINATION)
_MOVING = (State.TRANSFERRING, State.RETURNING)
# What may still be on its way of a leg that is up, or was.
_LATE = (LegDialed, LegRinging, EarlyMediaStarted, LegAnswered, KeyPressed)
_REQUESTS: tuple[EventKey, ...] = (
    ResumeRequested,
    *((event, leg) for event in _REQUESTS_FOR_A_LEG for leg in LegName),
)

_TABLE: dict[tuple[State, EventKey], Transition] = {
    (State.ACCEPTED, Started): ring_user,
    (State.ACCEPTED, CancelRequested): cancel,
    (State.RINGING_USER, (LegDialed, _USER)): try_next_route,
    (State.RINGING_USER, (LegRinging, _USER)): user_rings,
    (State.RINGING_USER, (EarlyMediaStarted, _USER)): user_rings,
    (State.RINGING_USER, (LegAnswered, _USER)): user_answered,
    (State.RINGING_USER, (LegEnded, _USER)): user_failed,
    (State.RINGING_USER, CancelRequested): cancel,
    (State.RINGING_USER, DeadlinePassed): user_did_not_answer,
    (State.RINGING_USER, (KeyPressed, _USER)): ignore,
    (State.CONFIRMING, (KeyPressed, _USER)): hear_key,
    (State.CONFIRMING, (LegEnded, _USER)): user_gave_up,
    (State.CONFIRMING, CancelRequested): cancel,
    (State.CONFIRMING, DeadlinePassed): user_did_not_confirm,
    **{(state, (LegDialed, _DESTINATION)): try_next_route for state in _WAITING},
    **{(state, (LegRinging, _DESTINATION)): destination_rings for state in _WAITING},
    **{(state, (EarlyMediaStarted, _DESTINATION)): hear_early_media for state in _WAITING},
    **{(state, (LegAnswered, _DESTINATION)): connect for state in _WAITING},
    **{(state, (LegEnded, _DESTINATION)): destination_failed for state in _WAITING},
    **{(state, (LegEnded, _USER)): user_gave_up for state in _WAITING},
    **{(state, PromptFinished): ring_back for state in _WAITING},
    **{(state, CancelRequested): cancel for state in _WAITING},
    **{(state, DeadlinePassed): destination_did_not_answer for state in _WAITING},
    **{
        (state, (event, _USER)): ignore
        for state in (State.CONFIRMING, *_WAITING)
        for event in (LegDialed, LegRinging, EarlyMediaStarted)
    },
    **{(state, (KeyPressed, leg)): ignore for state in _WAITING for leg in _TWO},
    **{(state, (MediaSilent, leg)): ignore for state in _WAITING for leg in _TWO},
    (State.CONFIRMING, (MediaSilent, _USER)): ignore,
    **{(state, (MediaSilent, leg)): media_timed_out for state in _TALKING for leg in LegName},
    **{(state, (LegEnded, leg)): hung_up for state in _TALKING for leg in LegName},
    **{(state, CancelRequested): cancel for state in _TALKING},
    **{(state, DeadlinePassed): reach_call_limit for state in _TALKING},
    **{(state, PromptFinished): ignore for state in _TALKING},
    **{(state, (event, leg)): ignore for state in _TALKING for event in _LATE for leg in LegName},
    **{(State.CONNECTED, (HoldRequested, leg)): hold for leg in LegName},
    **{(State.CONNECTED, (DigitsRequested, leg)): send_digits for leg in LegName},
    (State.HELD, ResumeRequested): resume,
    (State.RINGING_USER, (HangUpRequested, _USER)): hang_up_user_early,
    (State.CONFIRMING, (HangUpRequested, _USER)): hang_up_user_early,
    **{(state, (HangUpRequested, _USER)): hang_up_user_early for state in _WAITING},
    **{(state, (HangUpRequested, _DESTINATION)): hang_up_destination_early for state in _WAITING},
    **{(state, (HangUpRequested, leg)): hang_up_leg for state in _TALKING for leg in LegName},
    (State.ANNOUNCING, PromptFinished): finish_announcement,
    (State.ANNOUNCING, DeadlinePassed): finish_announcement,
    **{(State.ANNOUNCING, (LegEnded, leg)): finish_announcement for leg in LegName},
    (State.ANNOUNCING, CancelRequested): finish_announcement,
    **{(State.ANNOUNCING, (event, leg)): ignore for event in (*_LATE, MediaSilent) for leg in LegName},
    **{(state, (TransferRequested, leg)): transfer for state in _TALKING for leg in _TWO},
    (State.TRANSFERRING, (LegDialed, _THIRD)): third_is_tried,
    (State.TRANSFERRING, (LegRinging, _THIRD)): third_rings,
    (State.TRANSFERRING, (EarlyMediaStarted, _THIRD)): third_rings,
    (State.TRANSFERRING, (LegAnswered, _THIRD)): third_answered,
    (State.TRANSFERRING, (LegEnded, _THIRD)): third_failed,
    (State.TRANSFERRING, DeadlinePassed): third_did_not_answer,
    (State.TRANSFERRING, (HangUpRequested, _THIRD)): call_third_off,
    **{(State.TRANSFERRING, (LegEnded, leg)): one_left for leg in _TWO},
    **{(State.TRANSFERRING, (HangUpRequested, leg)): release_one for leg in _TWO},
    **{(State.TRANSFERRING, (event, leg)): ignore for event in _LATE for leg in _TWO},
    (State.TRANSFERRING, (KeyPressed, _THIRD)): ignore,
    (State.TRANSFERRING, (MediaSilent, _THIRD)): ignore,
    (State.RETURNING, PromptFinished): talk_on,
    (State.RETURNING, DeadlinePassed): talk_on,
    **{(State.RETURNING, (LegEnded, leg)): hung_up for leg in _TWO},
    **{(State.RETURNING, (HangUpRequested, leg)): hang_up_leg for leg in _TWO},
    **{(State.RETURNING, (event, leg)): ignore for event in _LATE for leg in _TWO},
    **{(state, (MediaSilent, leg)): media_timed_out for state in _MOVING for leg in _TWO},
    **{(state, CancelRequested): cancel for state in _MOVING},
    (State.TRANSFERRING, PromptFinished): ignore,
    **{(State.ENDED, event): ignore for event in (PromptFinished, CancelRequested, DeadlinePassed)},
    **{(State.ENDED, (event, leg)): ignore for event in _NEWS_OF_A_LEG for leg in LegName},
}

TRANSITIONS = _TABLE | {
    (state, request): refuse
    for state in State
    for request in _REQUESTS
    if state is not State.SCHEDULED and (state, request) not in _TABLE
}
