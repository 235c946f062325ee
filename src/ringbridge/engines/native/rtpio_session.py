"""One session of the embedded media relay, as commands of the RTPProxy control protocol.

In RTPProxy's words the user is the caller, with the tag `u`, and the destination the callee, with the tag `d`.
`U` tells where the user is and is answered with the port that the destination sends to; `L` is the reverse.

How the source of RTP is pinned. Left alone, RTPProxy takes a phone's address from the first packet that arrives, so
whoever is first gets the call's audio. Three steps together leave no such moment:

- Both ports are leased with the address of no host (RFC 5737, RFC 6666), so there is always one to compare with.
- They are leased in asymmetric mode (modifier `a`), which counts as having learned the address already.
- The phone's address then comes without that modifier: now host and port of every packet are compared, and since
  there is nothing more to learn, what differs is dropped. The same holds for RTCP.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from ringbridge.engines.native.media import FirstPacket, Lost, OnMediaEvent, Side
from ringbridge.engines.native.rtpio_link import WorkerLink
from ringbridge.media.sdp import MediaAddress

WATCH_SECONDS = 0.1

# The address of a phone on hold, RFC 3264 section 8.4.
_NOWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to

# Which side a command means: that side's tag comes first.
_TAGS = {Side.USER: "u d", Side.DESTINATION: "d u"}


def lease_commands(session: str, family: socket.AddressFamily) -> dict[Side, str]:
    """What leases a port for each side, in the order in which it must be asked."""
    modifiers, nobody = ("a6", "100::1") if family == socket.AF_INET6 else ("a", "192.0.2.1")
    return {
        Side.DESTINATION: f"U{modifiers} {session} {nobody} 9 u",
        Side.USER: f"L{modifiers} {session} {nobody} 9 u d",
    }


def leased_port(reply: str) -> int:
    """The port that a reply to a lease names, or 0. The reply is a port and a host, or `0`, or `E` and a number."""
    word = reply.partition(" ")[0]
    return int(word) if word.isdecimal() else 0


def delete_command(session: str) -> str:
    return f"D {session} u d"


class PromptFolder:
    """The worker's current folder, from which it reads prompts.

    RTPProxy splits its commands at blanks, which the path of a prompt may have; so every folder with prompts gets
    a link with a short name here.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._links: dict[Path, str] = {}

    def word(self, prompt: Path) -> str:
        """How a command names this prompt."""
        link = self._links.get(prompt.parent)
        if link is None:
            link = self._links[prompt.parent] = str(len(self._links))
            (self.path / link).symlink_to(prompt.parent.resolve())
        return f"{link}/{prompt.name}"


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
    ) -> None:
        self.name = name
        self._link = link
        self._local = local
        self._folder = folder
        self._on_event = on_event
        self._on_close = on_close
        self._located: set[Side] = set()
        self._played: set[Side] = set()
        self._watched: dict[Side, int | None] = {}  # packets when the watch began; None until counted
        self._polling = False
        self._live = True

    def local(self, side: Side) -> MediaAddress:
        return self._local[side]

    def set_remote(self, side: Side, address: MediaAddress) -> None:
        host, port = address
        if not self._live or host in _NOWHERE:
            return
        self._located.add(side)
        family = "6" if ":" in host else ""
        if side is Side.USER:
            self._link.ask(f"U{family} {self.name} {host} {port} u")
        else:
            self._link.ask(f"L{family} {self.name} {host} {port} u d")

    def play(self, side: Side, prompt: Path, payload_type: int, *, repeat: bool = False) -> None:
        # Without an address it would be sent to the nobody of the lease.
        if not self._live or side not in self._located:
            return
        self._played.add(side)
        times = -1 if repeat else 1
        self._link.ask(f"P{times} {self.name} {self._folder.word(prompt)} {payload_type} {_TAGS[side]}")

    def stop_playing(self, side: Side) -> None:
        if self._live:
            self._played.discard(side)
            self._link.ask(f"S {self.name} {_TAGS[side]}")

    def watch_first_packet(self, side: Side) -> None:
        if not self._live:
            return
        self._watched[side] = None
        self._count()
        if not self._polling:
            self._polling = True
            self._poll_later()

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
        self._watched.clear()

    def _poll_later(self) -> None:
        asyncio.get_running_loop().call_later(WATCH_SECONDS, self._poll)

    def _poll(self) -> None:
        self._polling = bool(self._watched)
        if self._polling:
            self._count()
            self._poll_later()

    def _count(self) -> None:
        self._link.ask(f"Q {self.name} u d", self._counted)

    def _counted(self, reply: str) -> None:
        """The reply is: seconds left, packets from the user, packets from the destination, relayed, dropped.
        Packets of strangers are not in it."""
        words = reply.split()
        if len(words) != 5:
            return
        for side, word in ((Side.USER, words[1]), (Side.DESTINATION, words[2])):
            if side not in self._watched:
                continue
            before = self._watched[side]
            if before is None:
                self._watched[side] = int(word)
            elif int(word) > before:
                del self._watched[side]
                self._on_event(self.name, FirstPacket(side=side))
