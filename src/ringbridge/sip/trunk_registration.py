"""Our own registration at a carrier, kept up for as long as it is wanted (RFC 3261 section 10.2).

REGISTER, refreshed in good time; after a failure it waits, and after several for longer, so that a carrier that comes
back is not met by a storm. The credentials go to the server that was asked, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from ringbridge.sip.authentication import Authentication
from ringbridge.sip.client_transaction import NoAnswer
from ringbridge.sip.digest import Credentials
from ringbridge.sip.errors import MalformedField
from ringbridge.sip.exchange import Exchange, Result
from ringbridge.sip.grammar import parameter, read_seconds
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response
from ringbridge.sip.schedule import Alarm
from ringbridge.sip.uri import NameAddress, Uri

if TYPE_CHECKING:
    from ringbridge.sip.core import Core

WANTED_SECONDS = 3600
"""How long a registration is asked to last; the server may grant less."""
MAX_SECONDS = 86_400
"""A server that wants to be asked for more is not."""

REFRESH_SHARE, REFRESH_SPREAD = 0.7, 0.1
"""A registration is renewed after this share of its time and up to so much more, so that many are not at once; what is
left is time to try again."""

FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 600.0
"""After failures: twice as long each time, from a quarter less to a quarter more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccount:
    """Where and as whom to register.

    registrar: the Request-URI, without a user. address: whom calls are for, sip:user@host. user: that of our Contact,
    by which the server's requests can be told from another one's.
    """

    registrar: str
    address: str
    user: str
    credentials: Credentials | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationChanged:
    """A REGISTER came to its end.

    until: when the registration ends unless it is renewed, None where there is none. status: the final answer; of a failure
    408 for silence and 503 for a network that cannot reach the server. retry_at: when it is tried again, after a failure.
    """

    name: str
    until: float | None
    status: int
    retry_at: float | None


class _State(Enum):
    """What is waited for."""

    ASKING = "the answer to a REGISTER"
    WAITING = "the time to send the next one"
    OVER = "nothing"


