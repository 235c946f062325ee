"""Offers and answers of a session once its first INVITE is answered: re-INVITE and UPDATE, both ways.

RFC 3261 section 14, RFC 3311, and the refreshes of RFC 4028, which are requests of the same kind. One offer at a time:
a second one of ours waits, a second one of the peer's is refused. What the bodies say is the owner's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

from ringbridge.sip.acceptance import Acceptance
from ringbridge.sip.client_transaction import NoAnswer
from ringbridge.sip.core import ALLOW, SDP, SUPPORTED
from ringbridge.sip.dialog import Field
from ringbridge.sip.event import EndedBy, OfferAnswered, Offered, OfferRefused
from ringbridge.sip.exchange import Exchange, Result
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response
from ringbridge.sip.schedule import Alarm
from ringbridge.sip.server_transaction import ServerTransaction
from ringbridge.sip.session_timer import is_too_short

if TYPE_CHECKING:
    from ringbridge.sip.session import Session

MAX_GLARE_RETRIES = 10
"""Each retry meets another offer of the peer's; some end has to give in."""


class NegotiationState(Enum):
    """Whose turn it is."""

    OPENING = "the first INVITE is not answered yet"
    IDLE = "nothing is open"
    OFFERING = "a request of ours is out"
    YIELDING = "ours met one of the peer's; it waits for its second try"
    ANSWERING = "the owner has to answer the peer's"
    OVER = "the session is over"


