"""A 2xx to an INVITE of the peer's, repeated until its ACK comes (RFC 3261 section 13.3.1.4)."""

from __future__ import annotations

from collections.abc import Callable

from ringbridge.sip.core import Core
from ringbridge.sip.message import Request
from ringbridge.sip.schedule import Alarm
from ringbridge.sip.server_transaction import ServerTransaction


class Acceptance:
    """A 2xx that waits for its ACK. The 2xx itself was sent once, by the transaction."""

    __slots__ = (
        "_core",
        "_give_up_alarm",
        "_interval_seconds",
        "_on_give_up",
        "_repeat_alarm",
        "_transaction",
    )

    def __init__(
        self, core: Core, transaction: ServerTransaction, on_give_up: Callable[[float], None], now: float
    ) -> None:
        timers = core.settings.timers
        self._core = core
        self._transaction = transaction
        self._on_give_up = on_give_up
        self._interval_seconds = timers.t1_seconds
        # Armed before Timer L of the transaction could be: at 64*T1 this one comes first or the transaction is gone,
        # and either way nothing is repeated any more.
        self._give_up_alarm = core.schedule.arm(now + timers.transaction_seconds, self._give_up)
        self._repeat_alarm: Alarm = core.schedule.arm(now + self._interval_seconds, self._repeat)

    def matches(self, ack: Request) -> bool:
        """Whether an ACK of this dialog is for this 2xx (RFC 3261 section 13.2.2.4)."""
        return ack.cseq.number == self._transaction.request.cseq.number

    def stop(self) -> None:
        """Repeat no more: the ACK came, or the dialog is over."""
        self._core.schedule.disarm(self._repeat_alarm)
        self._core.schedule.disarm(self._give_up_alarm)

    def _repeat(self, now: float) -> None:
        self._transaction.repeat_success(now)
        # On streams too: a proxy between may have lost it (RFC 3261 section 13.3.1.4).
        self._interval_seconds = min(2 * self._interval_seconds, self._core.settings.timers.t2_seconds)
        self._repeat_alarm = self._core.schedule.arm(now + self._interval_seconds, self._repeat)

    def _give_up(self, now: float) -> None:
        self.stop()
        self._on_give_up(now)
