"""The endpoint: the whole face of this package. Bytes and ``now`` in; packets, events, next deadline out.

It opens no socket, arms no timer and draws no random number itself. After every call in, the owner takes
``packets_to_send``, ``events`` and ``next_deadline``. ``now`` is seconds of a clock that never goes back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ringbridge.sip.dialog import DialogState
from ringbridge.sip.digest import Credentials
from ringbridge.sip.event import Event
from ringbridge.sip.headers import Reason
from ringbridge.sip.hop import Hop
from ringbridge.sip.timers import Timers


class Packet(NamedTuple):
    """One datagram to send."""

    data: bytes
    hop: Hop


class Randomness(Protocol):
    """Where tags, branches, Call-IDs and waiting times come from."""

    def token(self) -> str:
        """At least 64 random bits as URL-safe text."""
        ...

    def fraction(self) -> float:
        """A number from 0 up to, but not including, 1."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """What does not change while the endpoint lives."""

    local: Hop
    """The address written in Via and Contact; the owner's socket is bound to it."""
    timers: Timers = field(default_factory=Timers)
    session_expires_seconds: int = 1800
    min_session_expires_seconds: int = 90
    accepts_invitations: bool = False
    """Whether an INVITE of a known peer becomes ``Invited``; else it is answered 403."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCounts:
    """How much the endpoint holds now, and what it has dropped since the start."""

    sessions: int
    client_transactions: int
    server_transactions: int
    live_addresses: int
    alarms: int
    dropped_unknown_source: int
    dropped_malformed: int
    dropped_unmatched: int


class Endpoint:
    """A SIP user agent for many sessions at once.

    An unknown or ended session is never an error: what the owner asks of it is late, and is ignored.
    """

    def __init__(self, settings: EndpointSettings, randomness: Randomness) -> None: ...

    # What comes in

    def receive_packet(self, data: bytes, source: Hop, now: float) -> None: ...

    def receive_send_failure(self, hop: Hop, now: float) -> None:
        """The network reports that nobody listens at ``hop``: what waits for a first answer from there fails."""

    def handle_deadline(self, now: float) -> None:
        """Do what is due at ``now``; calling early or late does no harm."""

    # What goes out

    def packets_to_send(self) -> list[Packet]: ...

    def events(self) -> list[Event]: ...

    def next_deadline(self) -> float | None: ...

    @property
    def counts(self) -> EndpointCounts: ...

    # Peers

    def set_known_peers(self, peers: Collection[tuple[str, int]]) -> None: ...

    # Calls that we make

    def invite(
        self,
        *,
        target: str,
        hop: Hop,
        from_: str,
        to: str,
        body: bytes,
        content_type: str = "application/sdp",
        headers: Sequence[tuple[str, str]] = (),
        credentials: Credentials | None = None,
        session: str | None = None,
        now: float,
    ) -> str:
        """Send an INVITE; returns the session's id, drawn here unless given."""

    def resume_to_end(self, dialog: DialogState, now: float, *, reason: Reason | None = None) -> None:
        """After a restart: end what the last process left. No event follows; the owner has called it over."""

    # Calls that come in

    def ring(self, session: str, now: float, *, status: int = 180, body: bytes = b"") -> None: ...

    def accept(self, session: str, body: bytes, now: float) -> None: ...

    def reject(self, session: str, status: int, now: float, *, reason: Reason | None = None) -> None: ...

    # Any session

    def hang_up(self, session: str, now: float, *, reason: Reason | None = None) -> None:
        """End the session whatever crosses it on the wire.

        ``Refused`` (LOCAL) or ``Ended`` (LOCAL) comes at once; CANCEL, ACK, BYE and their repeats are
        the endpoint's own business from then on.
        """

    def offer(self, session: str, body: bytes, now: float) -> None: ...

    def answer_offer(self, session: str, body: bytes, now: float) -> None: ...

    def reject_offer(self, session: str, status: int, now: float) -> None: ...

    def dialog(self, session: str) -> DialogState | None: ...
