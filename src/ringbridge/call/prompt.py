"""The spoken prompts as an administrator sees them, and what keeps them. Pure."""

from typing import NamedTuple, Protocol

from ringbridge.call.errors import CallError
from ringbridge.call.model import Prompt

SPOKEN = (
    Prompt.HOLD,
    Prompt.CONFIRM,
    Prompt.BUSY,
    Prompt.NO_ANSWER,
    Prompt.DECLINED,
    Prompt.NOT_REACHABLE,
    Prompt.INVALID_NUMBER,
    Prompt.FAILED,
)
"""Those that are sentences; the others are tones, which are a country's."""

LONGEST_PROMPT_SECONDS = 20.0
MOST_PROMPT_OCTETS = 8 * 1024 * 1024


class UnusableRecording(CallError):
    """A file that cannot become a prompt. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class KnownPrompt(NamedTuple):
    """A prompt in a language. is_own: the server's administrator put it in place of the one that comes with the program."""

    prompt: Prompt
    seconds: float
    is_own: bool


class PromptKeeper(Protocol):
    """Keeps the prompts of the server. Its methods block: call them in threads. Those that write raise OSError."""

    def languages(self) -> list[str]:
        """The codes of the languages that there are prompts in, sorted."""
        ...

    def prompts(self, language: str) -> list[KnownPrompt]:
        """Those that there are in a language."""
        ...

    def recording(self, prompt: Prompt, language: str) -> bytes | None:
        """What is played, as a WAVE file; None where there is none in that language."""
        ...

    def replace(self, prompt: Prompt, language: str, data: bytes) -> float:
        """Play the recording in the WAVE file `data` from now on; how many seconds it has. Raises UnusableRecording."""
        ...

    def restore(self, prompt: Prompt, language: str) -> bool:
        """Play the one that comes with the program again; False where it was played already."""
        ...
