"""What the two of one call are played, and when it has ended."""

import asyncio
from collections.abc import Callable

from ringbridge.call.event import PromptFinished
from ringbridge.call.model import Call, LegName, Prompt
from ringbridge.engines.native.audio import CallAudio
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.media.tones import ringback_name

_TONES = (Prompt.ON_HOLD, Prompt.HUNG_UP, Prompt.SILENCE)


class PromptPlayer:
    """Plays the prompts of a call; `tell` takes the news that one has ended."""

    __slots__ = ("_audio", "_call", "_prompts", "_tell", "_timers", "called_number")

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
        self.called_number = call.destination.number
        """By its country goes what ringback is."""
        self._timers: dict[LegName, asyncio.TimerHandle] = {}

    def play(self, leg: LegName, prompt: Prompt, *, repeat: bool) -> None:
        """Play to the leg; PromptFinished follows unless it repeats."""
        self.disarm(leg)
        if prompt is Prompt.RINGBACK:
            found = self._prompts.find_tone(ringback_name(self.called_number))
        elif prompt in _TONES:
            found = self._prompts.find_tone(prompt.value)
        else:
            found = self._prompts.find(prompt.value, self._call.language)
        seconds = 0.0
        if found is not None and self._audio.is_open:
            self._audio.play(leg, found.stem, repeat=repeat)
            seconds = found.seconds
        if not repeat:
            loop = asyncio.get_running_loop()
            self._timers[leg] = loop.call_later(seconds, self._tell, PromptFinished(prompt))

    def disarm(self, leg: LegName) -> None:
        """Tell no end of what the leg is played now."""
        timer = self._timers.pop(leg, None)
        if timer is not None:
            timer.cancel()