class Negotiation:
    """The offers of one session."""

    __slots__ = (
        "_acceptance",
        "_alarm",
        "_exchange",
        "_glares",
        "_is_refresh",
        "_is_refresh_due",
        "_offered_in_answer",
        "_queued",
        "_request",
        "_session",
        "agreed_body",
        "state",
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self.state = NegotiationState.OPENING
        self.agreed_body = b""
        """Our last body that the peer accepted; a refresh says it again."""
        self._queued: bytes | None = None
        self._exchange: Exchange | None = None
        self._is_refresh = False
        self._is_refresh_due = False
        self._glares = 0
        self._alarm: Alarm | None = None
        self._request: ServerTransaction | None = None
        self._acceptance: Acceptance | None = None
        self._offered_in_answer = False

    def open(self, agreed_body: bytes, now: float) -> None:
        """Begin: the first INVITE is answered, with this body of ours; too late once the session is over."""
        if self.state is NegotiationState.OVER:
            return
        self.agreed_body = agreed_body
        self._become_idle(now)

    def close(self, now: float) -> None:
        """Stop: the session is over. A re-INVITE that is still open is refused (RFC 3261 section 15.1.2)."""
        core = self._session.core
        core.schedule.disarm(self._alarm)
        if self._request is not None:
            core.answer(self._request, 487, now)
            self._request = None
        self._stop_acceptance()
        if self.state is NegotiationState.OFFERING and self._exchange is not None:
            self._exchange.stop_trying()
            if self._exchange.transaction.request.method == "INVITE":
                # The peer's BYE, or its answer to ours, should bring the re-INVITE's end; it may not.
                seconds = core.settings.timers.transaction_seconds
                core.schedule.arm(now + seconds, self._exchange.transaction.abandon)
        # It has this object until its transaction is over: apart they are freed then, without the collector.
        self._exchange = None
        self.state = NegotiationState.OVER

    # Offers of ours

    def offer(self, body: bytes, now: float) -> None:
        """Offer by re-INVITE, as soon as nothing else is open; a newer offer takes a waiting one's place."""
        self._queued = body
        if self.state is NegotiationState.IDLE:
            self._become_idle(now)

    def refresh(self, now: float) -> None:
        """Refresh the session: by UPDATE if the peer knows it, else by re-INVITE (RFC 4028 section 7.4).

        Whatever is open just now refreshes it, too, if it succeeds; else the refresh follows it.
        """
        if self.state is not NegotiationState.IDLE:
            self._is_refresh_due = True
        elif self._session.peer_allows_update:
            self._send("UPDATE", b"", now, is_refresh=True)
        else:
            self._send("INVITE", self.agreed_body, now, is_refresh=True)

    def _become_idle(self, now: float) -> None:
        self._glares = 0
        self._send_queued(now)

    def _send_queued(self, now: float) -> None:
        self.state = NegotiationState.IDLE
        queued, self._queued = self._queued, None
        if queued is not None:
            self._send("INVITE", queued, now, is_refresh=False)
        elif self._is_refresh_due:
            self._is_refresh_due = False
            self.refresh(now)

    def _send(self, method: str, body: bytes, now: float, *, is_refresh: bool) -> None:
        session = self._session
        self.state = NegotiationState.OFFERING
        self._is_refresh = is_refresh
        extra = [session.contact, ALLOW, SUPPORTED, *session.timer.request_fields()]
        if body:
            extra.append(("Content-Type", SDP))
        self._exchange = session.send(method, self._receive, now, extra=extra, body=body)
        # Timer B stops at a 100 that nothing may follow; an offer must not stay open for ever.
        self._alarm = session.core.schedule.arm(
            now + session.core.settings.timers.transaction_seconds, self._give_up
        )

    def _give_up(self, now: float) -> None:
        self._session.end_with_bye(EndedBy.NO_RESPONSE, now)

    def _receive(self, exchange: Exchange, result: Result, source: Hop, now: float) -> None:
        if isinstance(result, Response):
            if result.status < 200:
                return
            if result.status < 300 and result.cseq.method == "INVITE":
                # Each 2xx gets its ACK, whatever became of the session (RFC 3261 section 13.2.2.4).
                self._session.acknowledge(exchange.transaction.request)
        if self.state is NegotiationState.OFFERING and exchange is self._exchange:
            self._conclude(exchange, result, now)

    def _conclude(self, exchange: Exchange, result: Result, now: float) -> None:
        session = self._session
        status = result.value if isinstance(result, NoAnswer) else result.status
        session.core.schedule.disarm(self._alarm)
        if isinstance(result, Response) and status < 300:
            self._succeed(exchange.transaction.request, result, now)
        elif status == 491 and self._glares < MAX_GLARE_RETRIES:
            self._yield(exchange.transaction.request, now)
        elif status == 422 and isinstance(result, Response) and session.timer.raise_interval(result):
            request = exchange.transaction.request
            self._send(request.method, request.body, now, is_refresh=self._is_refresh)
        elif status in (408, 481):
            # RFC 3261 section 12.2.1.2: the peer does not know this dialog any more.
            session.end_with_bye(EndedBy.NO_RESPONSE, now)
        else:
            # A refresh that is refused is not tried again: the session ends when it expires (RFC 4028 section 10).
            if not self._is_refresh:
                session.tell(OfferRefused(session=session.id, status=status))
            self._become_idle(now)

    def _succeed(self, request: Request, answer: Response, now: float) -> None:
        session = self._session
        session.refresh_target(answer)
        session.timer.settle_as_caller(answer, now)
        self._is_refresh_due = False
        if not self._is_refresh:
            self.agreed_body = request.body
            session.tell(OfferAnswered(session=session.id, body=answer.body))
        self._become_idle(now)

    def _yield(self, request: Request, now: float) -> None:
        """Wait before the second try: RFC 3261 section 14.1, in units of 10 ms."""
        core = self._session.core
        if self._session.owns_call_id:
            seconds = 2.1 + int(core.randomness.fraction() * 191) / 100
        else:
            seconds = int(core.randomness.fraction() * 201) / 100
        self.state = NegotiationState.YIELDING
        self._glares += 1
        if self._is_refresh:
            self._is_refresh_due = True
        elif self._queued is None:
            self._queued = request.body
        self._alarm = core.schedule.arm(now + seconds, self._send_queued)

    # Offers of the peer

    def receive(self, transaction: ServerTransaction, now: float) -> None:
        """Take a re-INVITE or UPDATE within the dialog."""
        session, request = self._session, transaction.request
        core = session.core
        is_invite = request.method == "INVITE"
        has_offer = is_invite or bool(request.body)
        min_seconds = core.settings.min_session_expires_seconds
        if is_too_short(request, min_seconds):
            core.answer(transaction, 422, now, headers=[("Min-SE", str(min_seconds))])
        elif self.state is NegotiationState.OPENING or (
            has_offer and self.state is NegotiationState.ANSWERING
        ):
            # RFC 3261 section 14.2, RFC 3311 section 5.2: the first one is not answered yet.
            seconds = int(core.randomness.fraction() * 11)
            core.answer(transaction, 500, now, headers=[("Retry-After", str(seconds))])
        elif not has_offer:
            session.refresh_target(request)
            self._accept(transaction, b"", now)
        elif self.state is NegotiationState.OFFERING:
            core.answer(transaction, 491, now)
        else:
            if is_invite:
                # Whoever re-INVITEs has had our last 2xx; only the ACK was lost (RFC 5407 section 3.1.4).
                self._stop_acceptance()
                session.take_implied_ack(now)
            self._take_offer(transaction, now)

    def answer(self, body: bytes, now: float) -> None:
        """Answer the peer's offer; too late if there is none any more."""
        if self._request is None:
            return
        transaction, self._request = self._request, None
        self.agreed_body = body
        self._accept(transaction, body, now)
        if transaction.request.method == "INVITE":
            self._offered_in_answer = not transaction.request.body
            self._acceptance = Acceptance(self._session.core, transaction, self._session.ack_missing, now)
        if not self._offered_in_answer:
            self._become_idle(now)

    def reject(self, status: int, now: float) -> None:
        """Refuse the peer's offer; too late if there is none any more."""
        if self._request is None:
            return
        transaction, self._request = self._request, None
        self._session.core.answer(transaction, status, now)
        self._become_idle(now)

    def receive_ack(self, ack: Request, now: float) -> None:
        """Take the ACK for our 2xx to a re-INVITE."""
        if self._acceptance is None or not self._acceptance.matches(ack):
            return
        self._stop_acceptance()
        if self._offered_in_answer:
            self._offered_in_answer = False
            self._session.tell(OfferAnswered(session=self._session.id, body=ack.body))
            self._become_idle(now)

    def _stop_acceptance(self) -> None:
        if self._acceptance is not None:
            self._acceptance.stop()
            self._acceptance = None

    def _take_offer(self, transaction: ServerTransaction, now: float) -> None:
        session, request = self._session, transaction.request
        # A try of ours that waits for its time follows the peer's, out of the queue.
        session.core.schedule.disarm(self._alarm)
        self.state = NegotiationState.ANSWERING
        self._request = transaction
        transaction.on_cancel = self._cancelled
        if request.method == "INVITE":
            # The owner may have to ask somebody else first (RFC 3261 section 17.2.1).
            session.core.answer(transaction, 100, now)
        session.refresh_target(request)
        session.tell(Offered(session=session.id, body=request.body, method=request.method))

    def _cancelled(self, cancel: Request, now: float) -> None:
        self.reject(487, now)

    def _accept(self, transaction: ServerTransaction, body: bytes, now: float) -> None:
        session = self._session
        self._is_refresh_due = False
        fields: Sequence[Field] = (
            session.contact,
            ALLOW,
            SUPPORTED,
            *session.timer.settle_as_called(transaction.request, now),
            *((("Content-Type", SDP),) if body else ()),
        )
        session.core.answer(transaction, 200, now, headers=fields, body=body)
