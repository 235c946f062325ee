"""What is asked of servers outside of calls: whether they are there (OPTIONS), and to know where we are (REGISTER)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringbridge.sip.client_transaction import NoAnswer
from ringbridge.sip.exchange import Exchange, Result
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request
from ringbridge.sip.schedule import Alarm
from ringbridge.sip.trunk_registration import RegistrationChanged, ServerAccount, TrunkRegistration

if TYPE_CHECKING:
    from ringbridge.sip.core import Core

PING_SECONDS = 4.0
"""Who has not answered by then is taken to be away; within it OPTIONS is sent four times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinged:
    """What came of an OPTIONS: a final status, 503 for a network that cannot reach the hop, or None for silence."""

    hop: Hop
    status: int | None


ServerEvent = Pinged | RegistrationChanged


class Servers:
    """Pings, and our own registrations by the names that the owner has for them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._pings: dict[Hop, _Ping] = {}
        self._registrations: dict[str, TrunkRegistration] = {}
        self._events: list[ServerEvent] = []

    def events(self) -> list[ServerEvent]:
        """Return what happened, in order, and forget it."""
        events, self._events = self._events, []
        return events

    def ping(self, target: str, hop: Hop, now: float) -> None:
        """Ask the server at `hop` for its abilities; `Pinged` follows. No-op while an earlier one is unanswered."""
        if hop not in self._pings:
            self._pings[hop] = _Ping(self._core, target, hop, self._end_ping, now)

    def register(self, name: str, account: ServerAccount, hops: Sequence[Hop], now: float) -> None:
        """Keep us registered at one of `hops`, which are in the order to try; `RegistrationChanged` tells how it goes.

        Called again, it takes the new places, and asks at once if the last one is not among them.
        """
        registration = self._registrations.get(name)
        if registration is not None and registration.account != account:
            self.unregister(name, now)
            registration = None
        if registration is None:
            registration = TrunkRegistration(self._core, name, account, self._tell)
            self._registrations[name] = registration
        registration.move(hops, now)

    def unregister(self, name: str, now: float) -> None:
        """Take our registration back, if there is one."""
        registration = self._registrations.pop(name, None)
        if registration is not None:
            registration.stop(now)

    def _end_ping(self, hop: Hop, status: int | None) -> None:
        del self._pings[hop]
        self._tell(Pinged(hop=hop, status=status))

    def _tell(self, event: ServerEvent) -> None:
        self._events.append(event)


class _Ping:
    """One OPTIONS (RFC 3261 section 11.1)."""

    __slots__ = ("_alarm", "_core", "_exchange", "_hop", "_on_end")

    def __init__(
        self, core: Core, target: str, hop: Hop, on_end: Callable[[Hop, int | None], None], now: float
    ) -> None:
        self._core = core
        self._hop = hop
        self._on_end = on_end
        branch = core.new_branch()
        fields = [
            ("Via", core.via(branch, hop)),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{core.settings.local.sent_by}>;tag={core.randomness.token()}"),
            ("To", f"<{target}>"),
            ("Call-ID", core.randomness.token()),
            ("CSeq", "1 OPTIONS"),
            core.contact_for(hop),
            ("Accept", "application/sdp"),
        ]
        # Nobody challenges in vain here: without credentials nothing is sent a second time, so that one number will do.
        self._exchange = Exchange(core, None, lambda: 1, self._receive, pinned=True)
        self._alarm: Alarm = core.schedule.arm(now + PING_SECONDS, self._give_up)
        request = Request(method="OPTIONS", uri=target, headers=Headers.of(fields), body=b"")
        self._exchange.send(request, branch, hop, now)

    def _receive(self, exchange: Exchange, result: Result, source: Hop, now: float) -> None:
        if isinstance(result, NoAnswer):
            self._end(result.value)
        elif result.status >= 200:
            self._end(result.status)

    def _give_up(self, now: float) -> None:
        self._exchange.transaction.abandon(now)
        self._end(None)

    def _end(self, status: int | None) -> None:
        self._core.schedule.disarm(self._alarm)
        self._on_end(self._hop, status)
