"""The peer's INVITE up to its end: ring, accept, refuse, CANCEL, and the wait for the ACK (RFC 3261 sections 9.2, 13.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringbridge.sip.acceptance import Acceptance
from ringbridge.sip.core import ALLOW, SDP, SUPPORTED, causes_of
from ringbridge.sip.dialog import Field
from ringbridge.sip.event import Acknowledged, EndedBy, Invited
from ringbridge.sip.message import Request
from ringbridge.sip.server_transaction import ServerTransaction

if TYPE_CHECKING:
    from ringbridge.sip.session import Session


class Reception:
    """The INVITE that opens a session of the peer's."""

    __slots__ = ("_acceptance", "_offer", "_session", "_transaction")

    def __init__(self, session: Session, transaction: ServerTransaction, now: float) -> None:
        self._session = session
        # None once it has its final answer.
        self._transaction: ServerTransaction | None = transaction
        self._acceptance: Acceptance | None = None
        # The body of our 2xx where it is an offer, because the INVITE made none.
        self._offer: bytes | None = None
        transaction.to_tag = session.local_tag
        transaction.on_cancel = self._cancelled
        core = session.core
        core.answer(transaction, 100, now)
        core.tell(Invited(session=session.id, request=transaction.request, source=transaction.source))

    @property
    def awaits_ack(self) -> bool:
        """Whether our 2xx is out and its ACK is not in: there can be no BYE yet (RFC 3261 section 15)."""
        return self._acceptance is not None

    def ring(self, status: int, body: bytes, now: float) -> None:
        """Answer provisionally; too late once it has its final answer."""
        if self._transaction is not None:
            self._answer(self._transaction, status, body, now)

    def accept(self, body: bytes, now: float) -> None:
        """Answer 200; too late once it has its final answer."""
        if self._transaction is None:
            return
        session, transaction = self._session, self._transaction
        request = transaction.request
        self._transaction = None
        expires = session.timer.settle_as_called(request, now)
        self._answer(transaction, 200, body, now, SUPPORTED, *expires)
        self._acceptance = Acceptance(session.core, transaction, session.ack_missing, now)
        session.establish(request)
        if request.body:
            session.negotiation.open(body, now)
        else:
            self._offer = body

    def refuse(self, status: int, now: float, *fields: Field) -> None:
        """Answer with a refusal, if there was no final answer yet."""
        if self._transaction is not None:
            transaction, self._transaction = self._transaction, None
            session = self._session
            session.core.answer(transaction, status, now, headers=fields)

    def receive_ack(self, ack: Request, now: float) -> None:
        """Take an ACK within the dialog."""
        if self._acceptance is not None and self._acceptance.matches(ack):
            self.take_ack(ack.body, now)

    def take_ack(self, body: bytes, now: float) -> None:
        """Take it that the peer has our 2xx; the body is its answer, where our 2xx made the offer."""
        if self._acceptance is None:
            return
        self.stop()
        session = self._session
        session.tell(Acknowledged(session=session.id, body=body))
        if self._offer is not None:
            session.negotiation.open(self._offer, now)

    def stop(self) -> None:
        """Repeat the 2xx no more."""
        if self._acceptance is not None:
            self._acceptance.stop()
            self._acceptance = None

    def _cancelled(self, cancel: Request, now: float) -> None:
        session = self._session
        self.refuse(487, now)
        session.tell_ended(EndedBy.PEER, *causes_of(cancel))
        session.finish(now)

    def _answer(
        self, transaction: ServerTransaction, status: int, body: bytes, now: float, *fields: Field
    ) -> None:
        session = self._session
        headers = [session.contact, ALLOW, *fields]
        if body:
            headers.append(("Content-Type", SDP))
        session.core.answer(transaction, status, now, headers=headers, body=body)
