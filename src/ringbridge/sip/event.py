"""What the endpoint tells its owner: one frozen value for each thing that happened to a session.

An event is news, not a question, but for two: `Invited` and `Offered` wait for the owner's decision.
Every session ends with exactly one `Refused` or `Ended`. After it come only `AnsweredLate`, if the peer picks up all
the same, and at last exactly one `Released`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ringbridge.sip.dialog import DialogState
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request


class RefusalSource(Enum):
    """Who ended an INVITE of ours before a dialog came of it."""

    PEER = "peer"
    """A final answer of the other side."""
    TIMEOUT = "timeout"
    """No answer at all within 64*T1 (Timer B)."""
    TRANSPORT = "transport"
    """The network said that nobody listens there."""
    AUTHENTICATION = "authentication"
    """A challenge that cannot or must not be answered, or answered in vain."""
    LOCAL = "local"
    """The owner hung up first."""


class EndedBy(Enum):
    """Who or what ended a session."""

    PEER = "peer"
    """The other side: BYE, or CANCEL of its own INVITE."""
    LOCAL = "local"
    """The owner: `hang_up` or `reject`."""
    NO_ACK = "no ack"
    """Our 2xx was never acknowledged (RFC 3261 section 13.3.1.4)."""
    SESSION_EXPIRED = "session expired"
    """Nobody refreshed the session in time (RFC 4028 section 10)."""
    NO_RESPONSE = "no response"
    """A request within the dialog got 408, 481 or no answer (RFC 3261 section 12.2.1.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """Our INVITE got a provisional answer other than 100, from any of its forks."""

    session: str
    status: int
    body: bytes
    content_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Our INVITE got its first 2xx; the ACK is already among the packets to send."""

    session: str
    body: bytes
    dialog: DialogState
    user_agent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Our INVITE is over and no dialog came of it."""

    session: str
    status: int
    """The final answer's status; 408, 503 or 487 where there was none."""
    reason: str
    """The final answer's reason phrase."""
    q850: int | None
    """The cause of the answer's `Reason: Q.850` (RFC 3326)."""
    source: RefusalSource
    retry_after_seconds: int | None = None
    """For how long the peer asks not to be asked again (RFC 3261 section 20.33)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """The peer sent re-INVITE or UPDATE: `answer_offer` or `reject_offer` must follow.

    An empty body is a re-INVITE without an offer: the answer then carries ours, and `OfferAnswered`
    brings what the ACK said.
    """

    session: str
    body: bytes
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAnswered:
    """An offer of ours was accepted; the body is the answer."""

    session: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRefused:
    """An offer of ours was refused for good; the session goes on as it was (RFC 3261 section 14.1)."""

    session: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The session is over; BYE was sent or answered, or the peer's INVITE got its final answer."""

    session: str
    by: EndedBy
    q850: int | None
    """The cause of the peer's `Reason: Q.850`."""
    sip_cause: int | None
    """The cause of the peer's `Reason: SIP`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A known peer calls: `accept` or `reject` must follow, and `ring` may come before. 100 was sent already."""

    session: str
    request: Request
    source: Hop


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """The ACK for our 2xx to the peer's first INVITE came; its body is an answer if the 2xx offered."""

    session: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerHeard:
    """A request named this dialog by Call-ID and tags but came from where nobody may speak of it, and was dropped.

    Told once for a session: either somebody forges, or a host of the peer's is not configured.
    """

    session: str
    method: str
    source: Hop


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredLate:
    """Our INVITE got a 2xx after it was given up; its ACK and BYE are already among the packets to send."""

    session: str
    dialog: DialogState


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Nothing on the wire needs the session any more: its BYE or CANCEL had its effect, or its time.

    Until then `resume_to_end` may be needed after a restart, and the id should not be given to another session.
    """

    session: str
    was_answered: bool = True
    """Whether the peer has said the last word. False where it may still believe in the call: it was not reached."""


Event = (
    Progressed
    | Answered
    | Refused
    | Offered
    | OfferAnswered
    | OfferRefused
    | Ended
    | Invited
    | Acknowledged
    | StrangerHeard
    | AnsweredLate
    | Released
)
