"""What all sessions of an endpoint share: its settings, its layers, its registers, and the news to tell.

The "UA core" of RFC 3261 section 8 is what stands above the transactions; the sessions are its bigger part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ringbridge.sip.dialog import Field
from ringbridge.sip.errors import MalformedField
from ringbridge.sip.event import Event
from ringbridge.sip.headers import Reason, Via
from ringbridge.sip.hop import DEFAULT_PORTS, Hop
from ringbridge.sip.message import Request, Response, response_to
from ringbridge.sip.schedule import Schedule
from ringbridge.sip.server_transaction import ServerTransaction
from ringbridge.sip.source import Sources
from ringbridge.sip.timers import Timers
from ringbridge.sip.transaction_layer import TransactionLayer

if TYPE_CHECKING:
    from ringbridge.sip.session import Session

ALLOWED_METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "UPDATE", "OPTIONS")
ALLOW = ("Allow", ", ".join(ALLOWED_METHODS))
SUPPORTED = ("Supported", "timer")
SDP = "application/sdp"

MAX_DATAGRAM_OCTETS = 1300
"""A longer request goes over a stream, where one can be had: RFC 3261 section 18.1.1, for a path of 1500 octets."""
WITHOUT_STREAM_SECONDS = 600.0
"""How long a peer that took no connection is not asked for another one."""
MAX_WITHOUT_STREAM = 1000


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
    """Where the owner listens: written in Via and Contact of what goes over that transport."""
    others: tuple[Hop, ...] = ()
    """The same for other transports, at most one each."""
    timers: Timers = field(default_factory=Timers)
    session_expires_seconds: int = 1800
    """How long a session lives without a refresh (RFC 4028)."""
    min_session_expires_seconds: int = 90
    """The least that a peer may ask for; RFC 4028 section 5 forbids less than 90."""
    accepts_invitations: bool = False
    """Whether an INVITE of a known peer becomes `Invited`; else it is answered 403."""
    digest_algorithms: tuple[str, ...] = ("MD5",)
    """What phones that register are asked for, one challenge each, the preferred one first; see `authorization`."""


class Core:
    """The common ground of an endpoint's sessions."""

    def __init__(self, settings: EndpointSettings, randomness: Randomness) -> None:
        self.settings = settings
        self.randomness = randomness
        self.schedule = Schedule()
        self.sources = Sources()
        self.layer = TransactionLayer(settings.timers, self.schedule, self.sources)
        self.sessions: dict[str, Session] = {}
        """By the id that the owner knows; an entry goes as soon as its end was told."""
        self.dialogs: dict[tuple[str, str], Session] = {}
        """By Call-ID and local tag; an entry goes when nothing on the wire needs it any more."""
        self._events: list[Event] = []
        # Peers that took no connection for a long request, and until when they get datagrams.
        self._without_stream: dict[Hop, float] = {}
        self._listeners = {hop.transport: hop for hop in (settings.local, *settings.others)}
        # What goes over a transport that nobody listens for is answered on its own connection.
        for transport, port in DEFAULT_PORTS.items():
            self._listeners.setdefault(transport, Hop(transport, settings.local.host, port))
        self._vias = {transport: _via_of(hop) for transport, hop in self._listeners.items()}
        self._contacts = {transport: _contact_of(hop) for transport, hop in self._listeners.items()}

    def tell(self, event: Event) -> None:
        """Put an event among those to tell."""
        self._events.append(event)

    def take_events(self) -> list[Event]:
        """Return the events to tell, and forget them."""
        events, self._events = self._events, []
        return events

    def new_branch(self) -> str:
        """Draw a branch that no other request has (RFC 3261 section 8.1.1.7)."""
        return f"z9hG4bK{self.randomness.token()}"

    def via(self, branch: str, hop: Hop) -> str:
        """Write our Via with a branch, for what goes to `hop`."""
        return self._vias[hop.transport] + branch

    def contact_for(self, hop: Hop) -> Field:
        """Write our Contact for a peer at `hop`."""
        return self._contacts[hop.transport]

    def is_ours(self, via: Via) -> bool:
        """Whether a Via is one that we have written."""
        listener = self._listeners.get(via.transport)
        return listener is not None and (via.host, via.port) == (listener.host, listener.port)

    def way_to(self, hop: Hop, octets: int, now: float) -> Hop:
        """Which way a request of that length takes to a hop."""
        if hop.reliable or octets <= MAX_DATAGRAM_OCTETS or self._without_stream.get(hop, now) > now:
            return hop
        return hop._replace(transport="TCP")

    def note_without_stream(self, hop: Hop, now: float) -> None:
        """Send datagrams of any length to a hop for a while: it took no connection."""
        if len(self._without_stream) >= MAX_WITHOUT_STREAM:
            self._without_stream.clear()
        self._without_stream[hop] = now + WITHOUT_STREAM_SECONDS

    def answer(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        *,
        headers: Sequence[Field] = (),
        body: bytes = b"",
    ) -> None:
        """Answer a request; all answers but 100 put the same tag on a To that has none."""
        request = transaction.request
        if transaction.to_tag is None and request.to_tag is None:
            transaction.to_tag = self.randomness.token()
        to_tag = None if status == 100 else transaction.to_tag
        transaction.answer(response_to(request, status, to_tag=to_tag, headers=headers, body=body), now)


def _via_of(listener: Hop) -> str:
    """Write a Via up to its branch.

    The answer's port is always asked for (RFC 3581), and a peer is told that it may use a connection of ours for requests
    of its own (RFC 5923 section 5).
    """
    alias = ";alias" if listener.transport in ("TCP", "TLS") else ""
    return f"SIP/2.0/{listener.transport} {listener.sent_by};rport{alias};branch="


def _contact_of(listener: Hop) -> Field:
    # RFC 7118 section 5.2: "ws" stands for both.
    transport = "ws" if listener.transport == "WSS" else listener.transport.lower()
    parameter = "" if transport == "udp" else f";transport={transport}"
    return ("Contact", f"<sip:{listener.sent_by}{parameter}>")


def supports(message: Request | Response, option: str) -> bool:
    """Whether the sender names an extension in Supported."""
    return option in message.headers.all("Supported")


def causes_of(message: Request | Response) -> tuple[int | None, int | None]:
    """Return the causes that the Reason fields give under Q.850 and SIP (RFC 3326)."""
    causes: dict[str, int | None] = {}
    for value in message.headers.all("Reason"):
        try:
            reason = Reason.parse(value)
        except MalformedField:
            continue
        causes.setdefault(reason.protocol.upper(), reason.cause)
    return causes.get("Q.850"), causes.get("SIP")
