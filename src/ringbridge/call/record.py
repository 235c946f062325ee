"""The record of a call, which every ended call has once: what bills, reports and disputes are made of; and the port to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ringbridge.call.simulation import SIMULATED
from ringbridge.call.third import StoredThird, total_micros

ERASED = "erased"
"""What stands in the place of a number that was erased, and of where it was reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One ended call. Points in time are UTC seconds since 1970, None where the call did not come that far.

    user_target, destination_target: the SIP URI that was dialled. user_caller_number, destination_caller_number:
    the number that the phone showed. Ring seconds end with the leg's answer or its end, talk seconds are from the
    destination's answer to the end of the call. thirds: whom it was transferred to, or was to be. legs_micros: what its
    two legs cost, in millionths of the currency; None in test calls, and where no rate was known.
    """

    call_id: str
    account_id: str
    key_id: str
    user_number: str
    user_target: str
    user_trunk: str | None
    user_caller_number: str
    destination_number: str
    destination_target: str
    destination_trunk: str | None
    destination_caller_number: str
    accepted_at: float
    outcome: str
    cause: str
    ended_by: str
    ended_at: float
    user_dialed_at: float | None
    user_ringing_at: float | None
    user_answered_at: float | None
    user_ended_at: float | None
    user_cause: str | None
    user_sip_status: int | None
    user_q850: int | None
    destination_dialed_at: float | None
    destination_ringing_at: float | None
    destination_answered_at: float | None
    destination_ended_at: float | None
    destination_cause: str | None
    destination_sip_status: int | None
    destination_q850: int | None
    user_ring_seconds: float
    destination_ring_seconds: float
    talk_seconds: float
    metadata: Mapping[str, str] | None = None
    thirds: tuple[StoredThird, ...] = ()
    legs_micros: int | None = None

    @property
    def micros(self) -> int | None:
        """What it cost with its thirds, in millionths of the currency; None where that is not known."""
        return total_micros(self.legs_micros, self.thirds)

    @property
    def is_test(self) -> bool:
        """Whether it was simulated for a test key."""
        return self.user_trunk == SIMULATED

    @property
    def place(self) -> "RecordPlace":
        """Where it stands among the records of its account."""
        return RecordPlace(self.ended_at, self.call_id)


class RecordPlace(NamedTuple):
    """Where a record stands in its account's list, which is ordered by the time of the end."""

    ended_at: float
    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter:
    """Which records are asked for: all conditions hold; None and () are none. Times are UTC seconds since 1970.

    ended_from, ended_before: of calls that ended at or after the one and before the other. outcomes: with one of these.
    lines: of one of these users' numbers. number: one side's is this. number_part: one side's has this in it.
    key_id: who asked for the call. is_test: of calls that were simulated, or of all others.
    """

    ended_from: float | None = None
    ended_before: float | None = None
    outcomes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    is_test: bool | None = None
    number: str | None = None
    number_part: str | None = None
    key_id: str | None = None


class FoundRecords(NamedTuple):
    """What a search has found so far, the newest first, and where it goes on; None where there is nothing more to look at.

    looked_until: the search has stopped there, UTC, because it had looked at as much as it may at once.
    """

    records: list[Record]
    next: RecordPlace | None
    looked_until: float | None


class Erasure(NamedTuple):
    """What was erased: so many calls. `running` is how many calls with that number go on, which keep it until they end."""

    calls: int
    running: int


class RecordStore(Protocol):
    """Keeps records. Its methods block: call them in threads. All raise StoreUnavailable."""

    def page(
        self, account_id: str, wanted: RecordFilter, after: RecordPlace | None, limit: int
    ) -> list[Record]:
        """The account's records behind the place `after` (None: from the first), the newest first, `limit` at most."""
        ...

    def search(
        self, account_id: str, wanted: RecordFilter, after: RecordPlace | None, limit: int
    ) -> FoundRecords:
        """As `page`, in a time that does not grow with the account's records: it may stop before all were looked at."""
        ...

    def find(self, account_id: str, call_id: str) -> Record | None:
        """The record of the account's call."""
        ...

    def erase(self, account_id: str, number: str, *, of_tests: bool = False) -> Erasure:
        """Forget a number in all that is stored of the account's calls that are over; the records stay for the books.

        of_tests: of test calls alone.
        """
        ...

    def sweep(self, now_utc: float, limit: int) -> int:
        """Delete up to `limit` calls, with history and record, that their accounts do not want to keep at `now_utc`.

        Returns how many were deleted: fewer than `limit` when none is left.
        """
        ...
