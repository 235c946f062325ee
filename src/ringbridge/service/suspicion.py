"""Many calls that end right after their answer, to one country: what a stolen key is used for, so the account is suspended.

Somebody is paid for each call that one of his numbers answers. A sales team has short calls too: the limit is the
administrator's, and off until he sets it.
"""

from collections.abc import Callable

import structlog

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import TooManyCalls
from ringbridge.call.model import Call
from ringbridge.call.number import region_of
from ringbridge.service.ledger import Ledger, ledger_of
from ringbridge.service.window import Window

log = structlog.get_logger()

SHORT_SECONDS = 10.0
HOUR_SECONDS = 3600.0

# Until everybody who asks whether the account is suspended hears that it is.
SUSPENDING_SECONDS = 10.0

OnSuspicion = Callable[[str], None]
"""Told the id of an account that is to be suspended."""


class SuspiciousCalls(TooManyCalls):
    """The account had too many short calls to a country; it is suspended."""


class ShortCalls:
    """Counts them within any hour, by account and country."""

    def __init__(self) -> None:
        self.on_suspicion: OnSuspicion | None = None
        self._recent: Window[tuple[Ledger, str]] = Window(HOUR_SECONDS)
        self._refused_until: dict[Ledger, float] = {}

    def restore(self, ledger: Ledger, destination_number: str, ended_at: float) -> None:
        """A short call of an earlier process; the oldest first."""
        self._recent.add((ledger, region_of(destination_number)), ended_at)

    def ended(self, call: Call) -> None:
        """A call is over, and perhaps it was a short one."""
        answered_at, ended_at = call.destination_leg.answered_at, call.ended_at
        if answered_at is None or ended_at is None:
            return
        if ended_at - answered_at < SHORT_SECONDS:
            self._recent.add(_key(call), ended_at)

    def check(self, call: Call, limits: AccountLimits) -> None:
        """Whether there were few enough of them to where this call goes. Raises SuspiciousCalls."""
        most = limits.short_calls_per_hour
        if most is None:
            return
        key = _key(call)
        is_suspected = self._refused_until.get(key[0], 0.0) > call.accepted_at
        if is_suspected or self._recent.count(key, call.accepted_at) > most:
            raise SuspiciousCalls("short_calls_per_hour", most=most, retry_after_seconds=HOUR_SECONDS)

    def suspect(self, call: Call) -> None:
        """The call was refused for that: have the account suspended. Whoever lets it call again starts from none.

        For test calls no account is suspended: a while later they start from none, too.
        """
        ledger, country = _key(call)
        if self._refused_until.get(ledger, 0.0) > call.accepted_at:
            return
        self._refused_until[ledger] = call.accepted_at + SUSPENDING_SECONDS
        self._recent.clear((ledger, country))
        if ledger.is_test:
            return
        log.error("account.suspicious", account=call.account_id, country=country)
        if self.on_suspicion is not None:
            self.on_suspicion(call.account_id)


def _key(call: Call) -> tuple[Ledger, str]:
    """Where the call counts, and the country that it goes to."""
    return ledger_of(call), region_of(call.destination.number)
