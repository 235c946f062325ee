"""How many calls an account and a line may have at once, how fast, for how much, and the double click. In memory, for one node.

Test calls and live ones count apart, against the same limits.

A check and its reservation are one step that never awaits, so that of a hundred requests in the same moment exactly
as many get through as the limit says. No call survives a restart; what the calls of before count is given back by `restore`.
"""

import asyncio
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import TooManyCalls
from ringbridge.call.model import Call, ThirdPrice
from ringbridge.call.tariff import cost_micros, most_micros, third_micros, third_price
from ringbridge.service.ledger import Ledger, ledger_of
from ringbridge.service.spending import Spending
from ringbridge.service.suspicion import ShortCalls, SuspiciousCalls
from ringbridge.service.window import Window

RATE_SECONDS = 1.0
MINUTE_SECONDS = 60.0
DESTINATION_SECONDS = 600.0

# When a call will end nobody knows; a client that asks this often costs little and waits little.
BUSY_RETRY_SECONDS = 5.0

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A repeated click on the call `call_id`, which may still fail to be stored: await `stored()`, then answer."""

    call_id: str
    outcome: asyncio.Future[bool] = field(repr=False)

    async def stored(self) -> bool:
        """Whether the first call was stored. Several may wait; one that gives up leaves the others waiting."""
        return await asyncio.shield(self.outcome)


class RecentCall(NamedTuple):
    """A call that an earlier process accepted, for the limits that look back. `accepted_at` is on this process's clock."""

    ledger: Ledger
    user_number: str
    destination_number: str
    accepted_at: float


class _Reservation(NamedTuple):
    """What one admitted call holds. `click` is where it counts, the line and the destination; `micros` and `thirds` the money.

    minds_short_calls: whether a limit asks if the call was a short one.
    """

    ledger: Ledger
    line: tuple[Ledger, str]
    click: tuple[Ledger, str, str]
    admitted_at: float
    micros: int
    minds_short_calls: bool
    stored: asyncio.Future[bool]
    thirds: tuple[ThirdPrice, ...] = ()


