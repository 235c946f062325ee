"""Slices of time, and what calls add to them: the hours of a day make the day. Pure.

A call counts in the slice in which it ended: once that is over, nothing of it changes any more. Times are UTC seconds since 1970.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from ringbridge.call.simulation import SIMULATED
from ringbridge.call.statistics import (
    EndedCall,
    Kind,
    Share,
    Sums,
    Times,
    shares_of,
    sums_of,
    times_of,
)

FIVE_MINUTES, HOUR, DAY = 300, 3600, 86_400
RESOLUTIONS = (FIVE_MINUTES, HOUR, DAY)
"""How long slices are, in seconds, the finest first. Each is a whole number of the one before."""

KEPT_SECONDS = {FIVE_MINUTES: 2.0 * DAY, HOUR: 40.0 * DAY}
"""For how long slices are kept: five minutes for whoever looks at the last hour, hours for the edges of a month, days for good."""

NO_CALLS = Sums()
NO_SHARE = Share()


def slice_start(at: float, seconds: int) -> int:
    """Where the slice of that length begins in which `at` is."""
    return int(at // seconds) * seconds


class Span(NamedTuple):
    """All slices of one length that begin at `start` or later and end at `end` or before."""

    seconds: int
    start: int
    end: int


def spans(start: int, end: int) -> list[Span]:
    """The fewest slices that make up the time between two beginnings of the finest slices, the oldest first."""
    found = []
    for finer, coarser in pairwise(RESOLUTIONS):
        inner_start, inner_end = -(-start // coarser) * coarser, end // coarser * coarser
        if inner_start >= inner_end:
            found.append(Span(finer, start, end))
            break
        found += [Span(finer, start, inner_start), Span(finer, inner_end, end)]
        start, end = inner_start, inner_end
    else:
        found.append(Span(RESOLUTIONS[-1], start, end))
    return sorted((span for span in found if span.start < span.end), key=lambda span: span.start)


class SliceKey(NamedTuple):
    """Which slice."""

    seconds: int
    start: int


class ShareKey(NamedTuple):
    """Whose share of which slice."""

    seconds: int
    start: int
    kind: Kind
    name: str


@dataclass(slots=True)
class Totals:
    """What a slice of an account, or many of them, hold."""

    sums: Sums = NO_CALLS
    times: Times = field(default_factory=Counter)


class Tally:
    """What some calls of one account add to which slices, but for those that are not kept any more at `now_utc`.

    Test calls add nothing: how they go says nothing of people and carriers.
    """

    def __init__(self, calls: Iterable[EndedCall], now_utc: float) -> None:
        self._since = {seconds: now_utc - kept_seconds for seconds, kept_seconds in KEPT_SECONDS.items()}
        self.slices: dict[SliceKey, Totals] = {}
        self.shares: dict[ShareKey, Share] = {}
        for call in calls:
            if call.user_trunk != SIMULATED:
                self._add(call)
        for finer, coarser in pairwise(RESOLUTIONS):
            self._put_together(finer, coarser)

    def _add(self, call: EndedCall) -> None:
        """To the finest slice that is kept: there are few of them, and the others are made of them."""
        starts = ((seconds, slice_start(call.ended_at, seconds)) for seconds in RESOLUTIONS)
        seconds, start = next(each for each in starts if each[1] >= self._since.get(each[0], each[1]))
        totals = self.slices.setdefault(SliceKey(seconds, start), Totals())
        totals.sums = totals.sums.plus(sums_of(call))
        for key in times_of(call):
            totals.times[key] += 1
        for kind, name, share in shares_of(call):
            self._add_share(ShareKey(seconds, start, kind, name), share)

    def _put_together(self, finer: int, coarser: int) -> None:
        for key, totals in [item for item in self.slices.items() if item[0].seconds == finer]:
            whole = self.slices.setdefault(SliceKey(coarser, slice_start(key.start, coarser)), Totals())
            whole.sums = whole.sums.plus(totals.sums)
            whole.times.update(totals.times)
        for of, share in [item for item in self.shares.items() if item[0].seconds == finer]:
            self._add_share(ShareKey(coarser, slice_start(of.start, coarser), of.kind, of.name), share)

    def _add_share(self, key: ShareKey, share: Share) -> None:
        self.shares[key] = self.shares.get(key, NO_SHARE).plus(share)
