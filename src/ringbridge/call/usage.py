"""What accounts did before now, as values."""

from typing import NamedTuple


class PastCall(NamedTuple):
    """A call of an account; `at`, UTC seconds since 1970, is when it was accepted or ended, as was asked.

    is_test: it was simulated for a test key.
    """

    account_id: str
    user_number: str
    destination_number: str
    at: float
    is_test: bool = False
