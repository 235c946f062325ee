"""Amounts of money as whole millionths of the currency unit, so that sums are exact. The currency is the operator's affair."""

import re

MICROS = 1_000_000

# A million a month is more than any account here spends; the bound keeps every sum within a database's integers.
LARGEST = 1_000_000 * MICROS

_AMOUNT = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,6}))?")


def parse_amount(text: str) -> int | None:
    """The millionths in `12.5`; None for what is no amount from 0 to a million with up to six decimals."""
    match = _AMOUNT.fullmatch(text) if text.isascii() else None
    if match is None:
        return None
    micros = int(match[1]) * MICROS + int((match[2] or "").ljust(6, "0"))
    return micros if micros <= LARGEST else None


def amount_text(micros: int) -> str:
    """`12.5` for its millionths, with at least two decimals."""
    whole, rest = divmod(micros, MICROS)
    decimals = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals}"
