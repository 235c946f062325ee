"""What accounts did before now, as values."""

from typing import NamedTuple


class PastCall(NamedTuple):
    """A call that was accepted at `accepted_at`, UTC seconds since 1970, whatever became of it."""

    account_id: str
    user_number: str
    destination_number: str
    accepted_at: float
