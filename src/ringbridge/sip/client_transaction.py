"""One request of ours on its way: repeats it, matches its answers, acknowledges its refusal.

RFC 3261 section 17.1 with RFC 6026. The rules are the tables of `transaction`; this is their driver. What an answer
means is its user's business.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, assert_never

from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response
from ringbridge.sip.schedule import Alarm
from ringbridge.sip.transaction import (
    INVITE_CLIENT,
    NON_INVITE_CLIENT,
    ClientAction,
    ClientInput,
    ClientState,
)

if TYPE_CHECKING:
    from ringbridge.sip.transaction_layer import TransactionLayer


class NoAnswer(Enum):
    """Why there is no final answer, and the status that stands for it (RFC 3261 section 8.1.3.1)."""

    TIMEOUT = 408
    SEND_FAILURE = 503


TransactionUser = Callable[["ClientTransaction", Response | NoAnswer, Hop, float], None]
"""Called with each answer that counts, where it came from, and now."""


class ClientTransaction:
    """One request and its state. Made by `TransactionLayer.send_request`."""

    __slots__ = (
        "_data",
        "_give_up_alarm",
        "_interval_seconds",
        "_layer",
        "_repeat_alarm",
        "_table",
        "_user",
        "_was_sent_anew",
        "branch",
        "hop",
        "request",
        "state",
    )

    def __init__(
        self, layer: TransactionLayer, request: Request, branch: str, hop: Hop, user: TransactionUser
    ) -> None:
        is_invite = request.method == "INVITE"
        self._layer = layer
        self._table = INVITE_CLIENT if is_invite else NON_INVITE_CLIENT
        self._user = user
        self._data = b""
        self._interval_seconds = layer.timers.t1_seconds
        self._repeat_alarm: Alarm | None = None
        self._give_up_alarm: Alarm | None = None
        self._was_sent_anew = False
        self.request = request
        self.branch = branch
        self.hop = hop
        self.state = ClientState.CALLING if is_invite else ClientState.TRYING

    def start(self, data: bytes, now: float) -> None:
        """Send the request for the first time; `data` is what it is on the wire."""
        self._data = data
        self._layer.send(data, self.hop)
        if not self.hop.reliable:
            self._arm_repeat(now)
        self._give_up_alarm = self._layer.schedule.arm(
            now + self._layer.timers.transaction_seconds, self._give_up_due
        )

    def resume(self) -> None:
        """Stand where a process that is gone had heard a provisional answer to this INVITE."""
        self.state = ClientState.PROCEEDING

    def receive(self, response: Response, source: Hop, now: float) -> None:
        """Take an answer that the layer matched to this transaction."""
        if response.status < 200:
            self._step(ClientInput.PROVISIONAL, now, response, source)
        elif response.status < 300:
            self._step(ClientInput.SUCCESS, now, response, source)
        else:
            self._step(ClientInput.FAILURE, now, response, source)

    def sends(self, data: bytes) -> bool:
        """Whether these very octets are this request."""
        return data is self._data

    def fail(self, now: float) -> None:
        """Take the news that the request cannot be sent, or that the network cannot reach the hop."""
        self._step(ClientInput.SEND_FAILED, now)

    def lose_connection(self, now: float) -> None:
        """Take the news that the connection to the hop broke, which may have been dead for a while.

        A server that has the request already knows it by its branch. A second loss is taken for a failure.
        """
        self._step(ClientInput.SEND_FAILED if self._was_sent_anew else ClientInput.CONNECTION_LOST, now)

    def leave(self, now: float) -> None:
        """Repeat an INVITE no more that nobody has answered by anything."""
        self._step(ClientInput.LEAVING, now)

    def abandon(self, now: float) -> None:
        """Forget a request to which no answer is waited for any more (RFC 3261 section 9.1)."""
        self._step(ClientInput.ABANDONED, now)

    def _repeat_due(self, now: float) -> None:
        self._step(ClientInput.REPEAT_DUE, now)

    def _give_up_due(self, now: float) -> None:
        self._step(ClientInput.GIVE_UP_DUE, now)

    def _linger_due(self, now: float) -> None:
        self._step(ClientInput.LINGER_DUE, now)

    def _step(
        self, input_: ClientInput, now: float, response: Response | None = None, source: Hop | None = None
    ) -> None:
        step = self._table[self.state, input_]
        self.state = step.state
        for action in step.actions:
            self._do(action, now, response, source)
        if ClientAction.END in step.actions:
            # Nothing more is handed up. The user holds this transaction: apart they are freed at once, without the collector.
            del self._user

    def _do(self, action: ClientAction, now: float, response: Response | None, source: Hop | None) -> None:
        timers = self._layer.timers
        # What every call needs stands first: the cases are tried one after the other.
        match action:
            case ClientAction.HAND_UP:
                assert response is not None  # the tables pass up what came in only
                assert source is not None
                self._user(self, response, source, now)
            case ClientAction.STOP:
                self._stop()
            case ClientAction.STOP_REPEATING:
                self._layer.schedule.disarm(self._repeat_alarm)
            case ClientAction.END:
                self._stop()
                self._layer.forget_client(self)
            case ClientAction.START_M:
                self._linger(timers.transaction_seconds, now)
            case ClientAction.START_K:
                self._linger(timers.linger_seconds(is_reliable=self.hop.reliable), now)
            case ClientAction.REPEAT | ClientAction.REPEAT_CAPPED | ClientAction.REPEAT_SLOWLY:
                self._layer.send(self._data, self.hop)
                self._interval_seconds *= 2
                if action is ClientAction.REPEAT_CAPPED:
                    self._interval_seconds = min(self._interval_seconds, timers.t2_seconds)
                elif action is ClientAction.REPEAT_SLOWLY:
                    self._interval_seconds = timers.t2_seconds
                self._arm_repeat(now)
            case ClientAction.SEND_ANEW:
                self._was_sent_anew = True
                self._layer.send(self._data, self.hop)
            case ClientAction.ACKNOWLEDGE:
                assert response is not None  # the tables acknowledge on FAILURE only
                self._layer.send(acknowledge_failure(self.request, response).serialize(), self.hop)
            case ClientAction.REPORT_TIMEOUT:
                self._user(self, NoAnswer.TIMEOUT, self.hop, now)
            case ClientAction.REPORT_SEND_FAILURE:
                self._user(self, NoAnswer.SEND_FAILURE, self.hop, now)
            case ClientAction.START_D:
                self._linger(timers.failed_invite_linger_seconds(is_reliable=self.hop.reliable), now)
            case _:
                assert_never(action)

    def _stop(self) -> None:
        self._layer.schedule.disarm(self._repeat_alarm)
        self._layer.schedule.disarm(self._give_up_alarm)

    def _arm_repeat(self, now: float) -> None:
        self._repeat_alarm = self._layer.schedule.arm(now + self._interval_seconds, self._repeat_due)

    def _linger(self, seconds: float, now: float) -> None:
        # What answers needs no repeating: while it lingers, a transaction keeps no octets.
        self._data = b""
        self._give_up_alarm = self._layer.schedule.arm(now + seconds, self._linger_due)


def acknowledge_failure(invite: Request, refusal: Response) -> Request:
    """Make the ACK that belongs to the INVITE's own transaction (RFC 3261 section 17.1.1.3)."""
    return _same_transaction(invite, "ACK", refusal.headers.get("To") or "", ())


def cancel(invite: Request, extra: tuple[tuple[str, str], ...]) -> Request:
    """Make the CANCEL of an INVITE; `extra` are further header fields (RFC 3261 section 9.1)."""
    return _same_transaction(invite, "CANCEL", invite.headers.get("To") or "", extra)


def _same_transaction(invite: Request, method: str, to: str, extra: tuple[tuple[str, str], ...]) -> Request:
    fields = [(name, value) for name, value in invite.headers if name in ("Via", "From", "Call-ID", "Route")]
    fields += [("Max-Forwards", "70"), ("To", to), ("CSeq", f"{invite.cseq.number} {method}"), *extra]
    return Request(method=method, uri=invite.uri, headers=Headers(tuple(fields)))
