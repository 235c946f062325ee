"""What a packet turns out to be: of somebody who is heard, or dropped; an answer to something, or a request to somebody."""

from __future__ import annotations

from ringbridge.sip.core import ALLOW, SUPPORTED, Core
from ringbridge.sip.dialog import Dialog
from ringbridge.sip.errors import MalformedMessage
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response, response_to
from ringbridge.sip.parse import parse_datagram
from ringbridge.sip.reception import Reception
from ringbridge.sip.registrar import Registrar
from ringbridge.sip.screening import ACCEPT, refusal_of
from ringbridge.sip.server_transaction import ServerTransaction, answer_hop
from ringbridge.sip.session import Session
from ringbridge.sip.session_timer import is_too_short
from ringbridge.sip.transaction import ServerState


class Incoming:
    """Leads each packet to whose it is, and counts those that are nobody's."""

    def __init__(self, core: Core, registrar: Registrar) -> None:
        self._core = core
        self._registrar = registrar
        self.dropped_unknown_source = 0
        self.dropped_malformed = 0
        self.dropped_unmatched = 0

    def receive(self, data: bytes, source: Hop, now: float) -> bool:
        """See `Endpoint.receive_packet`."""
        is_admitted = self._core.sources.admits(source)
        if not is_admitted and not self._registrar.hears(data, source, now):
            self.dropped_unknown_source += 1
            return False
        try:
            message = parse_datagram(data)
        except MalformedMessage as error:
            self.dropped_malformed += 1
            if error.request is not None and is_admitted:
                self._answer_statelessly(error.request, error.status, source, source)
            return False
        if isinstance(message, Response):
            if not self._core.layer.receive_response(message, source, now):
                self._receive_stray(message, source, now)
        elif message is not None:
            self._receive_request(message.received_from(source), source, now)
        return message is not None

    def _receive_request(self, request: Request, source: Hop, now: float) -> None:
        layer = self._core.layer
        if request.method == "ACK":
            self._receive_ack(request, source, now)
            return
        transaction = layer.find_server(request, request.method)
        if transaction is not None:
            transaction.receive_again(now)
        elif request.method == "REGISTER" and self._registrar.is_open:
            self._registrar.receive(request, source, now)
        elif request.method == "CANCEL":
            self._receive_cancel(request, source, now)
        elif request.to_tag is not None:
            self._receive_in_dialog(request, source, now)
        elif self._core.sources.knows(source):
            is_merged = layer.is_merged(request)
            self._receive_initial(layer.receive_request(request, source), now, is_merged=is_merged)
        else:
            # Someone we call may talk about that call, but is no peer to be served.
            self.dropped_unknown_source += 1

    def _receive_ack(self, ack: Request, source: Hop, now: float) -> None:
        transaction = self._core.layer.find_server(ack, "INVITE")
        if transaction is not None:
            transaction.receive_ack(now)
        call = self._find_session(ack)
        if call is not None and call.expects(source):
            call.receive_ack(ack, now)

    def _receive_cancel(self, request: Request, source: Hop, now: float) -> None:
        layer = self._core.layer
        invite = layer.find_server(request, "INVITE")
        if invite is None and not self._core.sources.knows(source):
            self.dropped_unknown_source += 1
            return
        transaction = layer.receive_request(request, source)
        if invite is None or invite.source != transaction.source:
            self._core.answer(transaction, 481, now)
            return
        transaction.to_tag = invite.to_tag
        self._core.answer(transaction, 200, now)
        if invite.on_cancel is not None and invite.state is ServerState.PROCEEDING:
            invite.on_cancel(transaction.request, now)

    def _receive_in_dialog(self, request: Request, source: Hop, now: float) -> None:
        core = self._core
        call = self._find_session(request)
        if call is None:
            self._answer_statelessly(request, 481, answer_hop(request, source), source)
            return
        if not call.expects(source):
            self.dropped_unmatched += 1
            call.drop(request, source)
            return
        transaction = core.layer.receive_request(request, source)
        refusal = refusal_of(request)
        if refusal is not None:
            core.answer(transaction, refusal[0], now, headers=refusal[1])
        elif request.method == "OPTIONS":
            self._answer_options(transaction, now)
        else:
            call.receive(transaction, now)

    def _receive_initial(self, transaction: ServerTransaction, now: float, *, is_merged: bool) -> None:
        core = self._core
        request = transaction.request
        refusal = (482, ()) if is_merged else refusal_of(request)
        if refusal is not None:
            core.answer(transaction, refusal[0], now, headers=refusal[1])
        elif request.method == "INVITE":
            self._receive_invite(transaction, now)
        elif request.method == "OPTIONS":
            self._answer_options(transaction, now)
        else:
            core.answer(transaction, 481, now)

    def _receive_invite(self, transaction: ServerTransaction, now: float) -> None:
        core = self._core
        request = transaction.request
        min_seconds = core.settings.min_session_expires_seconds
        if not core.settings.accepts_invitations:
            core.answer(transaction, 403, now)
        elif is_too_short(request, min_seconds):
            core.answer(transaction, 422, now, headers=[("Min-SE", str(min_seconds))])
        else:
            call = Session(core, core.randomness.token(), request.call_id, core.randomness.token())
            call.register()
            core.sessions[call.id] = call
            call.dialog = Dialog.of_invite(request, call.local_tag, transaction.source)
            call.watch_hosts()
            call.reception = Reception(call, transaction, now)

    def _receive_stray(self, response: Response, source: Hop, now: float) -> None:
        """Take an answer to nothing that is open: someone may have answered a call that is long over.

        Unless that someone gets ACK and BYE, a phone stands open for half a minute with nobody in it.
        """
        core, via, local_tag = self._core, response.via, response.from_tag
        is_answer = 200 <= response.status < 300 and response.cseq.method == "INVITE"
        if (
            not is_answer
            # RFC 3261 section 18.1.2: what does not name us as its sender was never ours.
            or not core.is_ours(via)
            or via.branch is None
            or core.layer.is_inviting(via.branch)
            or local_tag is None
            or (response.call_id, local_tag) in core.dialogs
        ):
            self.dropped_unmatched += 1
            return
        call = Session(core, core.randomness.token(), response.call_id, local_tag)
        call.take_up_answer(response, via.branch, source, now)

    def _answer_options(self, transaction: ServerTransaction, now: float) -> None:
        fields = (ALLOW, ACCEPT, ("Accept-Encoding", "identity"), ("Accept-Language", "en"), SUPPORTED)
        self._core.answer(transaction, 200, now, headers=fields)

    def _answer_statelessly(self, request: Request, status: int, hop: Hop, source: Hop) -> None:
        answer = response_to(request.received_from(source), status, to_tag=self._core.randomness.token())
        self._core.layer.send(answer.serialize(), hop)

    def _find_session(self, request: Request) -> Session | None:
        call = self._core.dialogs.get((request.call_id, request.to_tag or ""))
        return call if call is not None and call.owns(request) else None
