"""Who may be called."""

from datetime import UTC, datetime

import pytest

from ringbridge.call.directory import Account, AccountLimits
from ringbridge.call.number import normalise
from ringbridge.call.policy import refusal

AMERICAN = Account(id="1009683", name="Acme")
NOON = datetime(2026, 1, 15, 18, tzinfo=UTC).timestamp()  # in Dallas
EVERYWHERE = AccountLimits(countries=("US", "CA", "GB", "IT", "DE", "GG", "DO", "001"))


def test_by_default_the_own_country_may_be_called() -> None:
    assert refusal(normalise("+15125292329", "US"), AccountLimits(), AMERICAN, NOON) is None


@pytest.mark.parametrize("text", ["+442079460958", "+14165550123", "+18492201234", "+80012345678"])
def test_by_default_no_other_region_may_be_called_even_under_the_same_country_code(text: str) -> None:
    assert refusal(normalise(text, "US"), AccountLimits(), AMERICAN, NOON) == "destination_not_allowed"


@pytest.mark.parametrize("text", ["+442079460958", "+14165550123", "+390612345678", "+80012345678"])
def test_an_allowed_country_may_be_called(text: str) -> None:
    assert refusal(normalise(text, "US"), EVERYWHERE, AMERICAN, NOON) is None


def test_a_list_of_countries_takes_the_place_of_the_own_one() -> None:
    limits = AccountLimits(countries=("CA",))
    assert refusal(normalise("+15125292329", "US"), limits, AMERICAN, NOON) == "destination_not_allowed"


@pytest.mark.parametrize(
    "text",
    [
        "+1 900 555 0100",  # premium rate
        "+44 845 123 4567",  # shared cost, which the library calls premium
        "+44 70 1234 5678",  # personal number
        "+39 0899 123456",  # a paid service that the library calls a fixed line
        "+49 180 1 123456",  # shared cost
        "+870 773 111111",  # Inmarsat, which the library calls mobile
        "+8816 1234 5678",  # Iridium
        "+882 99 123456",  # a global network
        "+883 5100 12345678",
        "+979 123456789",
    ],
)
def test_expensive_numbers_are_refused_whatever_countries_are_allowed(text: str) -> None:
    assert refusal(normalise(text, "US"), EVERYWHERE, AMERICAN, NOON) == "destination_not_allowed"


def test_salerno_is_no_paid_service() -> None:
    assert refusal(normalise("+39 089 225111", "US"), EVERYWHERE, AMERICAN, NOON) is None


def test_an_account_may_refuse_prefixes_of_its_own() -> None:
    limits = AccountLimits(refused_prefixes=("+1512",))
    assert refusal(normalise("+15125292329", "US"), limits, AMERICAN, NOON) == "destination_not_allowed"
    assert refusal(normalise("+18175292329", "US"), limits, AMERICAN, NOON) is None


def test_nobody_is_called_in_quiet_hours() -> None:
    limits = AccountLimits(quiet_hours="21:00-08:00")
    number = normalise("+15125292329", "US")
    assert refusal(number, limits, AMERICAN, NOON) is None
    assert refusal(number, limits, AMERICAN, NOON + 10 * 3600.0) == "quiet_hours"
