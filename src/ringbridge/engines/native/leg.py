"""One leg of a call while it is dialled: several phones may ring at once, and the first that answers is the leg.

The rules are those of a forking proxy (RFC 3261 section 16.7). They are pure: sessions are dialled and hung up by
`carriage`.
"""

from collections.abc import Sequence

from ringbridge.call.cause import Cause
from ringbridge.engines.native.attempts import Attempts
from ringbridge.sip.event import RefusalSource, Refused
from ringbridge.sip.headers import Reason

# Of the other refusals the status is only what SIP would have said.
SAID_BY_PEER = (RefusalSource.PEER, RefusalSource.AUTHENTICATION)

ANSWERED_ELSEWHERE = Reason("SIP", 200, "Call completed elsewhere")
"""What makes a phone that rang show no missed call (RFC 3326 section 2)."""

# The first of these tells most of the person who was called; a refusal that says that nobody was there tells least.
_TELLING = (486, 480)
_SILENT = (408, 487)


class LegCarriage:
    """One leg's SIP sessions."""

    __slots__ = (
        "_early",
        "_open",
        "_refusals",
        "attempts",
        "dialed",
        "has_rung",
        "is_over",
        "lacks_encryption",
        "session",
        "trunk",
    )

    def __init__(self, attempts: Attempts, dialed: int = 0) -> None:
        self.attempts = attempts
        self.trunk = attempts.first_trunk
        """The one that the call is known to be tried over."""
        self.dialed = dialed
        """How many sessions were begun under the name of this leg."""
        self.has_rung = False
        self.session: str | None = None
        """The one that was answered."""
        self.lacks_encryption = False
        """Whether somebody was not dialled whose audio had to be encrypted."""
        self.is_over = False
        self._open: list[str] = []
        self._refusals: list[Refused] = []
        self._early: str | None = None

    @property
    def open_sessions(self) -> tuple[str, ...]:
        """Those that are dialled, ring or are up."""
        return tuple(self._open)

    def dial(self, session: str) -> None:
        """Ring one more phone."""
        self._open.append(session)
        self.dialed += 1

    def hears(self, session: str) -> bool:
        """Whether news of a session are news of the leg: not of one that lost."""
        return session in self._open

    def takes_early_media(self, session: str) -> bool:
        """Whether this phone's sound is the one to be heard before anybody answers: that of the first that sends some."""
        self._early = self._early or session
        return self._early == session

    def answer(self, session: str) -> tuple[str, ...]:
        """This one was answered; returns the others, which are to be hung up."""
        others = tuple([one for one in self._open if one != session])
        self.session, self._open = session, [session]
        return others

    def refuse(self, refused: Refused) -> tuple[Refused | None, tuple[str, ...]]:
        """This one was refused.

        Returns what is to be told of the whole leg, None while another phone may still answer; and whom to hang up.
        """
        self._open.remove(refused.session)
        self._refusals.append(refused)
        if self._open and not _is_for_all(refused):
            return None, ()
        others, self._open = self.open_sessions, []
        return best_refusal(self._refusals), others

    @property
    def cause_of_not_dialing(self) -> Cause:
        """Why nobody could be dialled."""
        if self.lacks_encryption:
            return Cause.INCOMPATIBLE_MEDIA
        return Cause.CONGESTION if self.attempts.is_full else Cause.UNREACHABLE

    def best_refusal(self) -> Refused | None:
        """What is to be told of the leg if nothing else is tried; None if nobody was reached."""
        return best_refusal(self._refusals) if self._refusals else None

    def close(self) -> tuple[str, ...]:
        """It is over; returns the sessions that are to be hung up."""
        self.is_over = True
        self.attempts.close()
        sessions, self._open = self.open_sessions, []
        return sessions


def best_refusal(refusals: Sequence[Refused]) -> Refused:
    """What is told of a leg that every phone refused (RFC 3261 section 16.7, step 6)."""
    return min(refusals, key=_rank)


def _rank(refused: Refused) -> tuple[bool, bool, int, int]:
    is_silent = refused.source not in SAID_BY_PEER or refused.status in _SILENT
    telling = _TELLING.index(refused.status) if refused.status in _TELLING else len(_TELLING)
    return not _is_for_all(refused), is_silent, telling, refused.status


def _is_for_all(refused: Refused) -> bool:
    """Whether the person refused, and not only one of the phones."""
    return refused.source in SAID_BY_PEER and refused.status >= 600
