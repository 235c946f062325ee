"""What happens to a call (events, in the past tense) and what is to be done about it (effects).

Events come from the engine, from the API and from the one deadline of a call; effects go to the engine.
No SDP, no SIP status word and no channel name is in here: legs speak one vocabulary, whatever the engine.
"""

from dataclasses import dataclass

from ringbridge.call.cause import Cause
from ringbridge.call.model import Call, LegName, Party, Prompt, ThirdPrice


@dataclass(frozen=True, slots=True)
class Started:
    """The call is stored durably: dialling may begin."""


@dataclass(frozen=True, slots=True)
class LegDialed:
    """An attempt to reach the leg begins, over the trunk of this name or, without one, straight to its phone."""

    leg: LegName
    trunk: str | None


@dataclass(frozen=True, slots=True)
class LegRinging:
    """The leg's phone rings."""

    leg: LegName


@dataclass(frozen=True, slots=True)
class EarlyMediaStarted:
    """Sound from the leg's network arrives before its answer."""

    leg: LegName


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """The leg was picked up."""

    leg: LegName


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The leg is over: refused, hung up by its far end, or lost."""

    leg: LegName
    cause: Cause
    sip_status: int | None = None
    q850: int | None = None


@dataclass(frozen=True, slots=True)
class PromptFinished:
    """The prompt came to its end at the ear of whom it was played to. Another one may be playing by the time this is heard."""

    prompt: Prompt


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key was pressed on the leg's phone: one of `0123456789*#ABCD`."""

    leg: LegName
    key: str


@dataclass(frozen=True, slots=True)
class MediaSilent:
    """No audio has come from the leg for as long as the media side waits for it."""

    leg: LegName


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Somebody other than the two parties wants the call to end: the API, or the server as it drains."""

    cause: Cause = Cause.CANCELED


@dataclass(frozen=True, slots=True)
class HoldRequested:
    """The leg is to be put on hold: from now on neither of the two hears the other."""

    leg: LegName


@dataclass(frozen=True, slots=True)
class ResumeRequested:
    """Whoever is on hold is to talk again."""


@dataclass(frozen=True, slots=True)
class DigitsRequested:
    """These keys are to be pressed for the leg to hear: `0123456789*#`, and `,` for a pause of a second."""

    leg: LegName
    digits: str


@dataclass(frozen=True, slots=True)
class HangUpRequested:
    """The leg is to be released; the other one is told by a tone or a spoken reason, and released after it."""

    leg: LegName


@dataclass(frozen=True, slots=True)
class TransferRequested:
    """The leg is to talk to a third in place of the other one, who goes once the third has answered.

    digits: what is pressed for the third then; `,` is a pause of a second. price: what its leg costs, if that is known.
    """

    leg: LegName
    third: Party
    digits: str = ""
    price: ThirdPrice | None = None


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """A deadline of the call is here. The call may have another one by the time this is heard."""

    deadline_at: float


Event = (
    Started
    | LegDialed
    | LegRinging
    | EarlyMediaStarted
    | LegAnswered
    | LegEnded
    | PromptFinished
    | KeyPressed
    | MediaSilent
    | CancelRequested
    | HoldRequested
    | ResumeRequested
    | DigitsRequested
    | HangUpRequested
    | TransferRequested
    | DeadlinePassed
)


@dataclass(frozen=True, slots=True)
class Originate:
    """Dial the leg."""

    leg: LegName


@dataclass(frozen=True, slots=True)
class Play:
    """Play to the leg, in place of whatever is being played; `repeat` until stopped."""

    prompt: Prompt
    repeat: bool = False
    leg: LegName = LegName.USER


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """Let the leg hear the other one, be it no more than the other's early media."""

    leg: LegName = LegName.USER


@dataclass(frozen=True, slots=True)
class Join:
    """Both have answered: cut what the first is played, and let them hear each other."""

    first: LegName = LegName.USER
    second: LegName = LegName.DESTINATION


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Press these keys for the leg to hear: `0123456789*#`, and `,` for a pause of a second."""

    leg: LegName
    digits: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Release the leg, whatever crosses it on the wire. `cause` is what its far end is told."""

    leg: LegName
    cause: Cause


Effect = Originate | Play | StopPlaying | Join | SendDigits | HangUp

Step = tuple[Call, list[Effect]]
"""A call as it is after an event, and what is to be done, in order."""
