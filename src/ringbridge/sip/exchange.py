"""One request of ours up to its final answer, sent anew under the next CSeq number as often as that takes.

Challenges are answered here (RFC 3261 section 22.2), and what is too long for a datagram goes over a stream (section
18.1.1), so that INVITE, BYE, re-INVITE and UPDATE need not know of either. Everything else goes to whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ringbridge.sip.authentication import CREDENTIAL_FIELDS, MAX_TRIES, MAX_TRIES_IF_STALE, Authentication
from ringbridge.sip.client_transaction import ClientTransaction, NoAnswer
from ringbridge.sip.core import Core
from ringbridge.sip.dialog import Dialog, Field
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response

Result = Response | NoAnswer
OnResult = Callable[["Exchange", Result, Hop, float], None]
"""Called with each answer, where it came from, and now; a 2xx to an INVITE may come many times."""


class Exchange:
    """A request under way."""

    __slots__ = (
        "_authentication",
        "_core",
        "_hop",
        "_is_stale",
        "_is_wanted",
        "_on_result",
        "_pinned",
        "_take_sequence",
        "_tries",
        "transaction",
    )

    transaction: ClientTransaction
    """The latest sending."""

    def __init__(
        self,
        core: Core,
        authentication: Authentication | None,
        take_sequence: Callable[[], int],
        on_result: OnResult,
        *,
        pinned: bool,
    ) -> None:
        self._core = core
        self._authentication = authentication
        self._take_sequence = take_sequence
        self._on_result = on_result
        self._pinned = pinned
        self._is_wanted = True
        self._tries = 0
        self._is_stale = False

    def send(self, request: Request, branch: str, hop: Hop, now: float) -> None:
        """Send a request whose Via bears this branch, signed if the credentials are for that hop."""
        if self._authentication is not None:
            signed = self._authentication.sign(request, hop)
            self._tries += signed is not request
            request = signed
        self._hop = hop
        data = request.serialize()
        way = hop if self._pinned else self._core.way_to(hop, len(data), now)
        if way != hop:
            request = self._by_another_way(request, branch, way)
            data = request.serialize()
        self.transaction = self._core.layer.send_request(request, branch, way, self._receive, now, data=data)

    def send_again(self, now: float, *changes: Field) -> None:
        """Send the request under the next number, with some header fields changed."""
        request, branch = self.transaction.request, self._core.new_branch()
        number = self._take_sequence()
        headers = request.headers.replacing("Via", self._core.via(branch, self._hop))
        for name, value in (("CSeq", f"{number} {request.method}"), *changes):
            headers = headers.replacing(name, value)
        again = Request(method=request.method, uri=request.uri, headers=headers, body=request.body)
        self.send(again, branch, self._hop, now)

    def resume(self, invite: Request, branch: str, hop: Hop) -> None:
        """Take up an INVITE that another process sent."""
        self._hop = hop
        self.transaction = self._core.layer.resume_invite(invite, branch, hop, self._receive)

    def stop_trying(self) -> None:
        """Send nothing again: the request is not wanted any longer."""
        self._is_wanted = False

    def _receive(
        self, transaction: ClientTransaction, result: Response | NoAnswer, source: Hop, now: float
    ) -> None:
        if result is NoAnswer.SEND_FAILURE and self._is_wanted and transaction.hop != self._hop:
            self._core.note_without_stream(self._hop, now)
            branch = self._core.new_branch()
            request = self._by_another_way(transaction.request, branch, self._hop)
            self.transaction = self._core.layer.send_request(request, branch, self._hop, self._receive, now)
        elif (
            isinstance(result, Response) and result.status in (401, 407) and self._may_answer(result, source)
        ):
            self.send_again(now)
        else:
            self._on_result(self, result, source, now)

    def _by_another_way(self, request: Request, branch: str, way: Hop) -> Request:
        headers = request.headers.replacing("Via", self._core.via(branch, way))
        return Request(method=request.method, uri=request.uri, headers=headers, body=request.body)

    def _may_answer(self, response: Response, source: Hop) -> bool:
        if self._authentication is None or not self._is_wanted:
            return False
        # Where the request went over TCP for its length, the same server speaks by another transport.
        speaker = self._hop if source == self.transaction.hop else source
        challenge = self._authentication.learn(response, speaker)
        if challenge is None:
            return False
        self._is_stale = self._is_stale or challenge.stale
        return self._tries < (MAX_TRIES_IF_STALE if self._is_stale else MAX_TRIES)


def send_in_dialog(
    core: Core,
    dialog: Dialog,
    authentication: Authentication | None,
    method: str,
    on_result: OnResult,
    now: float,
    *,
    extra: Sequence[Field] = (),
    body: bytes = b"",
) -> Exchange:
    """Send a request within a dialog."""
    branch = core.new_branch()
    request = dialog.request(method, core.via(branch, dialog.next_hop), dialog.take_sequence(), extra, body)
    exchange = Exchange(core, authentication, dialog.take_sequence, on_result, pinned=dialog.pinned)
    exchange.send(request, branch, dialog.next_hop, now)
    return exchange


def acknowledge(core: Core, dialog: Dialog, invite: Request) -> None:
    """Send the ACK for a 2xx (RFC 3261 section 13.2.2.4): no transaction, no answer, its INVITE's number.

    It repeats the INVITE's credentials, as section 22.1 asks, unless it goes where the INVITE did not.
    """
    extra: list[Field] = []
    if dialog.next_hop == dialog.hop:
        extra = [(name, value) for name, value in invite.headers if name in CREDENTIAL_FIELDS]
    ack = dialog.request("ACK", core.via(core.new_branch(), dialog.next_hop), invite.cseq.number, extra)
    core.layer.send(ack.serialize(), dialog.next_hop)


def ignore(exchange: Exchange, result: Result, source: Hop, now: float) -> None:
    """Take an answer that changes nothing."""
