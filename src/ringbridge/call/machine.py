"""The call machine: one table of what may happen and what is done about it. Pure.

`step(call, event, now)` gives the call as it is afterwards and the effects to carry out, in order. A pair that is
not in the table is a bug and raises; news that can arrive late is listed and ignored on purpose. docs/call-states.md
is drawn from this table.
"""

from collections.abc import Callable

from ringbridge.call.cause import Cause, EndedBy, Outcome, destination_outcome, user_outcome
from ringbridge.call.event import (
    CancelRequested,
    DeadlinePassed,
    EarlyMediaStarted,
    Effect,
    Event,
    HangUp,
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
    SendDigits,
    Started,
    StopPlaying,
)
from ringbridge.call.model import Call, Ending, Leg, LegName, LegState, Prompt, State

Step = tuple[Call, list[Effect]]
Transition = Callable[[Call, Event, float], Step]
EventKey = type[Event] | tuple[type[Event], LegName]

# The reason is one short phrase, and both legs must be free a second after the call failed; a prompt whose end is
# never told, because the media side failed, must not hold the user's leg.
ANNOUNCEMENT_SECONDS = 0.95

_REASONS: dict[Outcome, Prompt] = {
    Outcome.DESTINATION_BUSY: Prompt.BUSY,
    Outcome.DESTINATION_NO_ANSWER: Prompt.NO_ANSWER,
    Outcome.DESTINATION_DECLINED: Prompt.DECLINED,
    Outcome.DESTINATION_INVALID: Prompt.INVALID_NUMBER,
    Outcome.DESTINATION_UNREACHABLE: Prompt.NOT_REACHABLE,
}

# What whoever answers the user's phone presses to say that they are a person, and want the call.
CONFIRM_KEY = "1"

_OF_A_LEG = (LegDialed, LegRinging, EarlyMediaStarted, LegAnswered, LegEnded, KeyPressed, MediaSilent)

_LIVE = (LegState.DIALING, LegState.RINGING, LegState.EARLY_MEDIA, LegState.ANSWERED)


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
        return (event.prompt is Prompt.HOLD) == (call.state is State.ANNOUNCING)
    return False


def abort(call: Call, now: float) -> Step:
    """End `call` in whatever state it is, because this server cannot go on with it. A reason being spoken stays its end."""
    ending = call.ending or Ending(outcome=Outcome.FAILED, cause=Cause.INTERNAL, by=EndedBy.SERVER)
    return _end(call, ending.outcome, ending.cause, ending.by, now)


def event_key(event: Event) -> EventKey:
    """The column of the table that `event` belongs to."""
    if isinstance(event, _OF_A_LEG):
        return type(event), event.leg
    return type(event)


def ring_user(call: Call, event: Event, now: float) -> Step:
    """Dial the user's phone."""
    dialing = call._replace(
        state=State.RINGING_USER,
        user_leg=_dialed(call, LegName.USER, now),
        deadline_at=now + call.limits.user_ring_seconds,
    )
    return dialing, [Originate(LegName.USER)]


def try_next_route(call: Call, event: Event, now: float) -> Step:
    """A leg is tried over another trunk, as if from the start; the time that it may take goes on."""
    assert isinstance(event, LegDialed)
    before = call.leg(event.leg)
    if event.trunk == before.trunk:
        return call, []
    leg = Leg(state=LegState.DIALING, trunk=event.trunk, dialed_at=before.dialed_at)
    tried = call.with_leg(event.leg, leg)
    if event.leg is LegName.USER:
        return tried, []
    tried = tried._replace(state=State.DIALING_DESTINATION)
    was_heard = before.state is LegState.EARLY_MEDIA and call.hold_finished
    return tried, [Play(Prompt.RINGBACK, repeat=True)] if was_heard else []


def user_rings(call: Call, event: Event, now: float) -> Step:
    """The user's phone rings: nothing to do but to know it."""
    return call._replace(user_leg=_rung(call.user_leg, now)), []


def user_answered(call: Call, event: Event, now: float) -> Step:
    """The user answered: dial the destination at once, or ask first whether it is the user."""
    leg = call.user_leg._replace(state=LegState.ANSWERED, answered_at=now)
    answered = call._replace(user_leg=leg)
    if not call.confirm:
        return _dial_destination(answered, now)
    asked = answered._replace(state=State.CONFIRMING, deadline_at=now + call.limits.confirm_seconds)
    return asked, [Play(Prompt.CONFIRM, repeat=True)]


def hear_key(call: Call, event: Event, now: float) -> Step:
    """The right key is the user's word that they are there; any other says nothing."""
    assert isinstance(event, KeyPressed)
    return _dial_destination(call, now) if event.key == CONFIRM_KEY else (call, [])


def user_did_not_confirm(call: Call, event: Event, now: float) -> Step:
    """Whoever answered, most likely a mailbox, has not pressed the key."""
    return _end(call, Outcome.NOT_CONFIRMED, Cause.NOT_CONFIRMED, EndedBy.SERVER, now)


