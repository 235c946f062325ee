"""The audio of one call: its media session, and what was agreed about it with each leg.

Session descriptions come in and go out here; when they are sent, and what becomes of a leg whose description is of no
use, is `carriage`'s affair. Which codecs are offered to whom is decided by `flows`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ringbridge.call.directory import Srtp
from ringbridge.call.model import Call, LegName
from ringbridge.engines.native import flows
from ringbridge.engines.native.media import MediaRelay, MediaSession, Side
from ringbridge.media.crypto import CryptoKey
from ringbridge.media.dtmf import event_codec
from ringbridge.media.errors import NoAudio, NotEncrypted
from ringbridge.media.offer import answer, offer
from ringbridge.media.sdp import AudioDescription, Codec, Direction, MediaAddress, audio_of

SIDES: Mapping[LegName, Side] = {LegName.USER: Side.USER, LegName.DESTINATION: Side.DESTINATION}
LEGS: Mapping[Side, LegName] = {side: leg for leg, side in SIDES.items()}

# A relay counts every five seconds, so a leg that has gone silent is noticed within twenty.
SILENCE_SECONDS = 15.0


class Terms(NamedTuple):
    """How the audio of one phone travels, from its first offer on.

    learns: it comes from elsewhere than the phone says, and the first packet tells whence.
    """

    srtp: Srtp = Srtp.OFF
    learns: bool = False


class LegAudio:
    """What was agreed with one leg."""

    __slots__ = ("codecs", "is_answered", "remote", "supported", "version")

    def __init__(self) -> None:
        self.codecs: tuple[Codec, ...] = ()
        self.supported: tuple[Codec, ...] = flows.CODECS
        """What it may change them to."""
        self.remote: tuple[MediaAddress, tuple[Codec, ...], CryptoKey | None] | None = None
        """Where its sound goes, in which codecs, and what it encrypts with."""
        self.version = 0
        """Of our last description to it."""
        self.is_answered = False


class CallAudio:
    """The audio of a call; `sdp_id` is the number of its descriptions (RFC 8866 section 5.2).

    Without a media session, before `open` and after `close`, what is asked for is not done. `session` is everywhere the
    name of a SIP session that a first offer was written for.
    """

    __slots__ = (
        "_call",
        "_is_closed",
        "_legs",
        "_legs_at",
        "_media",
        "_relay",
        "_sdp_id",
        "_sides",
        "_terms",
    )

    def __init__(self, call: Call, sdp_id: int, relay: MediaRelay) -> None:
        self._call = call
        self._sdp_id = sdp_id
        self._relay = relay
        self._legs = {leg: LegAudio() for leg in SIDES}
        self._sides = SIDES
        self._legs_at = LEGS
        self._terms: dict[str, Terms] = {}
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
        routes = {SIDES[leg]: self._call.party(leg).routes for leg in SIDES}
        secured = [side for side in Side if any(route.srtp is not Srtp.OFF for route in routes[side])]
        media = await self._relay.open(
            self._call.id,
            silence_seconds=SILENCE_SECONDS,
            secured=secured if self._relay.encrypts else (),
            learning=[side for side in Side if any(route.nat for route in routes[side])],
        )
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

    # Who is on which side

    def make_room_for_third(self, leaving: LegName) -> None:
        """A third is to be offered the place of the leaving leg, which it takes when it answers."""
        self._legs[LegName.THIRD] = LegAudio()
        self._sides = {**SIDES, LegName.THIRD: SIDES[leaving]}

    def leg_at(self, side: Side) -> LegName:
        """Whose sound comes from this side."""
        return self._legs_at[side]

    def encrypts(self, leg: LegName) -> bool:
        """Whether the leg's audio could be SRTP. For a place that was made without, it is too late."""
        if leg is LegName.THIRD and self._media is not None:
            return self._media.local_key(self._sides[leg]) is not None
        return self._relay.encrypts

    # What is heard

    def play(self, leg: LegName, prompt: Path, *, repeat: bool) -> None:
        """Play a prompt to the leg, in a codec that its phone accepted."""
        if self._media is not None:
            payload_type = flows.prompt_payload_type(self._legs[leg].codecs)
            self._media.play(self._sides[leg], prompt, payload_type, repeat=repeat)

    def stop_playing(self, leg: LegName) -> None:
        """From now on the leg hears the other one."""
        if self._media is not None:
            self._media.stop_playing(self._sides[leg])

    def watch_keys(self) -> bool:
        """From now on tell the keys that the user presses. False if the user's phone does not send any that can be told."""
        if self._media is not None:
            self._media.watch_keys(Side.USER)
        return event_codec(self._legs[LegName.USER].codecs) is not None

    def send_digits(self, leg: LegName, digits: str) -> None:
        """Press keys for the leg to hear."""
        if self._media is not None:
            self._media.send_digits(self._sides[leg], digits, self._legs[leg].codecs)

    # Descriptions

    def offer(self, leg: LegName, session: str, terms: Terms) -> bytes:
        """The first offer to one of a leg's phones. There must be a media session."""
        self._terms[session] = terms
        return self._offer(leg, session, self._offered(leg))

    def hear_early(self, leg: LegName, session: str, body: bytes) -> None:
        """Take the description of a leg that is not answered yet, and have its first packet told. Raises MediaError."""
        self._take(leg, session, self._read(session, body), self._offered(leg))
        if self._media is not None:
            self._media.watch_first_packet(self._sides[leg])

    def take_answer(self, leg: LegName, session: str, body: bytes) -> None:
        """The leg was answered with this description. Raises MediaError when there can be no talk by it."""
        self._legs[leg].is_answered = True
        self._agree(leg, session, body, self._offered(leg))

    def narrowed_offer(self, first: LegName, second: LegName, session: str) -> bytes | None:
        """What to offer the first's phone so that the second understands all that is said; None if it does already."""
        codecs = flows.codecs_to_narrow_to(self._legs[first].codecs, self._legs[second].codecs)
        return None if codecs is None or self._media is None else self._offer(first, session, codecs)

    def answer(self, leg: LegName, session: str, body: bytes) -> bytes:
        """Our answer to a leg that re-negotiates; without an offer in `body`, ours. Raises MediaError."""
        agreed = self._legs[leg]
        if self._media is None:
            raise NoAudio("the call has no media session")
        if not body:
            return self._offer(leg, session, agreed.codecs)
        audio = self._read(session, body)
        agreed.version += 1
        described = answer(
            body,
            self._media.local(self._sides[leg]),
            agreed.supported,
            session_id=self._sdp_id,
            version=agreed.version,
            key=self._key(leg, session),
        )
        self._take(leg, session, audio, agreed.supported)
        return described

    def take_later_answer(self, leg: LegName, session: str, body: bytes) -> None:
        """The leg's answer to an offer that was not the first. Raises MediaError."""
        self._agree(leg, session, body, flows.CODECS)

    def _offered(self, leg: LegName) -> tuple[Codec, ...]:
        if leg is LegName.USER:
            return flows.CODECS
        listener = self._legs_at[self._sides[leg].other]
        return flows.offered_to_destination(self._legs[listener].codecs, transcodes=self._relay.transcodes)

    def _offer(self, leg: LegName, session: str, codecs: tuple[Codec, ...]) -> bytes:
        assert self._media is not None
        agreed = self._legs[leg]
        agreed.version += 1
        return offer(
            self._media.local(self._sides[leg]),
            codecs,
            session_id=self._sdp_id,
            version=agreed.version,
            key=self._key(leg, session),
            secured=self._terms[session].srtp is Srtp.REQUIRED,
        )

    def _key(self, leg: LegName, session: str) -> CryptoKey | None:
        """What its phone is told that we encrypt with."""
        if self._media is None or self._terms[session].srtp is Srtp.OFF:
            return None
        return self._media.local_key(self._sides[leg])

    def _read(self, session: str, body: bytes) -> AudioDescription:
        """What a phone has written, if its terms allow it. Raises MediaError."""
        srtp = self._terms[session].srtp
        audio = audio_of(body, secured=srtp is not Srtp.OFF)
        if srtp is Srtp.REQUIRED and audio.key is None:
            raise NotEncrypted("the audio is plain RTP, and SRTP is required")
        return audio

    def _agree(self, leg: LegName, session: str, body: bytes, offered: Sequence[Codec]) -> None:
        """It has answered: unless the relay transcodes, it may not change to more codecs than these. Raises MediaError."""
        self._take(leg, session, self._read(session, body), offered)
        if not self._relay.transcodes:
            self._legs[leg].supported = self._legs[leg].codecs

    def _take(self, leg: LegName, session: str, audio: AudioDescription, ours: Sequence[Codec]) -> None:
        """Follow the far end to its codecs, its address and its key, and mind whether its sound stops once it is to talk.

        The zeros of RFC 2543's hold are no address to send to. Raises NoCommonCodec.
        """
        agreed, side = self._legs[leg], self._sides[leg]
        agreed.codecs = flows.accepted_codecs(ours, audio)
        if leg is LegName.THIRD and agreed.is_answered:
            self._legs_at = {**LEGS, side: leg}
        if self._media is None or self._legs_at[side] is not leg:
            return
        if agreed.is_answered:
            self._media.expect_audio(side, audio.direction is Direction.SENDRECV and not audio.on_hold)
        remote = (audio.address, agreed.codecs, audio.key)
        if remote != agreed.remote and not audio.address.is_nowhere:
            agreed.remote = remote
            self._media.set_remote(
                side,
                audio.address,
                codecs=agreed.codecs,
                key=audio.key,
                learns=self._terms[session].learns,
            )
