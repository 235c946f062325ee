"""What the two people of a simulated call do. Pure: the last four digits of the destination decide.

The endings 0100 to 0199 are those that North America keeps for invented numbers (555-0100 to 555-0199); as endings
they work in every country.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from ringbridge.call.cause import Cause, cause_of_status
from ringbridge.call.event import (
    EarlyMediaStarted,
    Effect,
    Event,
    HangUp,
    Join,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegRinging,
    MediaSilent,
    Originate,
    Play,
    PromptFinished,
    StopPlaying,
)
from ringbridge.call.model import Call, LegName, Prompt

USER, DESTINATION = LegName.USER, LegName.DESTINATION


class Act(NamedTuple):
    """Something that happens so many seconds after what set it off."""

    after_seconds: float
    event: Event


Acts = tuple[Act, ...]


class Script(NamedTuple):
    """What follows the dialling of each leg, the question whether to connect, and the joining of both."""

    user: Acts
    destination: Acts
    confirming: Acts = (Act(1.0, KeyPressed(USER, "1")),)
    talk: Acts = (Act(3.0, LegEnded(DESTINATION, Cause.NORMAL)),)


def _answers(leg: LegName, after_seconds: float) -> Acts:
    return Act(0.2, LegRinging(leg)), Act(after_seconds, LegAnswered(leg))


def _refuses(leg: LegName, status: int) -> Acts:
    ended = LegEnded(leg, cause_of_status(status), sip_status=status)
    return Act(0.2, LegRinging(leg)), Act(1.0, ended)


def _fails(leg: LegName, status: int) -> Acts:
    return (Act(0.2, LegEnded(leg, cause_of_status(status), sip_status=status)),)


def _rings(leg: LegName) -> Acts:
    return (Act(0.2, LegRinging(leg)),)


_USER_ANSWERS = _answers(USER, 1.0)
_BOTH_ANSWER = Script(_USER_ANSWERS, _answers(DESTINATION, 2.0))

SCRIPTS: dict[str, Script] = {
    "0100": _BOTH_ANSWER,
    "0101": _BOTH_ANSWER._replace(destination=_refuses(DESTINATION, 486)),
    "0102": _BOTH_ANSWER._replace(destination=_rings(DESTINATION)),
    "0103": _BOTH_ANSWER._replace(destination=_refuses(DESTINATION, 603)),
    "0104": _BOTH_ANSWER._replace(destination=_fails(DESTINATION, 480)),
    "0105": _BOTH_ANSWER._replace(destination=_fails(DESTINATION, 404)),
    "0106": _BOTH_ANSWER._replace(destination=_fails(DESTINATION, 503)),
    "0107": _BOTH_ANSWER._replace(
        destination=(Act(0.2, EarlyMediaStarted(DESTINATION)), Act(2.0, LegAnswered(DESTINATION)))
    ),
    "0108": _BOTH_ANSWER._replace(user=_answers(USER, 8.0), destination=_answers(DESTINATION, 15.0)),
    "0109": _BOTH_ANSWER._replace(talk=()),
    "0110": _BOTH_ANSWER._replace(user=_refuses(USER, 486)),
    "0111": _BOTH_ANSWER._replace(user=_rings(USER)),
    "0112": _BOTH_ANSWER._replace(user=_refuses(USER, 603)),
    "0113": _BOTH_ANSWER._replace(user=_fails(USER, 480)),
    "0114": _BOTH_ANSWER._replace(confirming=()),
    "0115": _BOTH_ANSWER._replace(destination=(*_rings(DESTINATION), Act(1.0, LegEnded(USER, Cause.NORMAL)))),
    "0116": _BOTH_ANSWER._replace(talk=(Act(3.0, LegEnded(USER, Cause.NORMAL)),)),
    "0117": _BOTH_ANSWER._replace(talk=(Act(3.0, MediaSilent(DESTINATION)),)),
}
"""By the last four digits of the destination. Any other number is answered as 0100 is."""

PROMPT_SECONDS = 2.0


def acts_after(call: Call, effect: Effect) -> Acts:
    """What comes of `effect` in a simulated call."""
    script = SCRIPTS.get(call.destination.number[-4:], _BOTH_ANSWER)
    match effect:
        case Originate(LegName.USER):
            return script.user
        case Originate(LegName.DESTINATION):
            return script.destination
        case Originate(LegName.THIRD):
            assert call.transfer is not None
            third = SCRIPTS.get(call.transfer.third.number[-4:], _BOTH_ANSWER)
            return tuple(_of_third(third.destination))
        case Play(Prompt.CONFIRM):
            return script.confirming
        case Play(prompt, repeat=False):
            return (Act(PROMPT_SECONDS, PromptFinished(prompt)),)
        case Join():
            return script.talk
        case _:
            return ()


def _of_third(acts: Acts) -> Iterator[Act]:
    """What the destination does in its script, done by the third; what others do is left out."""
    for after_seconds, event in acts:
        match event:
            case LegRinging(LegName.DESTINATION) | EarlyMediaStarted(LegName.DESTINATION):
                yield Act(after_seconds, LegRinging(LegName.THIRD))
            case LegAnswered(LegName.DESTINATION):
                yield Act(after_seconds, LegAnswered(LegName.THIRD))
            case LegEnded(LegName.DESTINATION):
                yield Act(after_seconds, replace(event, leg=LegName.THIRD))


def is_overtaken(event: Event, effect: Effect) -> bool:
    """Whether `event`, which was to come, does not because of `effect`: a leg is gone, or another sound is played."""
    match effect:
        case HangUp(leg):
            return getattr(event, "leg", None) is leg
        case Play() | StopPlaying() | Join():
            return isinstance(event, PromptFinished)
        case _:
            return False
