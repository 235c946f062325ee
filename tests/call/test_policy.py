"""Who may be called."""

import pytest

from ringbridge.call.directory import Account, AccountLimits
from ringbridge.call.number import normalise
from ringbridge.call.policy import refusal

AMERICAN = Account(id="1009683", name="Acme")
EVERYWHERE = AccountLimits(countries=("US", "CA", "GB", "IT", "DE", "GG", "DO", "001"))


def test_by_default_the_own_country_may_be_called() -> None:
    assert refusal(normalise("+15125292329", "US"), AccountLimits(), AMERICAN) is None


@pytest.mark.parametrize("text", ["+442079460958", "+14165550123", "+18492201234", "+80012345678"])
def test_by_default_no_other_region_may_be_called_even_under_the_same_country_code(text: str) -> None:
    assert refusal(normalise(text, "US"), AccountLimits(), AMERICAN) == "destination_not_allowed"


@pytest.mark.parametrize("text", ["+442079460958", "+14165550123", "+390612345678", "+80012345678"])
def test_an_allowed_country_may_be_called(text: str) -> None:
    assert refusal(normalise(text, "US"), EVERYWHERE, AMERICAN) is None


def test_a_list_of_countries_takes_the_place_of_the_own_one() -> None:
    limits = AccountLimits(countries=("CA",))
    assert refusal(normalise("+15125292329", "US"), limits, AMERICAN) == "destination_not_allowed"


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
    assert refusal(normalise(text, "US"), EVERYWHERE, AMERICAN) == "destination_not_allowed"


def test_salerno_is_no_paid_service() -> None:
    assert refusal(normalise("+39 089 225111", "US"), EVERYWHERE, AMERICAN) is None
