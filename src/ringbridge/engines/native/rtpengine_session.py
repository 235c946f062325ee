"""One session of an rtpengine daemon: what the port asks, as commands (`rtpengine_commands`)."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import structlog

from ringbridge.engines.native import rtpengine_commands as commands
from ringbridge.engines.native.digits import Action, DigitSchedule, seconds_of
from ringbridge.engines.native.media import (
    KeyPressed,
    Lost,
    MediaUnavailable,
    NoMediaPorts,
    OnMediaEvent,
    Side,
)
from ringbridge.engines.native.rtpengine_commands import Command, Descriptions, Party
from ringbridge.engines.native.rtpengine_link import DaemonLink, Reply, reason_of
from ringbridge.engines.native.stream_watch import StreamWatch
from ringbridge.media import dtmf
from ringbridge.media.crypto import CryptoKey
from ringbridge.media.sdp import TELEPHONE_EVENT, AudioDescription, Codec, MediaAddress

# rtpengine forgets a key that is pressed between a new description and the stream's next packet.
SETTLE_SECONDS = 0.1

log = structlog.get_logger()

_wave_file = lru_cache(maxsize=64)(commands.wave_file)


class RtpengineSession:
    """Implements `MediaSession` of `media`. Made by `open_session`."""

    def __init__(
        self,
        *,
        name: str,
        link: DaemonLink,
        parties: Mapping[Side, Party],
        on_event: OnMediaEvent,
        on_end: Callable[["RtpengineSession"], None],
        silence_seconds: float | None,
    ) -> None:
        self.name = name
        self._link = link
        self._parties = parties
        self._on_event = on_event
        self._on_end = on_end
        self._descriptions = Descriptions(name)
        self._local: dict[Side, AudioDescription] = {}
        self._located: set[Side] = set()
        self._learning: set[Side] = set()
        self._is_asking = False
        self._after_update: list[Action] = []
        self._watched_keys: set[Side] = set()
        self._pressing: set[Side] = set()  # sides in whose place keys are pressed
        self._streams = StreamWatch(functools.partial(on_event, name), self.count, silence_seconds)
        self._digits = DigitSchedule()
        self._live = True

    async def lease(self) -> None:
        """Take ports and keys. Raises NoMediaPorts or MediaUnavailable."""
        for side, command in self._pair():
            reply = await self._link.reply(command)
            local = commands.local_end(reply)
            if local is None:
                raise _refusal(reason_of(reply))
            self._local[side] = local

    @property
    def minds_silence(self) -> bool:
        """Whether `count` is to be called now and then."""
        return self._streams.minds_silence

    def local(self, side: Side) -> MediaAddress:
        return self._local[side].address

    def local_key(self, side: Side) -> CryptoKey | None:
        key = self._local[side].key
        return None if key is None else key._replace(tag=1)

    def set_remote(
        self,
        side: Side,
        address: MediaAddress,
        *,
        codecs: Sequence[Codec] = (),
        key: CryptoKey | None = None,
        learns: bool = False,
    ) -> None:
        if not self._live or address.is_nowhere:
            return
        party = self._parties[side]
        party.address = address
        party.codecs = tuple(codecs) or party.codecs
        party.key = None if key is None else key._replace(tag=1)
        party.learns = learns
        self._located.add(side)
        self._learning.discard(side)
        self._update()

    def play(self, side: Side, prompt: Path, payload_type: int, *, repeat: bool = False) -> None:
        """See `MediaSession`. rtpengine encodes the prompt itself, in a codec of this side that the other side prefers."""
        if not self._live or side not in self._located:
            return
        self._ask(*commands.play(self.name, side, _wave_file(prompt), repeat=repeat))

    def stop_playing(self, side: Side) -> None:
        if self._live:
            self._ask(*commands.stop_playing(self.name, side))

    def watch_first_packet(self, side: Side) -> None:
        if self._live:
            self._streams.await_first_packet(side)

    def watch_keys(self, side: Side, payload_type: int = TELEPHONE_EVENT.payload_type) -> None:
        """See `MediaSession`. rtpengine tells every key of every side; the payload type it knows from the codecs."""
        self._watched_keys.add(side)

    def send_digits(self, side: Side, digits: str, codecs: Sequence[Codec]) -> None:
        """See `MediaSession`. rtpengine presses keys only in a stream that flows: the other side has to be sending."""
        if self._live and side in self._located:
            self._digits.enqueue(functools.partial(self._press_all, side, digits))

    def expect_audio(self, side: Side, expected: bool) -> None:
        self._streams.expect(side, expected)

    def count(self) -> None:
        """Have the packets counted, and what they tell told."""
        self._link.ask(commands.query(self.name), self._counted)

    def key_pressed(self, event: KeyPressed) -> None:
        """rtpengine saw a key on that side; those that it pressed itself are not told."""
        if self._live and event.side in self._watched_keys - self._pressing:
            self._on_event(self.name, event)

    def close(self) -> None:
        if self._live:
            self._end()
            self._link.ask(commands.delete(self.name))
            self._on_end(self)

    def lose(self) -> None:
        """The daemon is gone or forgot the session."""
        if self._live:
            self._end()
            self._on_end(self)
            self._on_event(self.name, Lost())

    def _end(self) -> None:
        self._live = False
        self._streams.stop()
        self._digits.cancel()

    def _pair(self) -> list[tuple[Side, Command]]:
        user, destination = self._parties[Side.USER], self._parties[Side.DESTINATION]
        return list(self._descriptions.pair(user, destination, injects=bool(self._pressing)))

    def _update(self, then: Action | None = None) -> None:
        """Describe both sides anew, and call `then` when rtpengine has understood."""
        if then is not None:
            self._after_update.append(then)
        if self._is_asking:
            return
        if self._learning:
            # What was learned would be forgotten for the address in the description.
            self._is_asking = True
            self._link.ask(commands.query(self.name), self._learned)
        else:
            self._describe()

    def _learned(self, reply: Reply) -> None:
        self._is_asking = False
        for side in tuple(self._learning):
            address = commands.learned_address(reply, side)
            if address is not None:
                self._parties[side].address = address
                self._parties[side].learns = False
                self._learning.discard(side)
        if self._live:
            self._describe()

    def _describe(self) -> None:
        offered, answered = self._pair()
        self._learning = {side for side, party in self._parties.items() if party.learns}
        self._link.ask(offered[1], functools.partial(self._understood, offered[0], ()))
        following, self._after_update = tuple(self._after_update), []
        self._link.ask(answered[1], functools.partial(self._understood, answered[0], following))

    def _understood(self, side: Side, following: Collection[Action], reply: Reply) -> None:
        """Ports or keys that have changed belong to a call that rtpengine has made up: it forgot ours."""
        if not self._live:
            return
        local, leased = commands.local_end(reply), self._local[side]
        party = self._parties[side]
        if (
            local is None
            or local.address != leased.address
            or (party.key is not None and local.key != leased.key)
        ):
            log.error("media_session_forgotten", session=self.name, reason=reason_of(reply))
            self._link.ask(commands.delete(self.name))
            self.lose()
            return
        for action in following:
            action()

    def _press_all(self, side: Side, digits: str) -> None:
        speaker = side.other
        self._pressing.add(speaker)

        def begin() -> None:
            for at, key in dtmf.presses(digits):
                self._digits.after(
                    SETTLE_SECONDS + at, functools.partial(self._ask, commands.press(self.name, speaker, key))
                )
            self._digits.after(SETTLE_SECONDS + seconds_of(digits), end)

        def end() -> None:
            self._pressing.discard(speaker)
            self._update()
            self._digits.done()

        # Keys can be pressed only in a call that is described so, which costs decoding its audio.
        self._update(begin)

    def _ask(self, *asked: Command) -> None:
        for command in asked:
            self._link.ask(command)

    def _counted(self, reply: Reply) -> None:
        self._streams.counted(commands.counted(reply))


def _refusal(reason: str) -> MediaUnavailable | NoMediaPorts:
    if "port" in reason.lower():
        return NoMediaPorts(f"rtpengine has no free ports ({reason})")
    return MediaUnavailable(f"rtpengine refuses a call ({reason})")