class TrunkRegistration:
    """One registration. `move` starts it, `stop` ends it."""

    __slots__ = (
        "_alarm",
        "_authentication",
        "_call_id",
        "_core",
        "_exchange",
        "_failures",
        "_hop",
        "_hops",
        "_name",
        "_sequence",
        "_state",
        "_tag",
        "_tell",
        "_until",
        "_wanted_seconds",
        "account",
    )

    def __init__(
        self, core: Core, name: str, account: ServerAccount, tell: Callable[[RegistrationChanged], None]
    ) -> None:
        self.account = account
        self._core = core
        self._name = name
        self._tell = tell
        self._hops: tuple[Hop, ...] = ()
        self._hop: Hop | None = None
        # RFC 3261 section 10.2: the same Call-ID for all, so that the server can tell their order.
        self._call_id = core.randomness.token()
        self._tag = core.randomness.token()
        self._sequence = 0
        self._authentication: Authentication | None = None
        self._exchange: Exchange | None = None
        self._state = _State.WAITING
        self._alarm: Alarm | None = None
        self._failures = 0
        self._until: float | None = None
        self._wanted_seconds = WANTED_SECONDS

    def move(self, hops: Sequence[Hop], now: float) -> None:
        """From now on these are the servers, at least one; register at once if the last one is not among them."""
        self._hops = tuple(hops)
        if self._hop not in self._hops:
            self._choose(self._hops[0])
            self._ask(now)

    def stop(self, now: float) -> None:
        """Take the registration back; whatever comes of that, nothing more is told."""
        was_asking = self._state is _State.ASKING
        self._core.schedule.disarm(self._alarm)
        if self._until is not None or was_asking:
            self._wanted_seconds = 0
            self._ask(now)
        self._state = _State.OVER

    def _choose(self, hop: Hop) -> None:
        credentials = self.account.credentials
        if credentials is not None and hop != self._hop:
            self._authentication = Authentication(credentials, hop, self._core.randomness)
        self._hop = hop

    def _ask(self, now: float) -> None:
        core, hop, account = self._core, self._hop, self.account
        assert hop is not None  # `move` has chosen one
        core.schedule.disarm(self._alarm)
        branch = core.new_branch()
        fields = [
            ("Via", core.via(branch, hop)),
            ("Max-Forwards", "70"),
            ("From", f"<{account.address}>;tag={self._tag}"),
            ("To", f"<{account.address}>"),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._take_sequence()} REGISTER"),
            ("Contact", f"<{self._contact(hop)}>"),
            ("Expires", str(self._wanted_seconds)),
        ]
        request = Request(method="REGISTER", uri=account.registrar, headers=Headers.of(fields), body=b"")
        self._state = _State.ASKING
        exchange = Exchange(core, self._authentication, self._take_sequence, self._receive, pinned=False)
        self._exchange = exchange
        exchange.send(request, branch, hop, now)

    def _contact(self, hop: Hop) -> Uri:
        return NameAddress.parse(self._core.contact_for(hop)[1]).uri._replace(user=self.account.user)

    def _take_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def _receive(self, exchange: Exchange, result: Result, source: Hop, now: float) -> None:
        if exchange is not self._exchange or self._state is not _State.ASKING:
            return
        if isinstance(result, NoAnswer):
            self._fail(result.value, None, now)
        elif 200 <= result.status < 300:
            self._take_grant(result, now)
        elif result.status == 423 and self._raise_wanted(result):
            self._ask(now)
        elif result.status >= 300:
            self._fail(result.status, read_seconds(result.headers.get("Retry-After")), now)

    def _take_grant(self, answer: Response, now: float) -> None:
        assert self._hop is not None  # somebody has answered
        seconds = _granted_seconds(answer, self._contact(self._hop), self._wanted_seconds)
        if seconds <= 0:
            self._fail(answer.status, None, now)
            return
        self._failures = 0
        self._until = now + seconds
        self._wait(seconds * (REFRESH_SHARE + REFRESH_SPREAD * self._core.randomness.fraction()), now)
        self._tell(
            RegistrationChanged(name=self._name, until=self._until, status=answer.status, retry_at=None)
        )

    def _raise_wanted(self, refusal: Response) -> bool:
        """Ask for as long as the server wants at least (RFC 3261 section 10.2.8); False where that is no answer."""
        least = read_seconds(refusal.headers.get("Min-Expires"))
        if least is None or not self._wanted_seconds < least <= MAX_SECONDS:
            return False
        self._wanted_seconds = least
        return True

    def _fail(self, status: int, retry_after: int | None, now: float) -> None:
        self._failures += 1
        seconds = min(FIRST_WAIT_SECONDS * 2 ** min(self._failures - 1, 16), LONGEST_WAIT_SECONDS)
        seconds *= 0.75 + 0.5 * self._core.randomness.fraction()
        seconds = max(seconds, min(retry_after or 0, MAX_SECONDS))
        if self._until is not None and self._until <= now:
            self._until = None
        # The next one, if there are several: this one may be what is wrong.
        position = self._hops.index(self._hop) + 1 if self._hop in self._hops else 0
        self._choose(self._hops[position % len(self._hops)])
        self._wait(seconds, now)
        self._tell(
            RegistrationChanged(name=self._name, until=self._until, status=status, retry_at=now + seconds)
        )

    def _wait(self, seconds: float, now: float) -> None:
        self._state = _State.WAITING
        self._alarm = self._core.schedule.arm(now + seconds, self._ask)


def _granted_seconds(answer: Response, contact: Uri, wanted_seconds: int) -> int:
    """For how long the server takes us to be at our Contact (RFC 3261 section 10.2.4)."""
    for value in answer.headers.all("Contact"):
        try:
            found = NameAddress.parse(value)
        except MalformedField:
            continue
        if (found.uri.user, found.uri.host, found.uri.port) == (contact.user, contact.host, contact.port):
            seconds = read_seconds(parameter(found.parameters, "expires"))
            if seconds is not None:
                return seconds
    seconds = read_seconds(answer.headers.get("Expires"))
    return wanted_seconds if seconds is None else seconds
