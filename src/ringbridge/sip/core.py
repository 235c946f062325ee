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
from ringbridge.sip.headers import Reason
from ringbridge.sip.hop import Hop
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
    """How long a session lives without a refresh (RFC 4028)."""
    min_session_expires_seconds: int = 90
    """The least that a peer may ask for; RFC 4028 section 5 forbids less than 90."""
    accepts_invitations: bool = False
    """Whether an INVITE of a known peer becomes `Invited`; else it is answered 403."""


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
        local = settings.local
        host = f"[{local.host}]" if ":" in local.host else local.host
        self._via = f"SIP/2.0/{local.transport} {host}:{local.port};rport;branch="
        transport = "" if local.transport == "UDP" else f";transport={local.transport.lower()}"
        self.contact = ("Contact", f"<sip:{host}:{local.port}{transport}>")

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

    def via(self, branch: str) -> str:
        """Write our Via with a branch; the answer's port is always asked for (RFC 3581)."""
        return self._via + branch

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
