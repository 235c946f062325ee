"""Our INVITE up to its end: progress, answer, forks, refusal, CANCEL (RFC 3261 sections 9.1, 13.2; RFC 5407).

Giving up is final, whatever crosses it: CANCEL waits for a provisional answer, and each 2xx that nobody wants any
more, or that comes from a second fork, gets its ACK and a BYE.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

from ringbridge.sip.client_transaction import ClientTransaction, NoAnswer, cancel
from ringbridge.sip.core import ALLOW, SUPPORTED, causes_of
from ringbridge.sip.dialog import Dialog, DialogState, Field
from ringbridge.sip.errors import LocalUseError, MalformedField
from ringbridge.sip.event import Answered, Progressed, RefusalSource
from ringbridge.sip.exchange import Exchange, Result, acknowledge, ignore, send_in_dialog
from ringbridge.sip.grammar import read_seconds
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import REASON_PHRASES, Request, Response
from ringbridge.sip.reliable_progress import OPTION, ReliableProgress, is_required_by
from ringbridge.sip.schedule import Alarm
from ringbridge.sip.server_transaction import ServerTransaction
from ringbridge.sip.transaction import ClientState

if TYPE_CHECKING:
    from ringbridge.sip.session import Session

MAX_FORKS = 16
"""More phones do not answer one call; whoever answers with ever new tags is left without ACK."""


_SOURCES = {
    NoAnswer.TIMEOUT: RefusalSource.TIMEOUT,
    NoAnswer.SEND_FAILURE: RefusalSource.TRANSPORT,
}


class InvitationState(Enum):
    """What is wanted of our INVITE."""

    INVITING = "an answer"
    LEAVING = "its end: the owner hung up"
    CANCELLING = "its end, and CANCEL is out"
    OVER = "nothing: it was answered or refused"


class Invitation:
    """The INVITE that opens a session of ours."""

    __slots__ = (
        "_alarm",
        "_cancel_fields",
        "_early_tags",
        "_exchange",
        "_forks",
        "_is_cancel_heard",
        "_pinned",
        "_reliable",
        "_sequence",
        "_session",
        "_state",
        "hop",
    )

    def __init__(self, session: Session, hop: Hop, *, pinned: bool) -> None:
        self._session = session
        self.hop = hop
        self._pinned = pinned
        self._sequence = 0
        self._state = InvitationState.INVITING
        self._exchange = Exchange(
            session.core, session.authentication, self._take_sequence, self._receive, pinned=pinned
        )
        self._early_tags: list[str] = []
        # Each dialog that a 2xx has made, by its remote tag.
        self._forks: dict[str | None, Dialog] = {}
        self._cancel_fields: tuple[Field, ...] = ()
        self._is_cancel_heard = False
        self._alarm: Alarm | None = None
        # Of a peer that insists on it.
        self._reliable: ReliableProgress | None = None

    def start(
        self,
        *,
        target: str,
        from_: str,
        to: str,
        body: bytes,
        headers: Sequence[Field],
        first_answer_seconds: float | None = None,
        now: float,
    ) -> None:
        """Send the INVITE. `headers` are the caller's, Content-Type among them.

        Raises LocalUseError, and sends nothing, if a text of the caller's is none that a message can hold.
        """
        session = self._session
        core = session.core
        branch = core.new_branch()
        fields = Headers(
            (
                ("Via", core.via(branch, self.hop)),
                ("Max-Forwards", "70"),
                ("From", f"{from_};tag={session.local_tag}"),
                ("To", to),
                ("Call-ID", session.call_id),
                ("CSeq", f"{self._take_sequence()} INVITE"),
                core.contact_for(self.hop),
                ALLOW,
                SUPPORTED,
                *session.timer.request_fields(),
                *Headers.of(headers),
            )
        )
        request = Request(method="INVITE", uri=target, headers=fields, body=body)
        try:
            _ = request.from_, request.to
        except MalformedField as error:
            raise LocalUseError(f"an INVITE cannot say so: {error}") from error
        self._exchange.send(request, branch, self.hop, now)
        if first_answer_seconds is not None:
            self._alarm = core.schedule.arm(now + first_answer_seconds, self._first_answer_missed)

    def resume(self, state: DialogState, branch: str) -> None:
        """Take up an INVITE that another process sent, as if it had been answered 100; nobody wants it now."""
        self._state = InvitationState.LEAVING
        fields = [
            ("Via", self._session.core.via(branch, self.hop)),
            *[("Route", route) for route in state.route_set],
            ("From", state.local_uri),
            ("To", state.remote_uri),
            ("Call-ID", state.call_id),
            ("CSeq", f"{state.local_sequence} INVITE"),
        ]
        self._sequence = state.local_sequence
        request = Request(method="INVITE", uri=state.remote_target, headers=Headers(tuple(fields)))
        self._exchange.resume(request, branch, self.hop)

    def state(self) -> DialogState:
        """Return what is needed to end this INVITE after a restart."""
        transaction = self._exchange.transaction
        headers = transaction.request.headers
        return DialogState(
            call_id=self._session.call_id,
            local_uri=headers.get("From") or "",
            remote_uri=headers.get("To") or "",
            local_sequence=self._sequence,
            remote_sequence=None,
            route_set=tuple(headers.all("Route")),
            remote_target=transaction.request.uri,
            hop=self.hop,
            invite_branch=transaction.branch,
            is_confirmed=False,
            pinned=self._pinned,
        )

    def has_early_dialog(self, remote_tag: str | None) -> bool:
        """Whether a provisional answer with this tag has come (RFC 3261 section 12.1)."""
        return remote_tag in self._early_tags

    def receive(self, transaction: ServerTransaction, now: float) -> None:
        """Answer a request in an early dialog: our own offer has no answer yet, so there can be no other.

        RFC 3311 section 5.2, RFC 3261 section 14.2. An UPDATE without an offer asks for nothing but its answer: the
        target that it names is named again by the 2xx, and the session's timer starts with that.
        """
        core, request = self._session.core, transaction.request
        if request.method == "UPDATE" and not request.body:
            core.answer(transaction, 200, now, headers=[core.contact_for(self.hop), ALLOW, SUPPORTED])
        else:
            # The callee cannot end an early dialog by BYE (RFC 3261 section 15).
            core.answer(transaction, 481 if request.method == "BYE" else 491, now)

    def leave(self, now: float, fields: tuple[Field, ...]) -> None:
        """Give the call up; `fields` say why, on CANCEL or BYE."""
        self._state = InvitationState.LEAVING
        self._cancel_fields = fields
        self._exchange.stop_trying()
        if self._exchange.transaction.state is ClientState.PROCEEDING:
            self._cancel(now)

    def _take_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def _first_answer_missed(self, now: float) -> None:
        """Nobody has said anything: let the owner try elsewhere, and keep those here from ringing as well."""
        self._session.tell_refused(408, REASON_PHRASES[408], None, RefusalSource.TIMEOUT)
        self.leave(now, ())
        self._exchange.transaction.leave(now)

    def _cancel(self, now: float) -> None:
        """Send CANCEL; a provisional answer has come (RFC 3261 section 9.1)."""
        core, invite = self._session.core, self._exchange.transaction
        self._state = InvitationState.CANCELLING
        core.schedule.disarm(self._alarm)
        core.layer.send_request(
            cancel(invite.request, self._cancel_fields), invite.branch, invite.hop, self._cancel_answered, now
        )
        self._alarm = core.schedule.arm(now + core.settings.timers.transaction_seconds, self._give_up)

    def _cancel_answered(
        self, transaction: ClientTransaction, result: Response | NoAnswer, source: Hop, now: float
    ) -> None:
        # Any answer only says that the CANCEL came; the end is the INVITE's own final answer.
        self._is_cancel_heard = self._is_cancel_heard or isinstance(result, Response)
        if result is NoAnswer.SEND_FAILURE and self._state is InvitationState.CANCELLING:
            self._give_up(now)

    def _give_up(self, now: float) -> None:
        self._exchange.transaction.abandon(now)
        self._finish(now, was_answered=self._is_cancel_heard)

    def _finish(self, now: float, *, was_answered: bool) -> None:
        self._close()
        self._session.finish(now, was_answered=was_answered)

    def _close(self) -> None:
        self._state = InvitationState.OVER
        self._session.core.schedule.disarm(self._alarm)
        # It has this object until its transaction is over: apart they are freed then, without the collector.
        del self._exchange

    def _receive(self, exchange: Exchange, result: Result, source: Hop, now: float) -> None:
        if self._state is InvitationState.INVITING:
            self._session.core.schedule.disarm(self._alarm)
        if isinstance(result, NoAnswer):
            self._session.tell_refused(result.value, REASON_PHRASES[result.value], None, _SOURCES[result])
            self._finish(now, was_answered=False)
        elif result.status < 200:
            self._progress(exchange.transaction, result, source, now)
        elif result.status < 300:
            self._take_answer(exchange.transaction, result, source, now)
        else:
            self._take_refusal(exchange, result, now)

    def _progress(self, transaction: ClientTransaction, response: Response, source: Hop, now: float) -> None:
        session = self._session
        tag = response.to_tag
        if tag is not None and tag not in self._early_tags and len(self._early_tags) < MAX_FORKS:
            self._early_tags.append(tag)
        if self._reliable is not None and tag in self._early_tags and is_required_by(response):
            early = self._dialog_of(transaction, response, source)
            if not self._reliable.acknowledge(transaction.request, response, early, now):
                return
        if self._state is InvitationState.LEAVING:
            self._cancel(now)
        elif self._state is InvitationState.INVITING and response.status > 100:
            session.tell(
                Progressed(
                    session=session.id,
                    status=response.status,
                    body=response.body,
                    content_type=response.content_type,
                )
            )

    def _take_answer(self, transaction: ClientTransaction, answer: Response, source: Hop, now: float) -> None:
        session = self._session
        known = self._forks.get(answer.to_tag)
        if known is not None:
            acknowledge(session.core, known, transaction.request)
            return
        if len(self._forks) == MAX_FORKS:
            return
        dialog = self._dialog_of(transaction, answer, source)
        body = answer.body if self._reliable is None else self._reliable.settle(answer, dialog)
        self._forks[answer.to_tag] = dialog
        acknowledge(session.core, dialog, transaction.request)
        if self._state is InvitationState.INVITING:
            self._close()
            session.dialog = dialog
            session.establish(answer)
            session.timer.settle_as_caller(answer, now)
            session.tell(
                Answered(
                    session=session.id,
                    body=body,
                    dialog=dialog.state(is_confirmed=True),
                    user_agent=answer.headers.get("User-Agent") or answer.headers.get("Server"),
                )
            )
            session.negotiation.open(transaction.request.body, now)
        elif self._state is InvitationState.OVER:
            send_in_dialog(
                session.core, dialog, session.authentication, "BYE", ignore, now, extra=self._cancel_fields
            )
        else:
            self._close()
            session.end_late(dialog, now, self._cancel_fields)

    def _dialog_of(self, transaction: ClientTransaction, response: Response, source: Hop) -> Dialog:
        return Dialog.of_answer(
            transaction.request, transaction.branch, response, self.hop, source, pinned=self._pinned
        )

    def _take_refusal(self, exchange: Exchange, refusal: Response, now: float) -> None:
        session = self._session
        is_wanted = self._state is InvitationState.INVITING
        if refusal.status == 421 and is_wanted and self._reliable is None and is_required_by(refusal):
            self._reliable = ReliableProgress(session)
            name, options = SUPPORTED
            exchange.send_again(now, (name, f"{options}, {OPTION}"))
            return
        if refusal.status == 422 and is_wanted and session.timer.raise_interval(refusal):
            exchange.send_again(now, *session.timer.request_fields())
            return
        is_challenge = refusal.status in (401, 407)
        session.tell_refused(
            refusal.status,
            refusal.reason,
            causes_of(refusal)[0],
            RefusalSource.AUTHENTICATION if is_challenge else RefusalSource.PEER,
            read_seconds(refusal.headers.get("Retry-After")),
        )
        self._finish(now, was_answered=True)
