"""How the call machine ends a call, in whatever state it is. Pure; every path leads through `end`.

The functions that take an event are transitions of the table in `machine`.
"""

from ringbridge.call.cause import Cause, EndedBy, Outcome, user_outcome
from ringbridge.call.event import CancelRequested, Effect, Event, HangUp, LegEnded, Play, Step
from ringbridge.call.model import Call, Ending, LegName, LegState, Prompt, State

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

LIVE = (LegState.DIALING, LegState.RINGING, LegState.EARLY_MEDIA, LegState.ANSWERED)
"""A leg in one of these has to be released."""


def hung_up(call: Call, event: Event, now: float) -> Step:
    """One of those who talk ended it."""
    assert isinstance(event, LegEnded)
    by = EndedBy(event.leg.value)
    return end(with_leg_ended(call, event, now), Outcome.COMPLETED, event.cause, by, now)


def reach_call_limit(call: Call, event: Event, now: float) -> Step:
    """The talk lasted as long as a call may."""
    return end(call, Outcome.COMPLETED, Cause.CALL_LIMIT, EndedBy.SERVER, now)


def media_timed_out(call: Call, event: Event, now: float) -> Step:
    """Nothing has been heard from one of the two for too long: its phone, or the way to it, has died without a word."""
    return end(call, Outcome.COMPLETED, Cause.MEDIA_TIMEOUT, EndedBy.SERVER, now)


def cancel(call: Call, event: Event, now: float) -> Step:
    """Somebody else ends the call: before the talk that is a cancelled call, in it a completed one."""
    assert isinstance(event, CancelRequested)
    by = EndedBy.API if event.cause is Cause.CANCELED else EndedBy.SERVER
    has_talked = call.destination_leg.answered_at is not None
    outcome = Outcome.COMPLETED if has_talked else user_outcome(event.cause)
    return end(call, outcome, event.cause, by, now)


def finish_announcement(call: Call, event: Event, now: float) -> Step:
    """Whoever is left has heard the reason, or hung up meanwhile, or may not be kept longer."""
    if isinstance(event, LegEnded):
        call = with_leg_ended(call, event, now)
    ending = call.ending
    assert ending is not None, "a reason is only spoken once it is known"
    return end(call, ending.outcome, ending.cause, ending.by, now)


def announce(call: Call, outcome: Outcome, cause: Cause, by: EndedBy, now: float) -> Step:
    announcing = call._replace(
        state=State.ANNOUNCING,
        ending=Ending(outcome=outcome, cause=cause, by=by),
        deadline_at=now + ANNOUNCEMENT_SECONDS,
    )
    return announcing, [Play(reason_for(outcome))]


def reason_for(outcome: Outcome) -> Prompt:
    """What is spoken to whoever wanted to talk, and cannot."""
    return _REASONS.get(outcome, Prompt.FAILED)


def end(call: Call, outcome: Outcome, cause: Cause, by: EndedBy, now: float) -> Step:
    """The one way into the final state: every leg that lives is released."""
    effects: list[Effect] = []
    for name in LegName:
        if call.leg(name).state in LIVE:
            effects.append(HangUp(name, cause))
            call = released(call, name, cause, now)
    ended = call._replace(
        state=State.ENDED,
        ended_at=now,
        deadline_at=None,
        ending=Ending(outcome=outcome, cause=cause, by=by),
    )
    return ended, effects


def released(call: Call, name: LegName, cause: Cause, now: float) -> Call:
    """The call with one leg given up by us."""
    leg = call.leg(name)._replace(state=LegState.ENDED, ended_at=now, cause=cause)
    return call.with_leg(name, leg)


def with_leg_ended(call: Call, event: Event, now: float) -> Call:
    assert isinstance(event, LegEnded)
    ended = call.leg(event.leg)._replace(
        state=LegState.ENDED,
        ended_at=now,
        cause=event.cause,
        sip_status=event.sip_status,
        q850=event.q850,
    )
    return call.with_leg(event.leg, ended)
