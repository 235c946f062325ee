"""What the user of one call is played, and when it has ended."""

import asyncio
from collections.abc import Callable, Sequence

from ringbridge.call.event import PromptFinished
from ringbridge.call.model import Call, Prompt
from ringbridge.engines.native import flows
from ringbridge.engines.native.media import MediaSession, Side
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.media.sdp import Codec
from ringbridge.media.tones import ringback_name


class PromptPlayer:
    """Plays the prompts of a call; `tell` takes the news that one has ended."""

    __slots__ = ("_call", "_prompts", "_tell", "_timer")

    def __init__(self, call: Call, prompts: PromptLibrary, tell: Callable[[PromptFinished], None]) -> None:
        self._call = call
        self._prompts = prompts
        self._tell = tell
        self._timer: asyncio.TimerHandle | None = None

    def play(
        self, prompt: Prompt, media: MediaSession | None, codecs: Sequence[Codec], *, repeat: bool
    ) -> None:
        """Play to the user, who accepted `codecs`; PromptFinished follows unless it repeats."""
        self.disarm()
        if prompt is Prompt.RINGBACK:
            found = self._prompts.find_tone(ringback_name(self._call.destination.number))
        else:
            found = self._prompts.find(prompt.value, self._call.language)
        seconds = 0.0
        if found is not None and media is not None:
            media.play(Side.USER, found.stem, flows.prompt_payload_type(codecs), repeat=repeat)
            seconds = found.seconds
        if not repeat:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._tell, PromptFinished(prompt))

    def disarm(self) -> None:
        """Tell no end of what is played now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
