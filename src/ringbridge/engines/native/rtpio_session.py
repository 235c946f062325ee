"""One session of the embedded media relay: what the port asks, as commands to RTPProxy (`rtpio_commands`)."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import structlog

from ringbridge.engines.native import rtpio_commands as commands
from ringbridge.engines.native.digits import DigitSchedule, EventSource, seconds_of
from ringbridge.engines.native.media import KeyPressed, Lost, OnMediaEvent, Side
from ringbridge.engines.native.rtpio_link import WorkerLink
from ringbridge.engines.native.stream_watch import StreamWatch
from ringbridge.media import dtmf
from ringbridge.media.crypto import CryptoKey
from ringbridge.media.g711 import encode_a_law, encode_mu_law
from ringbridge.media.sdp import PCMA, PCMU, TELEPHONE_EVENT, Codec, MediaAddress

_TONE_ENCODERS = {PCMU.payload_type: encode_mu_law, PCMA.payload_type: encode_a_law}

log = structlog.get_logger()


class PromptFolder:
    """The worker's current folder, from which it reads prompts.

    RTPProxy splits its commands at blanks, which the path of a prompt may have; so every folder with prompts gets
    a link with a short name here.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._links: dict[Path, str] = {}
        # A path is slow to take apart, and there are few prompts.
        self._words: dict[Path, str] = {}

    def word(self, prompt: Path) -> str:
        """How a command names this prompt."""
        word = self._words.get(prompt)
        if word is None:
            word = self._words[prompt] = f"{self._link(prompt.parent)}/{prompt.name}"
        return word

    def _link(self, folder: Path) -> str:
        """The name of the link to a folder with prompts."""
        link = self._links.get(folder)
        if link is None:
            link = self._links[folder] = str(len(self._links))
            (self.path / link).symlink_to(folder.resolve())
        return link

    def tone(self, key: str, payload_type: int) -> str:
        """How a command names the tone of a key."""
        name = f"key-{dtmf.KEYS.index(key)}"
        file = self.path / f"{name}.{payload_type}"
        if not file.exists():
            file.write_bytes(_TONE_ENCODERS[payload_type](dtmf.tone(key)))
        return name


