"""Amounts of money as text."""

import pytest

from ringbridge.call.money import amount_text, parse_amount


@pytest.mark.parametrize(
    ("text", "micros", "shown"),
    [
        ("0", 0, "0.00"),
        ("25.5", 25_500_000, "25.50"),
        ("0.0125", 12_500, "0.0125"),
        ("0.000001", 1, "0.000001"),
        ("1000000", 1_000_000_000_000, "1000000.00"),
    ],
)
def test_an_amount_is_read_exactly_and_shown_with_two_decimals_at_least(
    text: str, micros: int, shown: str
) -> None:
    assert parse_amount(text) == micros
    assert amount_text(micros) == shown


@pytest.mark.parametrize(
    "text", ["", "-1", "1,5", "1.", ".5", "0.0000001", "1000001", "\u0661", "nan", "1e3", " 1"]
)
def test_what_is_no_amount_is_none(text: str) -> None:
    assert parse_amount(text) is None
