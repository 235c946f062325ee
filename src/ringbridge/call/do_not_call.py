"""The numbers that an account must not call, whoever asks, as values and as what keeps them. Pure."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

LONGEST_REASON = 200


class BarredNumber(NamedTuple):
    """A number that must not be called. `number` is E.164; `added_at` UTC seconds since 1970; `reason` as it was typed."""

    number: str
    added_at: float
    reason: str | None = None


class BarredNumbers(Protocol):
    """One account's list. Its methods block: call them in threads. All raise StoreUnavailable and NotFound."""

    def add(self, numbers: Mapping[str, str | None], *, at: float) -> int:
        """Add E.164 numbers with their reasons at `at`, UTC seconds since 1970; returns how many were not there yet.

        Those that were there keep when and why they were added.
        """
        ...

    def remove(self, number: str) -> bool:
        """Take a number off the list; False when it was not there."""
        ...

    def page(self, beginning: str, after: str, limit: int) -> list[BarredNumber]:
        """Numbers that begin so and stand behind `after`, in order, `limit` at most."""
        ...
