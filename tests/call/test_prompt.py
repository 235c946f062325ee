"""The prompts that an administrator may replace."""

from ringbridge.call.errors import CallError
from ringbridge.call.model import Prompt
from ringbridge.call.prompt import SPOKEN, UnusableRecording


def test_every_prompt_is_a_sentence_or_a_tone() -> None:
    assert set(Prompt) - set(SPOKEN) == {
        Prompt.RINGBACK,
        Prompt.ON_HOLD,
        Prompt.HUNG_UP,
        Prompt.SILENCE,
    }


def test_a_recording_that_is_refused_says_why() -> None:
    error = UnusableRecording("too_long")
    assert isinstance(error, CallError)
    assert (error.code, str(error)) == ("too_long", "too_long")
