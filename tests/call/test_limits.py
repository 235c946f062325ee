"""Limits as words, and back."""

import pytest

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import InvalidSetting
from ringbridge.call.limits import NAMES, is_looser, limit_text, parse_limits, quiet_minutes


def test_limits_are_set_by_key_and_value() -> None:
    limits = parse_limits(
        AccountLimits(), ["concurrent=1000", "countries=us, CA", "duplicates_s=0", "call_s=60"]
    )

    assert limits == AccountLimits(concurrent=1000, countries=("US", "CA"), duplicates_s=0.0, call_s=60.0)


def test_what_is_not_named_stays() -> None:
    assert parse_limits(AccountLimits(rate=7), ["per_user=2"]) == AccountLimits(rate=7, per_user=2)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (
            "concurrent",
            "'concurrent' is not a limit. Write KEY=VALUE with one of: concurrent, per_user, rate,",
        ),
        ("speed=3", "'speed=3' is not a limit. Write KEY=VALUE with one of: "),
        ("rate=fast", "rate takes a whole number from 0 to 1000000"),
        ("rate=-1", "rate takes a whole number from 0 to 1000000"),
        ("rate=\u0663", "rate takes a whole number from 0 to 1000000"),
        ("rate=1000001", "rate takes a whole number from 0 to 1000000"),
        ("countries=USA", "countries takes two-letter codes parted by commas, for example countries=US,CA"),
        ("call_s=14401", "call_s takes seconds from 1 to 14400"),
        ("user_ring_s=soon", "user_ring_s takes seconds from 1 to 600"),
        ("duplicates_s=nan", "duplicates_s takes seconds from 0 to 600"),
        ("per_minute=-1", "per_minute takes a whole number from 0 to 1000000, or nothing for no limit"),
        ("refused_prefixes=1900", "refused_prefixes takes the beginnings of numbers with their plus"),
        ("refused_prefixes=+\u0661", "refused_prefixes takes the beginnings of numbers with their plus"),
        ("quiet_hours=9-17", "quiet_hours takes HH:MM-HH:MM, for example quiet_hours=21:00-08:00"),
        ("quiet_hours=24:00-08:00", "quiet_hours takes HH:MM-HH:MM"),
        ("quiet_hours=08:00-08:00", "quiet_hours takes HH:MM-HH:MM"),
        ("spend_per_day=much", "spend_per_day takes an amount such as spend_per_day=25.50"),
        ("spend_per_day=1000000.01", "spend_per_day takes an amount such as spend_per_day=25.50"),
    ],
)
def test_a_wrong_limit_is_refused_with_what_it_takes(word: str, text: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        parse_limits(AccountLimits(), [word])

    assert str(caught.value).startswith(text)


EVERYTHING = AccountLimits(
    countries=("US", "CA"),
    per_minute=30,
    user_per_minute=6,
    destination_per_10_minutes=3,
    refused_prefixes=("+1900", "+4487"),
    quiet_hours="21:00-08:30",
    spend_per_call=1_250_000,
    spend_per_hour=10_000_000,
    spend_per_day=25_500_000,
    spend_per_month=100_000_001,
    short_calls_per_hour=20,
)


@pytest.mark.parametrize("limits", [AccountLimits(), EVERYTHING])
def test_what_is_shown_can_be_set_again(limits: AccountLimits) -> None:
    words = [f"{name}={limit_text(name, getattr(limits, name))}" for name in NAMES]

    assert parse_limits(AccountLimits(), words) == limits


def test_an_empty_value_takes_a_limit_away() -> None:
    words = ["per_minute=", "spend_per_day=", "quiet_hours=", "refused_prefixes="]
    limits = parse_limits(EVERYTHING, words)

    assert (limits.per_minute, limits.spend_per_day, limits.quiet_hours, limits.refused_prefixes) == (
        None,
        None,
        "",
        (),
    )


def test_quiet_hours_are_minutes_of_the_day() -> None:
    assert quiet_minutes("21:00-08:30") == (1260, 510)


@pytest.mark.parametrize("limit", ["spend_per_call", "spend_per_hour", "spend_per_day", "spend_per_month"])
def test_money_is_limited_by_any_limit_of_it(limit: str) -> None:
    assert not AccountLimits().limits_money
    assert AccountLimits(**{limit: 0}).limits_money  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "tight", "loose"),
    [
        ("concurrent", 1, 2),
        ("call_s", 60.0, 61.0),
        ("duplicates_s", 3.0, 2.0),
        ("per_minute", 5, None),
        ("spend_per_day", 5, 6),
        ("countries", ("US",), ("US", "CA")),
        ("countries", ("US",), ("CA",)),
        ("countries", (), ("US", "CA")),
        ("refused_prefixes", ("+1900",), ()),
        ("refused_prefixes", ("+1900",), ("+19005",)),
        ("quiet_hours", "21:00-08:00", ""),
        ("quiet_hours", "21:00-08:00", "21:00-07:59"),
        ("quiet_hours", "09:00-17:00", "21:00-08:00"),
    ],
)
def test_what_allows_something_new_is_looser(key: str, tight: object, loose: object) -> None:
    assert is_looser(key, tight, loose, "US")
    assert not is_looser(key, tight, tight, "US")


@pytest.mark.parametrize(
    ("key", "loose", "tight"),
    [
        ("concurrent", 2, 1),
        ("duplicates_s", 2.0, 3.0),
        ("per_minute", None, 5),
        ("countries", ("US", "CA"), ()),
        ("countries", (), ("US",)),
        ("refused_prefixes", ("+1900",), ("+19", "+44")),
        ("quiet_hours", "", "21:00-08:00"),
        ("quiet_hours", "21:00-08:00", "20:00-08:00"),
    ],
)
def test_what_allows_nothing_new_is_not(key: str, loose: object, tight: object) -> None:
    assert not is_looser(key, loose, tight, "US")


def test_values_of_two_kinds_are_not_compared() -> None:
    with pytest.raises(AssertionError, match="rate has values of one kind"):
        is_looser("rate", 1, "fast", "US")
