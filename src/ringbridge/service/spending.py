"""What the calls of each account cost in the running hour, day and month of UTC: spent, and reserved for calls that are up.

In memory; `restore` gives back what the database knows when the server starts. Amounts are millionths of the currency.
"""

from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import SpendLimitReached
from ringbridge.service.ledger import Ledger

_HOUR_SECONDS = 3600
_DAY_SECONDS = 86_400


class Period(Enum):
    """What a limit of money is for. The values end the names of the limits."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    def start(self, utc: float) -> float:
        """When the period began in which `utc` is, both UTC seconds since 1970."""
        match self:
            case Period.HOUR:
                return utc // _HOUR_SECONDS * _HOUR_SECONDS
            case Period.DAY:
                return utc // _DAY_SECONDS * _DAY_SECONDS
            case Period.MONTH:
                moment = datetime.fromtimestamp(utc, UTC)
                return datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()

    def end(self, utc: float) -> float:
        """When it is over."""
        match self:
            case Period.HOUR:
                return self.start(utc) + _HOUR_SECONDS
            case Period.DAY:
                return self.start(utc) + _DAY_SECONDS
            case Period.MONTH:
                # The longest month has 31 days, and no next one is over after 32.
                return self.start(self.start(utc) + 32 * _DAY_SECONDS)


class Sum(NamedTuple):
    """Money of one period: what calls that are over did cost, and what those that are up may cost at the most."""

    spent: int = 0
    reserved: int = 0


class Spending:
    """The sums. A call counts in the periods in which it was accepted, with the most that it may cost until it is settled.

    Of each kind of period the last two are kept: where one ends, calls of both are accepted and settled in any order, and
    whoever sets the clock on the wall back a little comes to the sums of then.
    """

    def __init__(self) -> None:
        self._sums: dict[tuple[Ledger, Period], dict[float, Sum]] = {}

    def restore(self, ledger: Ledger, period: Period, micros: int, utc_now: float) -> None:
        """What was spent in the running period before this process began."""
        self._add(ledger, period, Sum(spent=micros), utc_now)

    def sum(self, ledger: Ledger, period: Period, utc_now: float) -> Sum:
        """What is spent and what is reserved in the running period."""
        sums = self._sums.get((ledger, period))
        return Sum() if sums is None else sums.get(period.start(utc_now), Sum())

    def check(self, ledger: Ledger, limits: AccountLimits, micros: int, utc_now: float) -> None:
        """Raises SpendLimitReached if `micros` more would be too much in one of the periods."""
        if not limits.limits_money:
            return
        for period in Period:
            most: int | None = getattr(limits, f"spend_per_{period.value}")
            if most is not None and sum(self.sum(ledger, period, utc_now)) + micros > most:
                wait_seconds = period.end(utc_now) - utc_now
                raise SpendLimitReached(
                    f"spend_per_{period.value}", most=most, retry_after_seconds=wait_seconds
                )

    def reserve(self, ledger: Ledger, micros: int, utc_now: float) -> None:
        """Count what a call that is accepted now may cost."""
        if micros == 0:
            return
        for period in Period:
            self._add(ledger, period, Sum(reserved=micros), utc_now)

    def settle(self, ledger: Ledger, reserved: int, cost: int, accepted_utc: float) -> None:
        """The call did cost `cost`: give back the rest in the periods in which it was accepted, as far as they are kept."""
        for period in Period:
            if period.start(accepted_utc) in self._sums.get((ledger, period), ()):
                self._add(ledger, period, Sum(cost, -reserved), accepted_utc)

    def _add(self, ledger: Ledger, period: Period, more: Sum, utc: float) -> None:
        start = period.start(utc)
        sums = self._sums.setdefault((ledger, period), {})
        if start not in sums and len(sums) == 2:
            del sums[next(iter(sums))]
        before = sums.get(start, Sum())
        sums[start] = Sum(before.spent + more.spent, before.reserved + more.reserved)
