"""Limits on the command line."""

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
        "user_ring_s=30\ndestination_ring_s=60\ncall_s=3600\n"
    )


def test_what_is_no_limit_is_refused(ringbridge: Ringbridge, account: str) -> None:
    assert ringbridge("limits", "set", "--account", account, "rate=fast") == (
        2,
        "",
        "ringbridge: rate takes a whole number from 0 to 1000000\n",
    )
