"""What the user of one call is played, and when it has ended."""

import asyncio
from collections.abc import Callable

from ringbridge.call.event import PromptFinished
from ringbridge.call.model import Call, Prompt
from ringbridge.engines.native.audio import CallAudio
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.media.tones import ringback_name


class PromptPlayer:
    """Plays the prompts of a call; `tell` takes the news that one has ended."""

    __slots__ = ("_audio", "_call", "_prompts", "_tell", "_timer")

    def __init__(
        self,
        call: Call,
        prompts: PromptLibrary,
        audio: CallAudio,
        tell: Callable[[PromptFinished], None],
    ) -> None:
        self._call = call
        self._prompts = prompts
        self._audio = audio
        self._tell = tell
        self._timer: asyncio.TimerHandle | None = None

    def play(self, prompt: Prompt, *, repeat: bool) -> None:
        """Play to the user; PromptFinished follows unless it repeats."""
        self.disarm()
        if prompt is Prompt.RINGBACK:
            found = self._prompts.find_tone(ringback_name(self._call.destination.number))
        else:
            found = self._prompts.find(prompt.value, self._call.language)
        seconds = 0.0
        if found is not None and self._audio.is_open:
            self._audio.play(found.stem, repeat=repeat)
            seconds = found.seconds
        if not repeat:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._tell, PromptFinished(prompt))

    def disarm(self) -> None:
        """Tell no end of what is played now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
