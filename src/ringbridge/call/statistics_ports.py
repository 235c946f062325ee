"""The port to what is counted of calls."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ringbridge.call.statistics import Share, Sums
from ringbridge.call.tally import Totals


class Named(NamedTuple):
    """Somebody's share."""

    name: str
    share: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What is kept of an account between two times.

    slices: by their beginning, the oldest first, without those in which no call ended. lines: those with the most calls.
    counted_to: the end of the last call that is counted; None before the first. is_behind: whether more are still to be counted.
    """

    slices: tuple[tuple[int, Sums], ...]
    totals: Totals
    lines: tuple[Named, ...]
    trunks: tuple[Named, ...]
    counted_to: float | None
    is_behind: bool


class StatisticsStore(Protocol):
    """Keeps what is counted. Its methods block: call them in threads. All raise StoreUnavailable."""

    def read(
        self, account_id: str, seconds: int, start: int, end: int, *, most_lines: int, behind_since: float
    ) -> Statistics:
        """What is kept between two beginnings of slices; `slices` are `seconds` long.

        is_behind: whether a call that ended before `behind_since` is not counted yet.
        """
        ...

    def count(self, until: float, limit: int) -> int:
        """Count up to `limit` calls of each account that ended before `until`, each once; how many. 0 when none is left."""
        ...

    def recount(self, since: float, until: float) -> int:
        """Count hours between these times anew that have calls which came too late to be counted; how many hours."""
        ...

    def prune(self, now_utc: float) -> None:
        """Forget slices that are finer than anybody looks at after so long, and shares that their accounts do not keep."""
        ...
