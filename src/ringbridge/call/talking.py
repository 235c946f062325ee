"""What the call machine does about two who talk, when somebody else asks for it. Pure.

Each function is a transition of the table in `machine`, like those of `dialing`.

A leg is put on hold by what it is played, and neither phone is told (no re-INVITE): every phone can be held so, none can
refuse, and no offer of ours meets one of theirs. Both go on sending, so that one that dies is still found out.
"""

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.ending import announce, end, released
from ringbridge.call.event import (
    DigitsRequested,
    Event,
    HangUp,
    HangUpRequested,
    HoldRequested,
    Play,
    SendDigits,
    Step,
    StopPlaying,
)
from ringbridge.call.model import Call, LegName, Prompt, State


def hold(call: Call, event: Event, now: float) -> Step:
    """The held one hears a tone now and then, the other one silence."""
    assert isinstance(event, HoldRequested)
    held = call._replace(state=State.HELD, held=event.leg)
    return held, [
        Play(Prompt.ON_HOLD, repeat=True, leg=event.leg),
        Play(Prompt.SILENCE, repeat=True, leg=call.other(event.leg)),
    ]


def resume(call: Call, event: Event, now: float) -> Step:
    """The two hear each other again."""
    return call._replace(state=State.CONNECTED, held=None), [StopPlaying(leg) for leg in call.talkers]


def send_digits(call: Call, event: Event, now: float) -> Step:
    """Press keys for one of the two to hear."""
    assert isinstance(event, DigitsRequested)
    return call, [SendDigits(event.leg, event.digits)]


def hang_up_user_early(call: Call, event: Event, now: float) -> Step:
    """Without the user there is nothing to wait for."""
    return end(call, Outcome.CANCELED, Cause.CANCELED, EndedBy.API, now)


def hang_up_destination_early(call: Call, event: Event, now: float) -> Step:
    """Whoever was being called is given up, and the user told."""
    called_off = released(call, LegName.DESTINATION, Cause.CANCELED, now)
    announced, effects = announce(called_off, Outcome.CANCELED, Cause.CANCELED, EndedBy.API, now)
    return announced, [HangUp(LegName.DESTINATION, Cause.CANCELED), *effects]


def hang_up_leg(call: Call, event: Event, now: float) -> Step:
    """The one is released, and the other hears that there is nobody any more."""
    assert isinstance(event, HangUpRequested)
    left = released(call, event.leg, Cause.CANCELED, now)
    announced, _ = announce(left, Outcome.COMPLETED, Cause.CANCELED, EndedBy.API, now)
    return announced, [
        HangUp(event.leg, Cause.CANCELED),
        Play(Prompt.HUNG_UP, repeat=True, leg=call.other(event.leg)),
    ]