def destination_rings(call: Call, event: Event, now: float) -> Step:
    """The destination's phone rings; the prompt goes on."""
    return call._replace(
        state=State.RINGING_DESTINATION, destination_leg=_rung(call.destination_leg, now)
    ), []


def hear_early_media(call: Call, event: Event, now: float) -> Step:
    """The destination's network sends sound of its own: the user hears it as soon as the prompt is over."""
    leg = _rung(call.destination_leg, now)._replace(state=LegState.EARLY_MEDIA)
    heard = call._replace(state=State.RINGING_DESTINATION, destination_leg=leg)
    return heard, [StopPlaying()] if call.hold_finished else []


def ring_back(call: Call, event: Event, now: float) -> Step:
    """The prompt is over and the destination still rings: the user hears its network, or ringback, never silence."""
    finished = call._replace(hold_finished=True)
    if call.destination_leg.state is LegState.EARLY_MEDIA:
        return finished, [StopPlaying()]
    return finished, [Play(Prompt.RINGBACK, repeat=True)]


def connect(call: Call, event: Event, now: float) -> Step:
    """The destination answered: join the two."""
    connected = call._replace(
        state=State.CONNECTED,
        destination_leg=call.destination_leg._replace(state=LegState.ANSWERED, answered_at=now),
        deadline_at=now + call.limits.call_seconds,
    )
    return connected, [Join(), SendDigits(LegName.DESTINATION, call.digits)] if call.digits else [Join()]


def user_failed(call: Call, event: Event, now: float) -> Step:
    """The user's phone could not be reached or refused."""
    assert isinstance(event, LegEnded)
    ended = _with_leg_ended(call, event, now)
    return _end(ended, user_outcome(event.cause), event.cause, _refuser(event), now)


def user_did_not_answer(call: Call, event: Event, now: float) -> Step:
    """The user's phone rang for as long as it may."""
    return _end(call, Outcome.USER_NO_ANSWER, Cause.NO_ANSWER, EndedBy.SERVER, now)


def user_gave_up(call: Call, event: Event, now: float) -> Step:
    """The user hung up before the destination answered."""
    return _end(_with_leg_ended(call, event, now), Outcome.USER_HUNG_UP, Cause.NORMAL, EndedBy.USER, now)


def destination_failed(call: Call, event: Event, now: float) -> Step:
    """The destination could not be reached or refused: tell the user why."""
    assert isinstance(event, LegEnded)
    ended = _with_leg_ended(call, event, now)
    return _announce(ended, destination_outcome(event.cause), event.cause, _refuser(event), now)


def destination_did_not_answer(call: Call, event: Event, now: float) -> Step:
    """The destination rang for as long as it may: give it up and tell the user."""
    leg = call.destination_leg._replace(state=LegState.ENDED, ended_at=now, cause=Cause.NO_ANSWER)
    announced, effects = _announce(
        call._replace(destination_leg=leg),
        Outcome.DESTINATION_NO_ANSWER,
        Cause.NO_ANSWER,
        EndedBy.SERVER,
        now,
    )
    return announced, [HangUp(LegName.DESTINATION, Cause.NO_ANSWER), *effects]


def user_hung_up(call: Call, event: Event, now: float) -> Step:
    """The user ended the talk."""
    assert isinstance(event, LegEnded)
    return _end(_with_leg_ended(call, event, now), Outcome.COMPLETED, event.cause, EndedBy.USER, now)


def destination_hung_up(call: Call, event: Event, now: float) -> Step:
    """The destination ended the talk."""
    assert isinstance(event, LegEnded)
    return _end(_with_leg_ended(call, event, now), Outcome.COMPLETED, event.cause, EndedBy.DESTINATION, now)


def reach_call_limit(call: Call, event: Event, now: float) -> Step:
    """The talk lasted as long as a call may."""
    return _end(call, Outcome.COMPLETED, Cause.CALL_LIMIT, EndedBy.SERVER, now)


def media_timed_out(call: Call, event: Event, now: float) -> Step:
    """Nothing has been heard from one of the two for too long: its phone, or the way to it, has died without a word."""
    return _end(call, Outcome.COMPLETED, Cause.MEDIA_TIMEOUT, EndedBy.SERVER, now)


def cancel(call: Call, event: Event, now: float) -> Step:
    """Somebody else ends the call: before the talk that is a cancelled call, in it a completed one."""
    assert isinstance(event, CancelRequested)
    by = EndedBy.API if event.cause is Cause.CANCELED else EndedBy.SERVER
    outcome = Outcome.COMPLETED if call.state is State.CONNECTED else user_outcome(event.cause)
    return _end(call, outcome, event.cause, by, now)


def finish_announcement(call: Call, event: Event, now: float) -> Step:
    """The user has heard the reason, or hung up meanwhile, or may not be kept longer."""
    if isinstance(event, LegEnded):
        call = _with_leg_ended(call, event, now)
    ending = call.ending
    assert ending is not None, "a reason is only spoken once it is known"
    return _end(call, ending.outcome, ending.cause, ending.by, now)


def ignore(call: Call, event: Event, now: float) -> Step:
    """Late news: it was true when it was sent and changes nothing any more."""
    return call, []


