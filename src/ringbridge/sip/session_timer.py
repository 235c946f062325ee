"""When a session must be refreshed, by whom, and when it is over for want of that (RFC 4028).

Each INVITE and UPDATE that succeeds, in either direction, settles anew whether there is a session timer, its interval
and who refreshes. The refresh itself is an offer or an empty UPDATE, which `negotiation` sends.
"""

from __future__ import annotations

from collections.abc import Callable

from ringbridge.sip.core import Core, supports
from ringbridge.sip.dialog import Field
from ringbridge.sip.errors import MalformedField
from ringbridge.sip.headers import SessionExpires
from ringbridge.sip.message import Request, Response
from ringbridge.sip.schedule import Alarm

MAX_INTERVAL_RETRIES = 3
"""A proxy and a phone may each ask for more in turn (422); nobody needs a fourth round."""


DEFAULT_MIN_SECONDS = 90
"""What a request without Min-SE allows (RFC 4028 section 5)."""


class SessionTimer:
    """The session timer of one session; it runs once `settle` has found an interval."""

    __slots__ = (
        "_alarm",
        "_core",
        "_expiry_alarm",
        "_interval_seconds",
        "_is_refresher",
        "_min_seconds",
        "_on_due",
        "_on_expiry",
        "_retries",
    )

    def __init__(
        self, core: Core, *, on_due: Callable[[float], None], on_expiry: Callable[[float], None]
    ) -> None:
        self._core = core
        self._on_due = on_due
        self._on_expiry = on_expiry
        self._interval_seconds = core.settings.session_expires_seconds
        self._min_seconds = core.settings.min_session_expires_seconds
        self._is_refresher: bool | None = None
        self._retries = 0
        self._alarm: Alarm | None = None
        self._expiry_alarm: Alarm | None = None

    # Requests of ours

    def request_fields(self) -> tuple[Field, ...]:
        """What our INVITE or UPDATE asks for; the roles stay as they are (RFC 4028 section 7.4)."""
        refresher = None if self._is_refresher is None else "uac" if self._is_refresher else "uas"
        expires = ("Session-Expires", str(SessionExpires(self._interval_seconds, refresher)))
        if self._min_seconds <= DEFAULT_MIN_SECONDS:
            return (expires,)
        return (expires, ("Min-SE", str(self._min_seconds)))

    def raise_interval(self, refusal: Response) -> bool:
        """Take the Min-SE of a 422; False if asking again is of no use (RFC 4028 section 7.3)."""
        minimum = _read(refusal, "Min-SE")
        if (
            minimum is None
            or minimum.seconds <= self._interval_seconds
            or self._retries == MAX_INTERVAL_RETRIES
        ):
            return False
        self._retries += 1
        self._interval_seconds = self._min_seconds = minimum.seconds
        return True

    def settle_as_caller(self, answer: Response, now: float) -> None:
        """Take what the 2xx to a request of ours settled."""
        self._settle(_read(answer, "Session-Expires"), "uac", now)

    # Requests of the peer

    def settle_as_called(self, request: Request, now: float) -> tuple[Field, ...]:
        """Settle what the peer's request asks for; returns what our 2xx says of it (RFC 4028 section 9)."""
        asked = _read(request, "Session-Expires")
        if asked is None:
            self._settle(None, "uas", now)
            return ()
        # Who does not know session timers cannot be the one that refreshes (section 9, table 2).
        peer_can = supports(request, "timer")
        refresher = (asked.refresher or "uac") if peer_can else "uas"
        settled = SessionExpires(asked.seconds, refresher)
        self._settle(settled, "uas", now)
        require: tuple[Field, ...] = (("Require", "timer"),) if refresher == "uac" else ()
        return (("Session-Expires", str(settled)), *require)

    def stop(self) -> None:
        """Neither refresh nor expire any more."""
        self._core.schedule.disarm(self._alarm)
        self._core.schedule.disarm(self._expiry_alarm)

    def close(self) -> None:
        """Stop for good, and let go of the session: what holds one another is freed only when the collector comes by."""
        self.stop()
        self._on_due = self._on_expiry = _do_nothing

    def _settle(self, settled: SessionExpires | None, our_role: str, now: float) -> None:
        self.stop()
        if settled is None:
            return
        schedule = self._core.schedule
        # Less than what both sides allow is a mistake or an attempt to keep us busy.
        seconds = max(settled.seconds, self._core.settings.min_session_expires_seconds)
        self._interval_seconds = seconds
        self._is_refresher = (settled.refresher or "uac") == our_role
        if self._is_refresher:
            # Half of the interval leaves time to try again (section 10).
            self._alarm = schedule.arm(now + seconds / 2, self._on_due)
        # BYE goes out a little before the end, so that both sides agree on who ended it (section 10).
        self._expiry_alarm = schedule.arm(now + seconds - min(32, seconds / 3), self._on_expiry)


def _do_nothing(now: float) -> None:
    """The session is over."""


def is_too_short(request: Request, minimum_seconds: int) -> bool:
    """Whether to answer 422: the peer asks for less than we allow, and would understand that."""
    asked = _read(request, "Session-Expires")
    return asked is not None and asked.seconds < minimum_seconds and supports(request, "timer")


def _read(message: Request | Response, name: str) -> SessionExpires | None:
    value = message.headers.get(name)
    if value is None:
        return None
    try:
        return SessionExpires.parse(value)
    except MalformedField:
        return None