class RtpioSession:
    """Implements `MediaSession` of `media`. Made by the relay once both ports are leased."""

    def __init__(
        self,
        *,
        name: str,
        link: WorkerLink,
        local: Mapping[Side, MediaAddress],
        folder: PromptFolder,
        on_event: OnMediaEvent,
        on_close: Callable[["RtpioSession", WorkerLink], None],
        silence_seconds: float | None,
        learning: Collection[Side],
    ) -> None:
        self.name = name
        self._link = link
        self._local = local
        self._folder = folder
        self._on_event = on_event
        self._on_close = on_close
        self._learning = learning
        self._remotes: dict[Side, MediaAddress] = {}
        self._played: set[Side] = set()
        self._key_payload_types: dict[Side, int] = {}
        self._streams = StreamWatch(functools.partial(on_event, name), self.count, silence_seconds)
        self._digits = DigitSchedule()
        self._mouths: dict[Side, EventSource] = {}  # what speaks in place of these sides
        self._live = True

    @property
    def minds_silence(self) -> bool:
        """Whether `count` is to be called now and then."""
        return self._streams.minds_silence

    def local(self, side: Side) -> MediaAddress:
        return self._local[side]

    def local_key(self, side: Side) -> CryptoKey | None:
        return None

    def set_remote(
        self,
        side: Side,
        address: MediaAddress,
        *,
        codecs: Sequence[Codec] = (),
        key: CryptoKey | None = None,
        learns: bool = False,
    ) -> None:
        """See `MediaSession`. What a side learns it has learned since the lease; there is no way to begin later."""
        if not self._live or address.is_nowhere:
            return
        self._remotes[side] = address
        self._locate(side)

    def play(self, side: Side, prompt: Path, payload_type: int, *, repeat: bool = False) -> None:
        # Without an address it would be sent to the nobody of the lease.
        if not self._live or side not in self._remotes:
            return
        self._play(side, self._folder.word(prompt), payload_type, -1 if repeat else 1)

    def stop_playing(self, side: Side) -> None:
        if self._live:
            self._played.discard(side)
            self._link.ask(commands.stop_playing(self.name, side))

    def watch_first_packet(self, side: Side) -> None:
        if self._live:
            self._streams.await_first_packet(side)

    def watch_keys(self, side: Side, payload_type: int = TELEPHONE_EVENT.payload_type) -> None:
        if self._live and self._key_payload_types.get(side) != payload_type:
            self._key_payload_types[side] = payload_type
            self._locate(side)

    def send_digits(self, side: Side, digits: str, codecs: Sequence[Codec]) -> None:
        """See `MediaSession`. Nothing but an address can be changed in RTPProxy, so events come from a socket that
        takes the other side's place. A side that is learned cannot give its place up: then the keys are tones."""
        if not self._live or side not in self._remotes:
            return
        event = dtmf.event_codec(codecs)
        voice = next((codec for codec in codecs if codec.payload_type in _TONE_ENCODERS), None)
        if event is not None and side.other not in self._learning:
            self._digits.enqueue(functools.partial(self._send_events, side, digits, event.payload_type))
        elif voice is not None:
            self._digits.enqueue(functools.partial(self._play_tones, side, digits, voice.payload_type))
        else:
            log.warning("media_digits_not_sent", session=self.name, side=side.value)

    def expect_audio(self, side: Side, expected: bool) -> None:
        self._streams.expect(side, expected)

    def count(self) -> None:
        """Have the packets counted, and what they tell told."""
        self._link.ask(commands.count(self.name), self._counted)

    def key_pressed(self, event: KeyPressed) -> None:
        """RTPProxy saw a key on that side; ours, which have taken its place, are not told."""
        if self._live and event.side not in self._mouths:
            self._on_event(self.name, event)

    def close(self) -> None:
        if self._live:
            # RTPProxy can hang for ever when it deletes a session to which it still plays.
            for side in tuple(self._played):
                self.stop_playing(side)
            self._end()
            self._on_close(self, self._link)

    def lose(self) -> None:
        """The worker died, and the session with it."""
        self._end()
        self._on_event(self.name, Lost())

    def _end(self) -> None:
        self._live = False
        self._streams.stop()
        self._digits.cancel()
        for mouth in self._mouths.values():
            mouth.close()
        self._mouths.clear()

    def _locate(self, side: Side, on_reply: Callable[[str], None] | None = None) -> None:
        """Tell RTPProxy where this side is, and what to look for in its packets."""
        mouth = self._mouths.get(side)
        nobody = commands.nobody(is_ipv6=":" in self._local[side].host)
        address = mouth.address if mouth is not None else self._remotes.get(side, nobody)
        payload_type = self._key_payload_types.get(side)
        self._link.ask(commands.locate(self.name, side, address, payload_type), on_reply)

    def _play(self, side: Side, word: str, payload_type: int, times: int) -> None:
        self._played.add(side)
        self._link.ask(commands.play(self.name, side, word, payload_type, times=times))

    def _play_tones(self, side: Side, digits: str, payload_type: int) -> None:
        for at, key in dtmf.presses(digits):
            word = self._folder.tone(key, payload_type)
            self._digits.after(at, functools.partial(self._play, side, word, payload_type, 1))
        self._digits.after(seconds_of(digits), self._digits.done)

    def _send_events(self, side: Side, digits: str, payload_type: int) -> None:
        mouth = EventSource(self._local[side.other].host)
        self._mouths[side.other] = mouth

        def begin(reply: str) -> None:
            if self._live:
                for at, packet in mouth.events(digits, payload_type):
                    send = functools.partial(mouth.send, packet.serialize(), self._local[side.other])
                    self._digits.after(at, send)
                self._digits.after(seconds_of(digits), end)

        def end() -> None:
            del self._mouths[side.other]
            mouth.close()
            self._locate(side.other)
            self._digits.done()

        self._locate(side.other, begin)

    def _counted(self, reply: str) -> None:
        self._streams.counted(commands.counted(reply))
