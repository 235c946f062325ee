"""What the call machine does when one of two who talk is transferred to a third. Pure.

Each function is a transition of the table in `machine`, like those of `dialing`.

The one who waits hears ringback, the one who leaves the tone of a hold, until the third answers and the one who leaves is
released. While the third has not, everything can go back to how it was: then the one who waits hears why, and the two
talk on. Who leaves may also go before; then nobody is left to go back to.
"""

from ringbridge.call.cause import Cause, EndedBy, Outcome, destination_outcome
from ringbridge.call.dialing import dialed, redialed, rung
from ringbridge.call.ending import (
    ANNOUNCEMENT_SECONDS,
    LIVE,
    announce,
    end,
    hung_up,
    reach_call_limit,
    reason_for,
    released,
    with_leg_ended,
)
from ringbridge.call.event import (
    Effect,
    Event,
    HangUp,
    HangUpRequested,
    Join,
    LegDialed,
    LegEnded,
    Originate,
    Play,
    SendDigits,
    Step,
    StopPlaying,
    TransferRequested,
)
from ringbridge.call.model import Call, LegName, LegState, Prompt, State, Transfer

_THIRD = LegName.THIRD


def transfer(call: Call, event: Event, now: float) -> Step:
    """Dial the third. What was held is held no more."""
    assert isinstance(event, TransferRequested)
    assert call.deadline_at is not None, "a talk has its limit"
    wanted = Transfer(event.leg, event.third, event.digits, event.price, call.deadline_at)
    asked = call._replace(state=State.TRANSFERRING, held=None, transfer=wanted, past_thirds=call.thirds)
    asked = asked._replace(
        third_leg=dialed(asked, _THIRD, now),
        deadline_at=min(call.deadline_at, now + call.limits.destination_ring_seconds),
    )
    return asked, [
        Originate(_THIRD),
        Play(Prompt.RINGBACK, repeat=True, leg=event.leg),
        Play(Prompt.ON_HOLD, repeat=True, leg=call.other(event.leg)),
    ]


def third_is_tried(call: Call, event: Event, now: float) -> Step:
    """The third is tried over another trunk; the time that it may take goes on."""
    assert isinstance(event, LegDialed)
    if event.trunk == call.third_leg.trunk:
        return call, []
    return call._replace(third_leg=redialed(call.third_leg, event)), []


def third_rings(call: Call, event: Event, now: float) -> Step:
    """The third's phone rings; the ringback goes on."""
    return call._replace(third_leg=rung(call.third_leg, now)), []


def third_answered(call: Call, event: Event, now: float) -> Step:
    """Who waited talks to the third, and who leaves is released."""
    wanted = _transfer(call)
    leaving = call.other(wanted.waiting)
    effects: list[Effect] = []
    if call.leg(leaving).state in LIVE:
        call = released(call, leaving, Cause.NORMAL, now)
        effects.append(HangUp(leaving, Cause.NORMAL))
    joined = call._replace(
        state=State.CONNECTED,
        talkers=(wanted.waiting, _THIRD),
        third_leg=call.third_leg._replace(state=LegState.ANSWERED, answered_at=now),
        deadline_at=wanted.talk_ends_at,
    )
    effects += [StopPlaying(_THIRD), Join(wanted.waiting, _THIRD)]
    if wanted.digits:
        effects.append(SendDigits(_THIRD, wanted.digits))
    return joined, effects


def third_failed(call: Call, event: Event, now: float) -> Step:
    """The third could not be reached or refused."""
    assert isinstance(event, LegEnded)
    return _go_back(with_leg_ended(call, event, now), reason_for(destination_outcome(event.cause)), now)


def third_did_not_answer(call: Call, event: Event, now: float) -> Step:
    """The third rang for as long as it may, or the call has reached its limit."""
    if call.deadline_at == _transfer(call).talk_ends_at:
        return reach_call_limit(call, event, now)
    given_up = released(call, _THIRD, Cause.NO_ANSWER, now)
    returning, effects = _go_back(given_up, Prompt.NO_ANSWER, now)
    return returning, [HangUp(_THIRD, Cause.NO_ANSWER), *effects]


def call_third_off(call: Call, event: Event, now: float) -> Step:
    """Whoever asked for the transfer has thought better of it."""
    returning, effects = _go_back(released(call, _THIRD, Cause.CANCELED, now), Prompt.FAILED, now)
    return returning, [HangUp(_THIRD, Cause.CANCELED), *effects]


def one_left(call: Call, event: Event, now: float) -> Step:
    """Without the one who waits there is nothing to transfer; the other one may go at any time."""
    assert isinstance(event, LegEnded)
    if event.leg is _transfer(call).waiting:
        return hung_up(call, event, now)
    return with_leg_ended(call, event, now), []


def release_one(call: Call, event: Event, now: float) -> Step:
    """The same, for one that is released by request."""
    assert isinstance(event, HangUpRequested)
    if event.leg is _transfer(call).waiting:
        return end(call, Outcome.COMPLETED, Cause.CANCELED, EndedBy.API, now)
    return released(call, event.leg, Cause.CANCELED, now), [HangUp(event.leg, Cause.CANCELED)]


def talk_on(call: Call, event: Event, now: float) -> Step:
    """The reason is spoken: the two who talked before hear each other again."""
    again = call._replace(state=State.CONNECTED, deadline_at=_transfer(call).talk_ends_at)
    return again, [StopPlaying(leg) for leg in call.talkers]


def _go_back(call: Call, reason: Prompt, now: float) -> Step:
    """Tell who waits that the third cannot be had; then the talk goes on, if anybody is left for it."""
    wanted = _transfer(call)
    leaving = call.other(wanted.waiting)
    spoken = Play(reason, leg=wanted.waiting)
    if call.leg(leaving).state not in LIVE:
        announcing, _ = announce(call, Outcome.COMPLETED, Cause.NORMAL, EndedBy(leaving.value), now)
        return announcing, [spoken]
    until = min(wanted.talk_ends_at, now + ANNOUNCEMENT_SECONDS)
    return call._replace(state=State.RETURNING, deadline_at=until), [spoken]


def _transfer(call: Call) -> Transfer:
    assert call.transfer is not None
    return call.transfer