_USER, _DESTINATION = LegName.USER, LegName.DESTINATION
_WAITING = (State.DIALING_DESTINATION, State.RINGING_DESTINATION)
_USER_IS_UP = (State.CONFIRMING, *_WAITING, State.CONNECTED, State.ANNOUNCING)

TRANSITIONS: dict[tuple[State, EventKey], Transition] = {
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
        for state in _USER_IS_UP
        for event in (LegDialed, LegRinging, EarlyMediaStarted)
    },
    **{(state, (KeyPressed, leg)): ignore for state in _USER_IS_UP[1:] for leg in LegName},
    **{(state, (MediaSilent, leg)): ignore for state in (*_WAITING, State.ANNOUNCING) for leg in LegName},
    (State.CONFIRMING, (MediaSilent, _USER)): ignore,
    **{(State.CONNECTED, (MediaSilent, leg)): media_timed_out for leg in LegName},
    (State.CONNECTED, (LegEnded, _USER)): user_hung_up,
    (State.CONNECTED, (LegEnded, _DESTINATION)): destination_hung_up,
    (State.CONNECTED, CancelRequested): cancel,
    (State.CONNECTED, DeadlinePassed): reach_call_limit,
    (State.CONNECTED, PromptFinished): ignore,
    (State.CONNECTED, (LegDialed, _DESTINATION)): ignore,
    (State.CONNECTED, (LegRinging, _DESTINATION)): ignore,
    (State.CONNECTED, (EarlyMediaStarted, _DESTINATION)): ignore,
    (State.ANNOUNCING, PromptFinished): finish_announcement,
    (State.ANNOUNCING, DeadlinePassed): finish_announcement,
    (State.ANNOUNCING, (LegEnded, _USER)): finish_announcement,
    (State.ANNOUNCING, CancelRequested): finish_announcement,
    (State.ANNOUNCING, (LegDialed, _DESTINATION)): ignore,
    (State.ANNOUNCING, (LegRinging, _DESTINATION)): ignore,
    (State.ANNOUNCING, (EarlyMediaStarted, _DESTINATION)): ignore,
    (State.ANNOUNCING, (LegAnswered, _DESTINATION)): ignore,
    (State.ANNOUNCING, (LegEnded, _DESTINATION)): ignore,
    **{(State.ENDED, event): ignore for event in (PromptFinished, CancelRequested, DeadlinePassed)},
    **{(State.ENDED, (event, leg)): ignore for event in _OF_A_LEG for leg in LegName},
}


def _dialed(call: Call, name: LegName, now: float) -> Leg:
    return Leg(state=LegState.DIALING, trunk=call.party(name).routes[0].trunk, dialed_at=now)


def _dial_destination(call: Call, now: float) -> Step:
    """Dial the destination and play the prompt meanwhile."""
    dialing = call._replace(
        state=State.DIALING_DESTINATION,
        destination_leg=_dialed(call, LegName.DESTINATION, now),
        deadline_at=now + call.limits.destination_ring_seconds,
    )
    return dialing, [Originate(LegName.DESTINATION), Play(Prompt.HOLD)]


def _rung(leg: Leg, now: float) -> Leg:
    """The leg as ringing, since its first word of it. A leg that sends early media already does not fall back."""
    state = leg.state if leg.state is LegState.EARLY_MEDIA else LegState.RINGING
    return leg._replace(state=state, ringing_at=now if leg.ringing_at is None else leg.ringing_at)


def _with_leg_ended(call: Call, event: Event, now: float) -> Call:
    assert isinstance(event, LegEnded)
    ended = call.leg(event.leg)._replace(
        state=LegState.ENDED,
        ended_at=now,
        cause=event.cause,
        sip_status=event.sip_status,
        q850=event.q850,
    )
    return call.with_leg(event.leg, ended)


def _refuser(event: LegEnded) -> EndedBy:
    """Who ended a call whose leg was never answered: the far end if it said so, else the server, for lack of an answer."""
    return EndedBy.SERVER if event.sip_status is None else EndedBy(event.leg.value)


def _announce(call: Call, outcome: Outcome, cause: Cause, by: EndedBy, now: float) -> Step:
    announcing = call._replace(
        state=State.ANNOUNCING,
        ending=Ending(outcome=outcome, cause=cause, by=by),
        deadline_at=now + ANNOUNCEMENT_SECONDS,
    )
    return announcing, [Play(_REASONS.get(outcome, Prompt.FAILED))]


def _end(call: Call, outcome: Outcome, cause: Cause, by: EndedBy, now: float) -> Step:
    """The one way into the final state: every leg that lives is released."""
    effects: list[Effect] = []
    for name in LegName:
        leg = call.leg(name)
        if leg.state in _LIVE:
            effects.append(HangUp(name, cause))
            call = call.with_leg(name, leg._replace(state=LegState.ENDED, ended_at=now, cause=cause))
    ended = call._replace(
        state=State.ENDED,
        ended_at=now,
        deadline_at=None,
        ending=Ending(outcome=outcome, cause=cause, by=by),
    )
    return ended, effects
