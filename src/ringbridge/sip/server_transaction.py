"""One request of a peer being answered: absorbs its repeats, repeats the answer.

RFC 3261 section 17.2 with RFC 6026. The rules are the tables of `transaction`; this is their driver. The 2xx to an
INVITE is repeated by its user (`acceptance`), not here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from ringbridge.sip.hop import DEFAULT_PORTS, Hop
from ringbridge.sip.message import Request, Response
from ringbridge.sip.schedule import Alarm
from ringbridge.sip.transaction import (
    INVITE_SERVER,
    NON_INVITE_SERVER,
    ServerAction,
    ServerInput,
    ServerState,
)

if TYPE_CHECKING:
    from ringbridge.sip.transaction_layer import TransactionLayer

ServerKey = tuple[str, ...]
MergeKey = tuple[str, str | None, int, str]


def key_of(request: Request, method: str) -> ServerKey:
    """What tells a transaction from others (RFC 3261 section 17.2.3).

    `method` is the request's, or INVITE for an ACK and a CANCEL that look for theirs.
    """
    via = request.via
    branch = via.branch
    if branch is not None and branch.startswith("z9hG4bK"):
        return (branch, via.host, str(via.port), method)
    # A peer of RFC 2543 times: no branch is unique, so the rest of the message has to be.
    return (request.call_id, str(request.from_tag), str(request.cseq.number), request.vias[0], method)


def merge_key_of(request: Request) -> MergeKey:
    """What two copies of a request have in common that came by different ways (RFC 3261 section 8.2.2.2)."""
    return (request.call_id, request.from_tag, *request.cseq)


class ServerTransaction:
    """One request and its state. Made by `TransactionLayer.receive_request`."""

    __slots__ = (
        "_answer",
        "_give_up_alarm",
        "_interval_seconds",
        "_layer",
        "_repeat_alarm",
        "_table",
        "hop",
        "key",
        "merge_key",
        "new_connection_hop",
        "on_cancel",
        "request",
        "source",
        "state",
        "to_tag",
    )

    def __init__(self, layer: TransactionLayer, request: Request, key: ServerKey, source: Hop) -> None:
        is_invite = request.method == "INVITE"
        self._layer = layer
        self._table = INVITE_SERVER if is_invite else NON_INVITE_SERVER
        self._answer = b""
        self._interval_seconds = layer.timers.t1_seconds
        self._repeat_alarm: Alarm | None = None
        self._give_up_alarm: Alarm | None = None
        self.key = key
        self.merge_key = merge_key_of(request)
        self.request = request
        self.source = source
        self.hop = answer_hop(request, source)
        self.new_connection_hop = new_connection_hop(request, source)
        self.to_tag: str | None = None
        """The tag that our answers give a To field without one."""
        self.on_cancel: Callable[[Request, float], None] | None = None
        """Set by whoever has yet to answer an INVITE; called with the CANCEL."""
        self.state = ServerState.PROCEEDING if is_invite else ServerState.TRYING

    def receive_again(self, now: float) -> None:
        """Take a repeat of the request."""
        self._step(ServerInput.REQUEST, now)

    def receive_ack(self, now: float) -> None:
        """Take an ACK with the branch of this INVITE."""
        self._step(ServerInput.ACK, now)

    def answer(self, response: Response, now: float) -> None:
        """Send an answer of its user."""
        self._answer = response.serialize()
        if response.status < 200:
            self._step(ServerInput.SEND_PROVISIONAL, now)
        elif response.status < 300:
            self._step(ServerInput.SEND_SUCCESS, now)
        else:
            self._step(ServerInput.SEND_FAILURE, now)

    def repeat_success(self, now: float) -> None:
        """Send the 2xx to an INVITE once more."""
        self._step(ServerInput.SEND_SUCCESS, now)

    def _repeat_due(self, now: float) -> None:
        self._step(ServerInput.REPEAT_DUE, now)

    def _give_up_due(self, now: float) -> None:
        self._step(ServerInput.GIVE_UP_DUE, now)

    def _linger_due(self, now: float) -> None:
        self._step(ServerInput.LINGER_DUE, now)

    def _step(self, input_: ServerInput, now: float) -> None:
        step = self._table[self.state, input_]
        self.state = step.state
        for action in step.actions:
            self._do(action, now)

    def _do(self, action: ServerAction, now: float) -> None:
        timers, schedule = self._layer.timers, self._layer.schedule
        is_reliable = self.hop.reliable
        match action:
            case ServerAction.SEND:
                self._layer.send(self._answer, self.hop, self.new_connection_hop)
            case ServerAction.REPEAT:
                self._layer.send(self._answer, self.hop, self.new_connection_hop)
            case ServerAction.REPEAT_CAPPED:
                self._layer.send(self._answer, self.hop, self.new_connection_hop)
                self._interval_seconds = min(2 * self._interval_seconds, timers.t2_seconds)
                self._repeat_alarm = schedule.arm(now + self._interval_seconds, self._repeat_due)
            case ServerAction.STOP:
                self._stop()
            case ServerAction.END:
                self._stop()
                self._layer.forget_server(self)
            case ServerAction.START_G_AND_H:
                if not is_reliable:
                    self._repeat_alarm = schedule.arm(now + self._interval_seconds, self._repeat_due)
                self._give_up_alarm = schedule.arm(now + timers.transaction_seconds, self._give_up_due)
            case ServerAction.START_I:
                self._linger(timers.linger_seconds(is_reliable=is_reliable), now)
            case ServerAction.START_J:
                self._linger(timers.answered_linger_seconds(is_reliable=is_reliable), now)
            case ServerAction.START_L:
                self._linger(timers.transaction_seconds, now)
            case _:
                assert_never(action)

    def _stop(self) -> None:
        self._layer.schedule.disarm(self._repeat_alarm)
        self._layer.schedule.disarm(self._give_up_alarm)

    def _linger(self, seconds: float, now: float) -> None:
        self._give_up_alarm = self._layer.schedule.arm(now + seconds, self._linger_due)


def answer_hop(request: Request, source: Hop) -> Hop:
    """Where answers go: back to the source, to its port if it asked for that, else to the port it named.

    RFC 3261 section 18.2.2, RFC 3581 section 4. On a stream the connection is the way back.
    """
    if source.reliable or request.via.rport is not None:
        return source
    return source._replace(port=request.via.port or 5060)


def new_connection_hop(request: Request, source: Hop) -> Hop | None:
    """Where answers go when the connection that the request came by is gone (RFC 3261 section 18.2.2).

    The address is the one that it came from, which is what `received` would say; only its port is the sender's word.
    """
    if not source.reliable:
        return None
    return source._replace(port=request.via.port or DEFAULT_PORTS[source.transport])
