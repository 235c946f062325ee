"""One call with one peer, from the first INVITE to the last BYE: what its parts share, and how it ends.

The parts: `invitation` or `reception` for the INVITE that opens it, `negotiation` for later offers, `session_timer`.
Exactly one end is told, whatever comes together on the wire; the wire's own business may go on after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from ringbridge.sip.authentication import Authentication
from ringbridge.sip.core import Core, causes_of
from ringbridge.sip.dialog import Dialog, DialogState, Field
from ringbridge.sip.event import (
    AnsweredLate,
    Ended,
    EndedBy,
    Event,
    RefusalSource,
    Refused,
    Released,
    StrangerHeard,
)
from ringbridge.sip.exchange import Exchange, OnResult, Result, acknowledge, send_in_dialog
from ringbridge.sip.headers import Reason
from ringbridge.sip.hop import Hop
from ringbridge.sip.invitation import Invitation
from ringbridge.sip.message import REASON_PHRASES, Message, Request, Response
from ringbridge.sip.negotiation import Negotiation
from ringbridge.sip.reception import Reception
from ringbridge.sip.server_transaction import ServerTransaction
from ringbridge.sip.session_timer import SessionTimer


class SessionState(Enum):
    """How far a session has come."""

    OPENING = "its first INVITE has no final answer"
    ESTABLISHED = "its first INVITE was answered 2xx"
    LEAVING = "it is over for the owner; BYE is due, but our 2xx has no ACK yet"
    CLOSING = "it is over for the owner; BYE is out"
    OVER = "nothing of it is left on the wire"


class Session:
    """A session. It stands in the core's register of dialogs until nothing of it is left on the wire."""

    __slots__ = (
        "_bye_fields",
        "_has_told_stranger",
        "_hosts",
        "_state",
        "authentication",
        "call_id",
        "core",
        "dialog",
        "id",
        "invitation",
        "local_tag",
        "negotiation",
        "peer_allows_update",
        "reception",
        "timer",
    )

    def __init__(self, core: Core, id_: str, call_id: str, local_tag: str) -> None:
        self.core = core
        self.id = id_
        self.call_id = call_id
        self.local_tag = local_tag
        self.authentication: Authentication | None = None
        self.dialog: Dialog | None = None
        self.invitation: Invitation | None = None
        self.reception: Reception | None = None
        self.negotiation = Negotiation(self)
        self.timer = SessionTimer(core, on_due=self.negotiation.refresh, on_expiry=self._expire)
        self.peer_allows_update = False
        self._state = SessionState.OPENING
        self._hosts: tuple[str, ...] = ()
        self._has_told_stranger = False
        self._bye_fields: tuple[Field, ...] = ()

    @property
    def owns_call_id(self) -> bool:
        """Whether the first INVITE was ours: then we wait the longer after glare (RFC 3261 section 14.1)."""
        return self.reception is None

    @property
    def contact(self) -> Field:
        """Our Contact as this dialog's peer is to use it."""
        assert self.dialog is not None  # only messages of the dialog say so
        return self.core.contact_for(self.dialog.hop)

    def dialog_state(self) -> DialogState | None:
        """Return what is needed to end this session after a restart."""
        if self.dialog is not None:
            return self.dialog.state(is_confirmed=self._state is not SessionState.OPENING)
        return None if self.invitation is None else self.invitation.state()

    # How it begins

    def register(self) -> None:
        """Let what comes for its dialog find it."""
        self.core.dialogs[self.call_id, self.local_tag] = self

    def take_up(self, state: DialogState, now: float, fields: tuple[Field, ...]) -> None:
        """Take a session over from a process that is gone, to end it; `fields` say why.

        It is not in the register of ids, so that only its release is told: the owner has called it over.
        """
        self.register()
        if state.is_confirmed:
            self.dialog = Dialog.of_state(state)
            self.watch_hosts()
            self.end_with_bye(EndedBy.LOCAL, now, *fields)
        else:
            assert state.invite_branch is not None  # the peer's own INVITE is nothing for us to end
            self.invitation = Invitation(self, state.hop, pinned=state.pinned)
            self.invitation.resume(state, state.invite_branch)
            self.invitation.leave(now, fields)

    def take_up_answer(self, answer: Response, branch: str, source: Hop, now: float) -> None:
        """Take up an INVITE of which nothing is known but this 2xx, to end what came of it."""
        self.register()
        state = DialogState(
            call_id=self.call_id,
            local_uri=answer.headers.get("From") or "",
            remote_uri=answer.headers.get("To") or "",
            local_sequence=answer.cseq.number,
            remote_sequence=None,
            route_set=(),
            remote_target=str(answer.to.uri),
            hop=source,
            invite_branch=branch,
            is_confirmed=False,
        )
        self.invitation = Invitation(self, source, pinned=False)
        self.invitation.resume(state, branch)
        self.core.layer.receive_response(answer, source, now)

    def establish(self, message: Message) -> None:
        """The first INVITE was answered 2xx; `message` is the peer's part of that."""
        self._state = SessionState.ESTABLISHED
        self.invitation = None
        self.peer_allows_update = "UPDATE" in message.headers.all("Allow")
        self.watch_hosts()

    def watch_hosts(self) -> None:
        """Let packets in from where the dialog's peer may be, and from nowhere else on its account."""
        old, new = self._hosts, () if self.dialog is None else self.dialog.hosts()
        if old != new:
            for host in new:
                self.core.sources.hold(host)
            for host in old:
                self.core.sources.release(host)
            self._hosts = new

    # Requests within the dialog

    def owns(self, request: Request) -> bool:
        """Whether a request that names this Call-ID and our tag also names the peer's tag."""
        if self.dialog is not None:
            return self.dialog.remote_tag == request.from_tag
        return self.invitation is not None and self.invitation.has_early_dialog(request.from_tag)

    def expects(self, source: Hop) -> bool:
        """Whether requests of this dialog may come from there: from its own hosts, or from any peer we trust."""
        is_invited = self.invitation is not None and self.invitation.hop.host == source.host
        return is_invited or source.host in self._hosts or self.core.sources.knows_host(source.host)

    def drop(self, request: Request, source: Hop) -> None:
        """Take no notice of a request from where it may not come from, but say so once."""
        if not self._has_told_stranger:
            self._has_told_stranger = True
            self.tell(StrangerHeard(session=self.id, method=request.method, source=source))

    def receive(self, transaction: ServerTransaction, now: float) -> None:
        """Answer a BYE, re-INVITE or UPDATE of the dialog's peer."""
        if self.invitation is not None:
            self.invitation.receive(transaction, now)
            return
        assert self.dialog is not None  # else the request had been nobody's
        if not self.dialog.accepts_sequence(transaction.request.cseq.number):
            self.core.answer(transaction, 500, now)
        elif transaction.request.method == "BYE":
            self.core.answer(transaction, 200, now)
            self._take_bye(transaction.request, now)
        elif self._state in (SessionState.LEAVING, SessionState.CLOSING):
            # RFC 5407 section 3.2.3: it crossed our BYE, and the dialog is no more.
            self.core.answer(transaction, 481, now)
        else:
            self.negotiation.receive(transaction, now)

    def receive_ack(self, ack: Request, now: float) -> None:
        """Take an ACK for one of our 2xx."""
        if self.reception is not None:
            self.reception.receive_ack(ack, now)
            self._send_due_bye(now)
        self.negotiation.receive_ack(ack, now)

    def take_implied_ack(self, now: float) -> None:
        """Take it that the peer had our first 2xx, since it has gone on."""
        if self.reception is not None:
            self.reception.take_ack(b"", now)

    def refresh_target(self, message: Message) -> None:
        """Follow the peer to the Contact that it now gives."""
        assert self.dialog is not None  # only messages of the dialog say so
        self.dialog.refresh_target(message)
        self.watch_hosts()

    def send(
        self, method: str, on_result: OnResult, now: float, *, extra: Sequence[Field], body: bytes = b""
    ) -> Exchange:
        """Send a request within the dialog."""
        assert self.dialog is not None  # the parts that send only work within it
        return send_in_dialog(
            self.core, self.dialog, self.authentication, method, on_result, now, extra=extra, body=body
        )

    def acknowledge(self, invite: Request) -> None:
        """Acknowledge the 2xx to a re-INVITE of ours."""
        assert self.dialog is not None  # there was a re-INVITE
        acknowledge(self.core, self.dialog, invite)

    # How it ends

    def hang_up(self, now: float, reason: Reason | None) -> None:
        """End it as the owner wishes; nothing that crosses this changes it."""
        fields: tuple[Field, ...] = () if reason is None else (("Reason", str(reason)),)
        if self._state is SessionState.ESTABLISHED:
            self.end_with_bye(EndedBy.LOCAL, now, *fields)
        elif self.invitation is not None:
            self.tell_refused(487, REASON_PHRASES[487], None, RefusalSource.LOCAL)
            self.invitation.leave(now, fields)
        else:
            self.reject(603, now, reason)

    def reject(self, status: int, now: float, reason: Reason | None) -> None:
        """Refuse the peer's INVITE; too late once it is answered."""
        if self._state is SessionState.OPENING and self.reception is not None:
            self.reception.refuse(status, now, *(() if reason is None else (("Reason", str(reason)),)))
            self.tell_ended(EndedBy.LOCAL, None, None)
            self.finish(now)

    def end_with_bye(self, by: EndedBy, now: float, *fields: Field) -> None:
        """End an established session from our side."""
        self.tell_ended(by, None, None)
        self.timer.stop()
        self.negotiation.close(now)
        self._leave(now, fields)

    def end_late(self, dialog: Dialog, now: float, fields: tuple[Field, ...]) -> None:
        """End what came of an INVITE that was given up; `fields` say why."""
        self.invitation = None
        self.dialog = dialog
        self.watch_hosts()
        self.core.tell(AnsweredLate(session=self.id, dialog=dialog.state(is_confirmed=True)))
        self._leave(now, fields)

    def ack_missing(self, now: float) -> None:
        """Our 2xx was never acknowledged."""
        if self.reception is not None:
            self.reception.stop()
        if self._state is SessionState.LEAVING:
            self._send_due_bye(now)
        else:
            self.end_with_bye(EndedBy.NO_ACK, now)

    def tell(self, event: Event) -> None:
        """Tell the owner something, unless its end was told before."""
        # The owner may have given the id to another session since.
        if self.core.sessions.get(self.id) is self:
            self.core.tell(event)

    def tell_refused(
        self,
        status: int,
        reason: str,
        q850: int | None,
        source: RefusalSource,
        retry_after_seconds: int | None = None,
    ) -> None:
        """Tell that our INVITE came to nothing."""
        self._tell_last(
            Refused(
                session=self.id,
                status=status,
                reason=reason,
                q850=q850,
                source=source,
                retry_after_seconds=retry_after_seconds,
            )
        )

    def tell_ended(self, by: EndedBy, q850: int | None, sip_cause: int | None) -> None:
        """Tell the end of the session."""
        self._tell_last(Ended(session=self.id, by=by, q850=q850, sip_cause=sip_cause))

    def finish(self, now: float, *, was_answered: bool = True) -> None:
        """Leave the registers: what still comes for this dialog is answered 481."""
        if self._state is SessionState.OVER:
            # The peer's BYE crossed ours.
            return
        self._state = SessionState.OVER
        self.invitation = None
        self.timer.close()
        self.negotiation.close(now)
        # It may still owe an ACK, and has this session for that; nothing leads from here to it any more.
        del self.negotiation
        self.core.dialogs.pop((self.call_id, self.local_tag), None)
        for host in self._hosts:
            self.core.sources.release(host)
        self._hosts = ()
        self.core.tell(Released(session=self.id, was_answered=was_answered))

    def _tell_last(self, event: Event) -> None:
        if self.core.sessions.get(self.id) is self:
            del self.core.sessions[self.id]
            self.core.tell(event)

    def _expire(self, now: float) -> None:
        self.end_with_bye(EndedBy.SESSION_EXPIRED, now)

    def _leave(self, now: float, fields: tuple[Field, ...]) -> None:
        self._state = SessionState.LEAVING
        self._bye_fields = fields
        self._send_due_bye(now)

    def _send_due_bye(self, now: float) -> None:
        awaits_ack = self.reception is not None and self.reception.awaits_ack
        if self._state is SessionState.LEAVING and not awaits_ack:
            self._state = SessionState.CLOSING
            self.send("BYE", self._bye_answered, now, extra=self._bye_fields)

    def _bye_answered(self, exchange: Exchange, result: Result, source: Hop, now: float) -> None:
        if not isinstance(result, Response):
            self.finish(now, was_answered=False)
        elif result.status >= 200:
            self.finish(now)

    def _take_bye(self, bye: Request, now: float) -> None:
        if self.reception is not None:
            # RFC 3261 section 15.1.2: an INVITE that is still open is refused.
            self.reception.refuse(487, now)
            self.reception.stop()
        self.tell_ended(EndedBy.PEER, *causes_of(bye))
        self.finish(now)
