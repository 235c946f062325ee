"""Under whose name calls are counted: each account's live calls under one, its test calls under another.

So test keys meet the limits that live ones would, and take neither room nor money from anybody who telephones.
"""

from typing import NamedTuple

from ringbridge.call.model import Call
from ringbridge.call.simulation import is_simulated


class Ledger(NamedTuple):
    """What an account's calls of one of the two kinds count."""

    account_id: str
    is_test: bool = False


def ledger_of(call: Call) -> Ledger:
    """Where the call counts."""
    return Ledger(call.account_id, is_simulated(call))