class Admission:
    """Counts the calls of every account and line, and remembers the clicks whose user's phone still rings.

    For each call: `admit`, then `confirm` once it is stored, `user_answered` when it is, `release` when it is over
    or was not stored. The last three know nothing of calls that are gone, and say so to nobody.
    """

    def __init__(self) -> None:
        self.spending = Spending()
        self.short_calls = ShortCalls()
        self._reservations: dict[str, _Reservation] = {}
        self._calls_of_account: Counter[Ledger] = Counter()
        self._calls_of_line: Counter[tuple[Ledger, str]] = Counter()
        self._second_of_account: Window[Ledger] = Window(RATE_SECONDS)
        self._minute_of_account: Window[Ledger] = Window(MINUTE_SECONDS)
        self._minute_of_line: Window[tuple[Ledger, str]] = Window(MINUTE_SECONDS)
        self._calls_to: Window[tuple[Ledger, str]] = Window(DESTINATION_SECONDS)
        self._clicks: dict[tuple[Ledger, str, str], str] = {}

    def restore(self, calls: Iterable[RecentCall]) -> None:
        """Count calls of an earlier process, the oldest first."""
        for call in calls:
            at = call.accepted_at
            self._second_of_account.add(call.ledger, at)
            self._minute_of_account.add(call.ledger, at)
            self._minute_of_line.add((call.ledger, call.user_number), at)
            self._calls_to.add((call.ledger, call.destination_number), at)

    def calls_now(self, ledger: Ledger) -> int:
        """How many calls of the account are not over."""
        return self._calls_of_account[ledger]

    def calls_last_minute(self, ledger: Ledger, now: float) -> int:
        """How many calls of the account were accepted within a minute; 0 while no limit counts them."""
        return self._minute_of_account.count(ledger, now)

    def calls_of_line(self, ledger: Ledger, number: str) -> int:
        """How many calls of the account's line are not over."""
        return self._calls_of_line[ledger, number]

    def admit(self, call: Call, limits: AccountLimits) -> Duplicate | None:
        """Reserve room and money for the call, which was accepted now, or find the call that it repeats.

        Raises TooManyCalls or SpendLimitReached; then nothing is reserved.
        """
        now = call.accepted_at
        ledger = ledger_of(call)
        line = (ledger, call.user.number)
        click = (*line, call.destination.number + call.digits)
        first_id = self._clicks.get(click)
        if first_id is not None:
            first = self._reservations[first_id]
            if now - first.admitted_at < limits.duplicates_s:
                return Duplicate(first_id, first.stored)
        micros = most_micros(call)
        try:
            self._check(call, limits, micros)
        except SuspiciousCalls:
            self.short_calls.suspect(call)
            raise
        self.spending.reserve(ledger, micros, call.accepted_utc)
        self._count(call, limits)
        self._calls_of_account[ledger] += 1
        self._calls_of_line[line] += 1
        self._clicks[click] = call.id
        self._reservations[call.id] = _Reservation(
            ledger=ledger,
            line=line,
            click=click,
            admitted_at=now,
            micros=micros,
            minds_short_calls=limits.short_calls_per_hour is not None,
            stored=asyncio.get_running_loop().create_future(),
        )
        return None

    def check(self, call: Call, limits: AccountLimits) -> None:
        """Whether there is room and money for the call; reserves nothing. Raises TooManyCalls or SpendLimitReached."""
        self._check(call, limits, most_micros(call))

    def _check(self, call: Call, limits: AccountLimits, micros: int) -> None:
        ledger = ledger_of(call)
        if self._calls_of_line[ledger, call.user.number] >= limits.per_user:
            raise TooManyCalls("per_user", most=limits.per_user, retry_after_seconds=BUSY_RETRY_SECONDS)
        if self._calls_of_account[ledger] >= limits.concurrent:
            raise TooManyCalls("concurrent", most=limits.concurrent, retry_after_seconds=BUSY_RETRY_SECONDS)
        self._check_rates(call, limits)
        self.spending.check(ledger, limits, micros, call.accepted_utc)

    def admit_third(self, call: Call, planned: Call, limits: AccountLimits) -> ThirdPrice | None:
        """Reserve money for a third who is dialled in the talking `call` as the destination of `planned` would be.

        It counts like a call of its own, in the periods of now, for all but the limits of how many there are at once.
        Returns what it costs, None if that is not known. Raises TooManyCalls or SpendLimitReached; then nothing is reserved.
        """
        self._check_rates(planned, limits)
        price = third_price(call, planned)
        ledger, most_micros_more = ledger_of(call), 0 if price is None else price.most_micros
        self.spending.check(ledger, limits, most_micros_more, planned.accepted_utc)
        self._count(planned, limits)
        reservation = self._reservations.get(call.id)
        if reservation is not None and price is not None:
            self.spending.reserve(ledger, price.most_micros, price.asked_utc)
            self._reservations[call.id] = reservation._replace(thirds=(*reservation.thirds, price))
        return price

    def keep_third(self, call_id: str, dialed: ThirdPrice | None) -> None:
        """Nothing is reserved any more for a third of the call but for this one; None when nobody is dialled."""
        reservation = self._reservations.get(call_id)
        if reservation is not None:
            for price in reservation.thirds:
                if price is not dialed:
                    self.spending.settle(reservation.ledger, price.most_micros, 0, price.asked_utc)
            kept = tuple(price for price in reservation.thirds if price is dialed)
            self._reservations[call_id] = reservation._replace(thirds=kept)

    def _check_rates(self, call: Call, limits: AccountLimits) -> None:
        ledger, now = ledger_of(call), call.accepted_at
        _check_rate("rate", self._second_of_account, ledger, limits.rate, now)
        if limits.per_minute is not None:
            _check_rate("per_minute", self._minute_of_account, ledger, limits.per_minute, now)
        if limits.user_per_minute is not None:
            line = (ledger, call.user.number)
            _check_rate("user_per_minute", self._minute_of_line, line, limits.user_per_minute, now)
        if limits.destination_per_10_minutes is not None:
            destination = (ledger, call.destination.number)
            most = limits.destination_per_10_minutes
            _check_rate("destination_per_10_minutes", self._calls_to, destination, most, now)
        self.short_calls.check(call, limits)

    def confirm(self, call_id: str) -> None:
        """The call is stored: whoever repeated its click may be told its id."""
        reservation = self._reservations.get(call_id)
        if reservation is not None and not reservation.stored.done():
            reservation.stored.set_result(True)

    def user_answered(self, call_id: str) -> None:
        """The user's phone rings no more: from now on the same click means another call."""
        reservation = self._reservations.get(call_id)
        if reservation is not None:
            self._forget_click(call_id, reservation)

    def release(self, call: Call) -> None:
        """The call is over, or was not stored: give back what it held but for the money that it did cost."""
        reservation = self._reservations.pop(call.id, None)
        if reservation is None:
            return
        if not reservation.stored.done():
            reservation.stored.set_result(False)
        self._forget_click(call.id, reservation)
        if reservation.minds_short_calls:
            self.short_calls.ended(call)
        ledger = reservation.ledger
        self.spending.settle(ledger, reservation.micros, cost_micros(call), call.accepted_utc)
        for price in reservation.thirds:
            # Another one than the last was asked for in the same moment, and never dialled.
            is_last = call.transfer is not None and call.transfer.price is price
            cost = third_micros(call, call.thirds[-1]) if is_last else 0
            self.spending.settle(ledger, price.most_micros, cost, price.asked_utc)
        _subtract(self._calls_of_account, ledger)
        _subtract(self._calls_of_line, reservation.line)

    def _count(self, call: Call, limits: AccountLimits) -> None:
        """What no limit asks for is not counted: ten minutes of calls are much to keep."""
        ledger, at = ledger_of(call), call.accepted_at
        self._second_of_account.add(ledger, at)
        if limits.per_minute is not None:
            self._minute_of_account.add(ledger, at)
        if limits.user_per_minute is not None:
            self._minute_of_line.add((ledger, call.user.number), at)
        if limits.destination_per_10_minutes is not None:
            self._calls_to.add((ledger, call.destination.number), at)

    def _forget_click(self, call_id: str, reservation: _Reservation) -> None:
        """A later call of the same click may have taken the place."""
        if self._clicks.get(reservation.click) == call_id:
            del self._clicks[reservation.click]


def _check_rate(limit: str, window: Window[Key], key: Key, most: int, now: float) -> None:
    wait_seconds = window.wait_seconds(key, most, now)
    if wait_seconds > 0.0:
        raise TooManyCalls(limit, most=most, retry_after_seconds=wait_seconds)


def _subtract(counter: Counter[Key], key: Key) -> None:
    """One less, and no entry left at none: an account that calls no more takes no room."""
    if counter[key] == 1:
        del counter[key]
    else:
        counter[key] -= 1
