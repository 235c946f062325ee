"""The audio of one call: its media session, and what was agreed about it with each leg.

Session descriptions come in and go out here; when they are sent, and what becomes of a leg whose description is of no
use, is `carriage`'s affair. Which codecs are offered to whom is decided by `flows`.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path

from ringbridge.call.model import LegName
from ringbridge.engines.native import flows
from ringbridge.engines.native.media import MediaRelay, MediaSession, Side
from ringbridge.media.dtmf import event_codec
from ringbridge.media.errors import NoAudio
from ringbridge.media.offer import answer, offer
from ringbridge.media.sdp import AudioDescription, Codec, Direction, MediaAddress, audio_of

SIDES: Mapping[LegName, Side] = {LegName.USER: Side.USER, LegName.DESTINATION: Side.DESTINATION}
LEGS: Mapping[Side, LegName] = {side: leg for leg, side in SIDES.items()}

# A relay counts every five seconds, so a leg that has gone silent is noticed within twenty.
SILENCE_SECONDS = 15.0


class LegAudio:
    """What was agreed with one leg."""

    __slots__ = ("codecs", "is_answered", "remote", "supported", "version")

    def __init__(self) -> None:
        self.codecs: tuple[Codec, ...] = ()
        self.supported: tuple[Codec, ...] = flows.CODECS
        """What it may change them to."""
        self.remote: tuple[MediaAddress, tuple[Codec, ...]] | None = None
        """Where its sound goes, and in which codecs."""
        self.version = 0
        """Of our last description to it."""
        self.is_answered = False


class CallAudio:
    """The audio of the call named `call_id`; `sdp_id` is the number of its descriptions (RFC 8866 section 5.2).

    Without a media session, before `open` and after `close`, what is asked for is not done.
    """

    __slots__ = ("_call_id", "_is_closed", "_legs", "_media", "_relay", "_sdp_id")

    def __init__(self, call_id: str, sdp_id: int, relay: MediaRelay) -> None:
        self._call_id = call_id
        self._sdp_id = sdp_id
        self._relay = relay
        self._legs = {leg: LegAudio() for leg in LegName}
        self._media: MediaSession | None = None
        self._is_closed = False

    # The media session

    @property
    def is_open(self) -> bool:
        """Whether there are ports, and a description can be written."""
        return self._media is not None

    async def open(self) -> None:
        """Lease ports, unless there are some. Raises NoMediaPorts or MediaUnavailable."""
        if self._media is not None:
            return
        media = await self._relay.open(self._call_id, silence_seconds=SILENCE_SECONDS)
        if self._is_closed:
            media.close()
        else:
            self._media = media

    def close(self) -> None:
        """The ports are free at once, and none are leased any more."""
        self._is_closed = True
        if self._media is not None:
            self._media.close()
            self._media = None

    def lose(self) -> None:
        """The relay has forgotten the session."""
        self._media = None

    def play(self, prompt: Path, *, repeat: bool) -> None:
        """Play a prompt to the user, in a codec that the user's phone accepted."""
        if self._media is not None:
            payload_type = flows.prompt_payload_type(self._legs[LegName.USER].codecs)
            self._media.play(Side.USER, prompt, payload_type, repeat=repeat)

    def stop_playing(self) -> None:
        """From now on the user hears the destination."""
        if self._media is not None:
            self._media.stop_playing(Side.USER)

    def watch_keys(self) -> bool:
        """From now on tell the keys that the user presses. False if the user's phone does not send any that can be told."""
        if self._media is not None:
            self._media.watch_keys(Side.USER)
        return event_codec(self._legs[LegName.USER].codecs) is not None

    def send_digits(self, leg: LegName, digits: str) -> None:
        """Press keys for the leg to hear."""
        if self._media is not None:
            self._media.send_digits(SIDES[leg], digits, self._legs[leg].codecs)

    # Descriptions

    def offer(self, leg: LegName) -> bytes:
        """The first offer to a leg. There must be a media session."""
        return self._offer(leg, self._offered(leg))

    def hear_early(self, leg: LegName, body: bytes) -> None:
        """Take the description of a leg that is not answered yet, and have its first packet told. Raises MediaError."""
        self._take(leg, audio_of(body), self._offered(leg))
        if self._media is not None:
            self._media.watch_first_packet(SIDES[leg])

    def take_answer(self, leg: LegName, body: bytes) -> None:
        """The leg was answered with this description. Raises MediaError when there can be no talk by it."""
        self._legs[leg].is_answered = True
        self._agree(leg, audio_of(body), self._offered(leg))

    def narrowed_offer(self) -> bytes | None:
        """What to offer the user so that the destination understands all that is said; None if it does already."""
        user, destination = self._legs[LegName.USER], self._legs[LegName.DESTINATION]
        codecs = flows.codecs_to_narrow_to(user.codecs, destination.codecs)
        return None if codecs is None or self._media is None else self._offer(LegName.USER, codecs)

    def answer(self, leg: LegName, body: bytes) -> bytes:
        """Our answer to a leg that re-negotiates; without an offer in `body`, ours. Raises MediaError."""
        agreed = self._legs[leg]
        if self._media is None:
            raise NoAudio("the call has no media session")
        if not body:
            return self._offer(leg, agreed.codecs)
        agreed.version += 1
        described = answer(
            body,
            self._media.local(SIDES[leg]),
            agreed.supported,
            session_id=self._sdp_id,
            version=agreed.version,
        )
        self._take(leg, audio_of(body), agreed.supported)
        return described

    def take_later_answer(self, leg: LegName, body: bytes) -> None:
        """The leg's answer to an offer that was not the first. Raises MediaError."""
        self._agree(leg, audio_of(body), flows.CODECS)

    def _offered(self, leg: LegName) -> tuple[Codec, ...]:
        if leg is LegName.USER:
            return flows.CODECS
        user = self._legs[LegName.USER].codecs
        return flows.offered_to_destination(user, transcodes=self._relay.transcodes)

    def _offer(self, leg: LegName, codecs: tuple[Codec, ...]) -> bytes:
        assert self._media is not None
        agreed = self._legs[leg]
        agreed.version += 1
        return offer(self._media.local(SIDES[leg]), codecs, session_id=self._sdp_id, version=agreed.version)

    def _agree(self, leg: LegName, audio: AudioDescription, offered: Sequence[Codec]) -> None:
        """It has answered: unless the relay transcodes, it may not change to more codecs than these. Raises NoCommonCodec."""
        self._take(leg, audio, offered)
        if not self._relay.transcodes:
            self._legs[leg].supported = self._legs[leg].codecs

    def _take(self, leg: LegName, audio: AudioDescription, ours: Sequence[Codec]) -> None:
        """Follow the far end to its codecs and its address, and mind whether its sound stops once it is to talk.

        The zeros of RFC 2543's hold are no address to send to. Raises NoCommonCodec.
        """
        agreed, side = self._legs[leg], SIDES[leg]
        agreed.codecs = flows.accepted_codecs(ours, audio)
        if self._media is None:
            return
        if agreed.is_answered:
            self._media.expect_audio(side, audio.direction is Direction.SENDRECV and not audio.on_hold)
        remote = (audio.address, agreed.codecs)
        if remote != agreed.remote and not ipaddress.ip_address(audio.address.host).is_unspecified:
            agreed.remote = remote
            self._media.set_remote(side, audio.address, codecs=agreed.codecs)
