"""What the call machine does until two people talk: the user rings first, then the destination. Pure.

Each function is a transition of the table in `machine`: it takes a call, what happened and when, and gives the call as it
is afterwards and the effects to carry out.
"""

from ringbridge.call.cause import Cause, EndedBy, Outcome, destination_outcome, user_outcome
from ringbridge.call.ending import announce, end, released, with_leg_ended
from ringbridge.call.event import (
    Event,
    HangUp,
    Join,
    KeyPressed,
    LegDialed,
    LegEnded,
    Originate,
    Play,
    SendDigits,
    Step,
    StopPlaying,
)
from ringbridge.call.model import Call, Leg, LegName, LegState, Prompt, State

# What whoever answers the user's phone presses to say that they are a person, and want the call.
CONFIRM_KEY = "1"


def ring_user(call: Call, event: Event, now: float) -> Step:
    """Dial the user's phone."""
    dialing = call._replace(
        state=State.RINGING_USER,
        user_leg=dialed(call, LegName.USER, now),
        deadline_at=now + call.limits.user_ring_seconds,
    )
    return dialing, [Originate(LegName.USER)]


def try_next_route(call: Call, event: Event, now: float) -> Step:
    """A leg is tried over another trunk, as if from the start; the time that it may take goes on."""
    assert isinstance(event, LegDialed)
    before = call.leg(event.leg)
    if event.trunk == before.trunk:
        return call, []
    tried = call.with_leg(event.leg, redialed(before, event))
    if event.leg is LegName.USER:
        return tried, []
    tried = tried._replace(state=State.DIALING_DESTINATION)
    was_heard = before.state is LegState.EARLY_MEDIA and call.hold_finished
    return tried, [Play(Prompt.RINGBACK, repeat=True)] if was_heard else []


def user_rings(call: Call, event: Event, now: float) -> Step:
    """The user's phone rings: nothing to do but to know it."""
    return call._replace(user_leg=rung(call.user_leg, now)), []


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
    return end(call, Outcome.NOT_CONFIRMED, Cause.NOT_CONFIRMED, EndedBy.SERVER, now)


def destination_rings(call: Call, event: Event, now: float) -> Step:
    """The destination's phone rings; the prompt goes on."""
    return call._replace(state=State.RINGING_DESTINATION, destination_leg=rung(call.destination_leg, now)), []


def hear_early_media(call: Call, event: Event, now: float) -> Step:
    """The destination's network sends sound of its own: the user hears it as soon as the prompt is over."""
    leg = rung(call.destination_leg, now)._replace(state=LegState.EARLY_MEDIA)
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
    ended = with_leg_ended(call, event, now)
    return end(ended, user_outcome(event.cause), event.cause, _refuser(event), now)


def user_did_not_answer(call: Call, event: Event, now: float) -> Step:
    """The user's phone rang for as long as it may."""
    return end(call, Outcome.USER_NO_ANSWER, Cause.NO_ANSWER, EndedBy.SERVER, now)


def user_gave_up(call: Call, event: Event, now: float) -> Step:
    """The user hung up before the destination answered."""
    return end(with_leg_ended(call, event, now), Outcome.USER_HUNG_UP, Cause.NORMAL, EndedBy.USER, now)


def destination_failed(call: Call, event: Event, now: float) -> Step:
    """The destination could not be reached or refused: tell the user why."""
    assert isinstance(event, LegEnded)
    ended = with_leg_ended(call, event, now)
    return announce(ended, destination_outcome(event.cause), event.cause, _refuser(event), now)


def destination_did_not_answer(call: Call, event: Event, now: float) -> Step:
    """The destination rang for as long as it may: give it up and tell the user."""
    announced, effects = announce(
        released(call, LegName.DESTINATION, Cause.NO_ANSWER, now),
        Outcome.DESTINATION_NO_ANSWER,
        Cause.NO_ANSWER,
        EndedBy.SERVER,
        now,
    )
    return announced, [HangUp(LegName.DESTINATION, Cause.NO_ANSWER), *effects]


def dialed(call: Call, name: LegName, now: float) -> Leg:
    """A leg that is about to be tried."""
    return Leg(state=LegState.DIALING, trunk=call.party(name).routes[0].trunk, dialed_at=now)


def redialed(before: Leg, event: LegDialed) -> Leg:
    """The leg as tried over another trunk, as if from the start."""
    return Leg(state=LegState.DIALING, trunk=event.trunk, dialed_at=before.dialed_at)


def _dial_destination(call: Call, now: float) -> Step:
    """Dial the destination and play the prompt meanwhile."""
    dialing = call._replace(
        state=State.DIALING_DESTINATION,
        destination_leg=dialed(call, LegName.DESTINATION, now),
        deadline_at=now + call.limits.destination_ring_seconds,
    )
    return dialing, [Originate(LegName.DESTINATION), Play(Prompt.HOLD)]


def rung(leg: Leg, now: float) -> Leg:
    """The leg as ringing, since its first word of it. A leg that sends early media already does not fall back."""
    state = leg.state if leg.state is LegState.EARLY_MEDIA else LegState.RINGING
    return leg._replace(state=state, ringing_at=now if leg.ringing_at is None else leg.ringing_at)


def _refuser(event: LegEnded) -> EndedBy:
    """Who ended a call whose leg was never answered: the far end if it said so, else the server, for lack of an answer."""
    return EndedBy.SERVER if event.sip_status is None else EndedBy(event.leg.value)
