"""How many calls an account and a line may have at once, how fast, and the double click. In memory, for one node.

A check and its reservation are one step that never awaits, so that of a hundred requests in the same moment exactly
as many get through as the limit says. Nothing here survives a restart, and nothing has to: no call does.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TypeVar

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import TooManyCalls

# `rate` counts the accepted calls in any one second.
RATE_SECONDS = 1.0

# When a call will end nobody knows; a client that asks this often costs little and waits little.
BUSY_RETRY_SECONDS = 5.0

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A repeated click on the call `call_id`, which may still fail to be stored: await `stored()`, then answer."""

    call_id: str
    outcome: asyncio.Future[bool] = field(repr=False)

    async def stored(self) -> bool:
        """Whether the first call was stored. Several may wait; one that gives up leaves the others waiting."""
        return await asyncio.shield(self.outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reservation:
    """What one admitted call holds. `click` is the account, the line and the destination."""

    account_id: str
    line: tuple[str, str]
    click: tuple[str, str, str]
    admitted_at: float
    stored: asyncio.Future[bool]


class Admission:
    """Counts the calls of every account and line, and remembers the clicks whose user's phone still rings.

    For each call: `admit`, then `confirm` once it is stored, `user_answered` when it is, `release` when it is over
    or was not stored. The last three know nothing of calls that are gone, and say so to nobody.
    """

    def __init__(self) -> None:
        self._reservations: dict[str, _Reservation] = {}
        self._calls_of_account: Counter[str] = Counter()
        self._calls_of_line: Counter[tuple[str, str]] = Counter()
        self._admitted_at: dict[str, deque[float]] = {}
        self._clicks: dict[tuple[str, str, str], str] = {}

    def admit(
        self,
        call_id: str,
        account_id: str,
        line_number: str,
        destination: str,
        limits: AccountLimits,
        now: float,
    ) -> Duplicate | None:
        """Reserve room for the call, or find the call that it repeats. Raises TooManyCalls; then nothing is reserved."""
        line = (account_id, line_number)
        click = (account_id, line_number, destination)
        first_id = self._clicks.get(click)
        if first_id is not None:
            first = self._reservations[first_id]
            if now - first.admitted_at < limits.duplicates_s:
                return Duplicate(first_id, first.stored)
        if self._calls_of_line[line] >= limits.per_user:
            raise TooManyCalls("per_user", retry_after_seconds=BUSY_RETRY_SECONDS)
        if self._calls_of_account[account_id] >= limits.concurrent:
            raise TooManyCalls("concurrent", retry_after_seconds=BUSY_RETRY_SECONDS)
        self._count_rate(account_id, limits.rate, now)
        self._calls_of_account[account_id] += 1
        self._calls_of_line[line] += 1
        self._clicks[click] = call_id
        self._reservations[call_id] = _Reservation(
            account_id=account_id,
            line=line,
            click=click,
            admitted_at=now,
            stored=asyncio.get_running_loop().create_future(),
        )
        return None

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

    def release(self, call_id: str) -> None:
        """The call is over, or was not stored: give back what it held."""
        reservation = self._reservations.pop(call_id, None)
        if reservation is None:
            return
        if not reservation.stored.done():
            reservation.stored.set_result(False)
        self._forget_click(call_id, reservation)
        _subtract(self._calls_of_account, reservation.account_id)
        _subtract(self._calls_of_line, reservation.line)

    def _count_rate(self, account_id: str, rate: int, now: float) -> None:
        recent = self._admitted_at.setdefault(account_id, deque())
        while recent and recent[0] <= now - RATE_SECONDS:
            recent.popleft()
        if len(recent) >= rate:
            oldest_at = recent[0] if recent else now
            raise TooManyCalls("rate", retry_after_seconds=oldest_at + RATE_SECONDS - now)
        recent.append(now)

    def _forget_click(self, call_id: str, reservation: _Reservation) -> None:
        """A later call of the same click may have taken the place."""
        if self._clicks.get(reservation.click) == call_id:
            del self._clicks[reservation.click]


def _subtract(counter: Counter[Key], key: Key) -> None:
    """One less, and no entry left at none: an account that calls no more takes no room."""
    if counter[key] == 1:
        del counter[key]
    else:
        counter[key] -= 1
