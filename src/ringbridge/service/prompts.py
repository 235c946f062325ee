"""The spoken prompts of the server: heard, replaced and put back. They are the same for all accounts."""

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple

import structlog

from ringbridge.call.audit import Action
from ringbridge.call.errors import InvalidOption, NotFound
from ringbridge.call.model import Prompt
from ringbridge.call.prompt import SPOKEN, KnownPrompt, PromptKeeper, UnusableRecording
from ringbridge.service.authentication import Caller

log = structlog.get_logger()

_LANGUAGE = re.compile(r"[a-z]{2,3}")

Note = Callable[[Action, str], None]
"""Tells the audit log what was done to which prompt; blocks."""


class LanguagePrompts(NamedTuple):
    """A language with its prompts; those that are not there are played in English."""

    language: str
    prompts: dict[Prompt, KnownPrompt]


class PromptService:
    """The page's right says who may change them."""

    def __init__(self, keeper: PromptKeeper, note: Note) -> None:
        self._keeper = keeper
        self._note = note
        # A recording takes some seconds to be made fit, in a thread that calls share the interpreter with: one at a time.
        self._changing = asyncio.Lock()

    async def languages(self) -> list[str]:
        """The codes of the languages that there are prompts in."""
        return await asyncio.to_thread(self._keeper.languages)

    async def of_language(self, language: str) -> LanguagePrompts:
        """The prompts in a language. Raises NotFound for what is no code of one."""
        known = await asyncio.to_thread(self._keeper.prompts, _language(language))
        return LanguagePrompts(language, {each.prompt: each for each in known})

    async def recording(self, name: str, language: str) -> bytes:
        """What is played, as a WAVE file. Raises NotFound."""
        found = await asyncio.to_thread(self._keeper.recording, _prompt(name), _language(language))
        if found is None:
            raise NotFound("There is no such prompt in this language.")
        return found

    async def replace(self, caller: Caller, name: str, language: str, data: bytes) -> float:
        """Play the recording in the WAVE file `data` from the next call on; how many seconds it has.

        Raises NotFound, InvalidOption, and StoreUnavailable when the audit log cannot be written.
        """
        prompt = _prompt(name)
        try:
            async with self._changing:
                seconds = await asyncio.to_thread(self._keeper.replace, prompt, _language(language), data)
        except UnusableRecording as error:
            raise InvalidOption("file", error.code) from error
        except OSError as error:
            log.error("prompt.not_written", prompt=name, language=language, error=str(error))
            raise InvalidOption("file", "not_written") from error
        await asyncio.to_thread(self._note, Action.PROMPT_REPLACED, f"{language}/{name}")
        log.info("prompt.replaced", prompt=name, language=language, by=caller.key.id)
        return seconds

    async def restore(self, caller: Caller, name: str, language: str) -> None:
        """Play the one that comes with the program again. Raises NotFound where it was played already."""
        async with self._changing:
            was_own = await asyncio.to_thread(self._keeper.restore, _prompt(name), _language(language))
        if not was_own:
            raise NotFound("This prompt is the one that comes with the program.")
        await asyncio.to_thread(self._note, Action.PROMPT_RESTORED, f"{language}/{name}")
        log.info("prompt.restored", prompt=name, language=language, by=caller.key.id)


def _prompt(name: str) -> Prompt:
    for prompt in SPOKEN:
        if prompt.value == name:
            return prompt
    raise NotFound("There is no such prompt.")


def _language(text: str) -> str:
    """It becomes part of a path, so it is looked at here. Raises NotFound."""
    if _LANGUAGE.fullmatch(text) is None:
        raise NotFound("There is no such language.")
    return text
