"""The parts of the directory that change apart from one another, and are read again apart."""

from enum import Enum


class Part(Enum):
    """A part, by its column in the table `directory_revision`."""

    ACCOUNTS = "accounts"
    KEYS = "keys"
    LINES = "lines"
    TRUNKS = "trunks"
    LIMITS = "limits"
    DO_NOT_CALL = "do_not_call"
    RATES = "rates"
    WEBHOOKS = "webhooks"


ALL_PARTS = frozenset(Part)
