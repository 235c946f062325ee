"""The port to whatever relays RTP and plays prompts.

This is what the engine may ask of a media relay, and what a relay may tell the engine. It is not a relay:
`rtpio` is one. It carries addresses and names of files, never audio and never SDP (that is `ringbridge.media`).

A session has two sides. A port for each side is leased when the session opens, so that a call which cannot have
audio is refused before any phone rings. From then on commands are queued and take effect in the order given;
none of them is awaited, because an INVITE must not wait for a relay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from ringbridge.media.sdp import MediaAddress


class Side(Enum):
    """Whom a port of a session talks to."""

    USER = "user"
    DESTINATION = "destination"


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
class Lost:
    """The relay forgot this session, because it died. The session is closed and tells nothing more."""


MediaEvent = FirstPacket | Lost

OnMediaEvent = Callable[[str, MediaEvent], None]
"""Called in the event loop with the session's name; it must not block, and may close the session."""


class MediaSession(Protocol):
    """Two leased ports. All methods return at once; after `close` or `Lost` all of them do nothing."""

    def local(self, side: Side) -> MediaAddress:
        """The address to write into the SDP that is sent to this side."""
        ...

    def set_remote(self, side: Side, address: MediaAddress) -> None:
        """Send to `address`, and accept RTP of this side from nowhere else. May be repeated (re-INVITE).

        The address of zeros, with which old phones hold a call, changes nothing.
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

    def watch_first_packet(self, side: Side) -> None:
        """Ask for one `FirstPacket` when RTP from this side's phone arrives (early media)."""
        ...

    def close(self) -> None:
        """Release both ports at once. May be repeated."""
        ...


class MediaRelay(Protocol):
    """One for the process. `start` before the first session; also an async context manager."""

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

    async def open(self, session: str) -> MediaSession:
        """Lease both ports. `session` is a unique name without white space: the call's id.

        Raises NoMediaPorts or MediaUnavailable.
        """
        ...
