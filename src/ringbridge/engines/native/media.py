"""The port to whatever relays RTP and plays prompts.

This is what the engine may ask of a media relay, and what a relay may tell the engine. It is not a relay:
`rtpio` and `rtpengine` are. It carries addresses, keys and names of files, never audio and never SDP (that is
`ringbridge.media`).

A session has two sides. A port for each side is leased when the session opens, so that a call which cannot have
audio is refused before any phone rings. From then on commands are queued and take effect in the order given;
none of them is awaited, because an INVITE must not wait for a relay.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from ringbridge.media.crypto import CryptoKey
from ringbridge.media.sdp import TELEPHONE_EVENT, Codec, MediaAddress


class Side(Enum):
    """Whom a port of a session talks to."""

    USER = "user"
    DESTINATION = "destination"

    # Enum's own is computed in Python, and sides are the keys of every session's tables.
    __hash__ = object.__hash__

    @property
    def other(self) -> "Side":
        return Side.DESTINATION if self is Side.USER else Side.USER


class MediaRelayError(Exception):
    """The relay cannot give a session.

    - MediaRelayError
      - NoMediaPorts: every port of the range is in use; a later call may succeed
      - MediaUnavailable: the relay is not installed, not running, or does not answer
    """


class NoMediaPorts(MediaRelayError):
    pass


class MediaUnavailable(MediaRelayError):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPacket:
    """RTP from this side's phone has arrived since `watch_first_packet` was asked for. Told once per watch."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed:
    """Whoever is on this side pressed a key (one of `ringbridge.media.dtmf.KEYS`) and has released it."""

    side: Side
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """RTP from this side has stopped for as long as the session allows, though it was expected. Told again while it lasts."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The relay forgot this session, because it died. The session is closed and tells nothing more."""


MediaEvent = FirstPacket | KeyPressed | Silent | Lost

OnMediaEvent = Callable[[str, MediaEvent], None]
"""Called in the event loop with the session's name; it must not block, and may close the session."""


class MediaSession(Protocol):
    """Two leased ports. All methods return at once; after `close` or `Lost` all of them do nothing."""

    def local(self, side: Side) -> MediaAddress:
        """The address to write into the SDP that is sent to this side."""
        ...

    def local_key(self, side: Side) -> CryptoKey | None:
        """What the relay encrypts with towards this side; None unless the session was opened with this side secured."""
        ...

    def set_remote(
        self,
        side: Side,
        address: MediaAddress,
        *,
        codecs: Sequence[Codec] = (),
        key: CryptoKey | None = None,
        learns: bool = False,
    ) -> None:
        """Send to `address`, and accept RTP of this side from nowhere else. May be repeated (re-INVITE).

        The address of zeros, with which old phones hold a call, changes nothing. A relay that transcodes has to know
        the `codecs` that this side accepted. With a `key` this side's RTP is SRTP, both ways.

        `learns` is for a phone behind a NAT, whose description names an address that nobody can reach: the source of
        its first packet takes the place of `address`, once, and whoever sends that packet is taken for the phone.
        """
        ...

    def play(self, side: Side, prompt: Path, payload_type: int, *, repeat: bool = False) -> None:
        """Play a prompt towards this side, in place of whatever it hears now, until it ends or is stopped.

        A side that has no address yet does not get it. `Prompt.seconds` says when it ends; no event does.
        `prompt` is the path of the files without the payload type (`…/en/hold` for `…/en/hold.0`);
        `payload_type` is a static one of RFC 3551 that the side accepted: 0, 8 or 9.
        """
        ...

    def stop_playing(self, side: Side) -> None:
        """Stop; from now on the side hears the other side."""
        ...

    def watch_keys(self, side: Side, payload_type: int = TELEPHONE_EVENT.payload_type) -> None:
        """From now on tell the keys that are pressed on this side. `payload_type` is that of its telephone events."""
        ...

    def send_digits(self, side: Side, digits: str, codecs: Sequence[Codec]) -> None:
        """Press keys towards this side, as if the other side had; a comma is a pause of a second.

        `codecs` are those that this side accepted: the keys are telephone events if it takes them, else tones. The
        other side's voice is not heard meanwhile. Keys that are sent while others still are follow them.
        """
        ...

    def expect_audio(self, side: Side, expected: bool) -> None:
        """Whether this side should be sending now. `Silent` is told only of a side that should.

        Nobody is expected to before it is said, and nobody who is on hold should be.
        """
        ...

    def watch_first_packet(self, side: Side) -> None:
        """Ask for one `FirstPacket` when RTP from this side's phone arrives (early media)."""
        ...

    def close(self) -> None:
        """Release both ports at once. May be repeated."""
        ...


class MediaRelay(Protocol):
    """One for the process. `start` before the first session; also an async context manager."""

    transcodes: bool
    """Whether two sides without a common codec can hear each other."""

    encrypts: bool
    """Whether it speaks SRTP."""

    @property
    def healthy(self) -> bool:
        """Whether `open` can succeed now, for readiness."""
        ...

    @property
    def open_sessions(self) -> int: ...

    async def start(self) -> None:
        """Raises MediaUnavailable when the relay cannot run at all, with a sentence for the operator."""
        ...

    async def stop(self) -> None:
        """Close every session without telling, and stop."""
        ...

    async def open(
        self,
        session: str,
        *,
        silence_seconds: float | None = None,
        secured: Collection[Side] = (),
        learning: Collection[Side] = (),
    ) -> MediaSession:
        """Lease both ports. `session` is a unique name without white space: the call's id.

        silence_seconds: how long a side that has sent something may then be silent before `Silent` is told; None for ever.
        secured: the sides that may come to speak SRTP. learning: those that `set_remote` may be told to learn.
        Raises NoMediaPorts or MediaUnavailable.
        """
        ...

    def forget(self, session: str) -> None:
        """Free what a session of an earlier process may still hold, where the relay has outlived that."""
        ...
