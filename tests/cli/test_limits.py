"""Limits on the command line."""

import pytest

from tests.cli.conftest import Ringbridge


def test_limits_that_are_not_named_stay(ringbridge: Ringbridge, account: str) -> None:
    assert ringbridge("limits", "set", "--account", account, "concurrent=1000", "countries=US,CA") == (
        0,
        "",
        "",
    )
    assert ringbridge("limits", "set", "--account", account, "duplicates_s=1.5") == (0, "", "")

    assert ringbridge("limits", "show", "--account", account).out == (
        "concurrent=1000\nper_user=1\nrate=10\nduplicates_s=1.5\ncountries=US,CA\n"
        "user_ring_s=30\nconfirm_s=10\ndestination_ring_s=60\ncall_s=3600\n"
        "per_minute=\nuser_per_minute=\ndestination_per_10_minutes=\nrefused_prefixes=\nquiet_hours=\n"
        "spend_per_call=\nspend_per_hour=\nspend_per_day=\nspend_per_month=\nshort_calls_per_hour=\nkeys=20\n"
    )


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("rate=fast", "rate takes a whole number from 0 to 1000000"),
        ("countries=US,XX", "'XX' is not a country: give its two letters, such as US or GB"),
    ],
)
def test_what_is_no_limit_is_refused(ringbridge: Ringbridge, account: str, word: str, sentence: str) -> None:
    assert ringbridge("limits", "set", "--account", account, word) == (2, "", f"ringbridge: {sentence}\n")
    assert "\ncountries=\n" in ringbridge("limits", "show", "--account", account).out
