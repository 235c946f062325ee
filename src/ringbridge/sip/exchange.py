"""One request of ours up to its final answer, sent anew under the next CSeq number as often as that takes.

Challenges are answered here (RFC 3261 section 22.2), so that INVITE, BYE, re-INVITE and UPDATE need not know of them.
Everything else goes to whoever asked.
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
        "_is_stale",
        "_on_result",
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
    ) -> None:
        self._core = core
        self._authentication = authentication
        self._take_sequence = take_sequence
        self._on_result = on_result
        self._tries = 0
        self._is_stale = False

    def send(self, request: Request, branch: str, hop: Hop, now: float) -> None:
        """Send a request whose Via bears this branch, signed if the credentials are for that hop."""
        if self._authentication is not None:
            signed = self._authentication.sign(request, hop)
            self._tries += signed is not request
            request = signed
        self.transaction = self._core.layer.send_request(request, branch, hop, self._receive, now)

    def send_again(self, now: float, *changes: Field) -> None:
        """Send the request under the next number, with some header fields changed."""
        request, branch = self.transaction.request, self._core.new_branch()
        number = self._take_sequence()
        headers = request.headers.replacing("Via", self._core.via(branch))
        for name, value in (("CSeq", f"{number} {request.method}"), *changes):
            headers = headers.replacing(name, value)
        again = Request(method=request.method, uri=request.uri, headers=headers, body=request.body)
        self.send(again, branch, self.transaction.hop, now)

    def resume(self, invite: Request, branch: str, hop: Hop) -> None:
        """Take up an INVITE that another process sent."""
        self.transaction = self._core.layer.resume_invite(invite, branch, hop, self._receive)

    def stop_trying(self) -> None:
        """Answer no challenge any more: the request is not wanted any longer."""
        self._authentication = None

    def _receive(
        self, transaction: ClientTransaction, result: Response | NoAnswer, source: Hop, now: float
    ) -> None:
        if isinstance(result, Response) and result.status in (401, 407) and self._may_answer(result, source):
            self.send_again(now)
        else:
            self._on_result(self, result, source, now)

    def _may_answer(self, response: Response, source: Hop) -> bool:
        challenge = None if self._authentication is None else self._authentication.learn(response, source)
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
    request = dialog.request(method, core.via(branch), dialog.take_sequence(), extra, body)
    exchange = Exchange(core, authentication, dialog.take_sequence, on_result)
    exchange.send(request, branch, dialog.next_hop, now)
    return exchange


def acknowledge(core: Core, dialog: Dialog, invite: Request) -> None:
    """Send the ACK for a 2xx (RFC 3261 section 13.2.2.4): no transaction, no answer, its INVITE's number.

    It repeats the INVITE's credentials, as section 22.1 asks, unless it goes where the INVITE did not.
    """
    extra: list[Field] = []
    if dialog.next_hop == dialog.hop:
        extra = [(name, value) for name, value in invite.headers if name in CREDENTIAL_FIELDS]
    ack = dialog.request("ACK", core.via(core.new_branch()), invite.cseq.number, extra)
    core.layer.send(ack.serialize(), dialog.next_hop)


def ignore(exchange: Exchange, result: Result, source: Hop, now: float) -> None:
    """Take an answer that changes nothing."""
