"""Links as pages and mail programs have them."""

import pytest

from ringbridge.call.number import normalise
from ringbridge.call.tel_uri import LONGEST_LINK, NotATelLink, typed


@pytest.mark.parametrize(
    ("link", "text"),
    [
        ("tel:+1-512-529-0100", "+1-512-529-0100"),
        ("TEL:(512)529.0100", "(512)529.0100"),
        ("tel:+15125290100;ext=77", "+15125290100 ext. 77"),
        ("tel:+15125290100;isub=5;EXT=7-7", "+15125290100 ext. 77"),
        ("tel:+15125290100;ext=", "+15125290100"),
        ("tel:+15125290100;ext=seven", "+15125290100"),
        ("tel:5290100;phone-context=+1512", "5290100"),
        ("tel:200;phone-context=example.com", "200"),
        ("tel:%2B1%20512%20529%200100%3Bext=77", "+1 512 529 0100 ext. 77"),
        ("tel: 15125290100", "+15125290100"),
        (" tel:911 ", "911"),
    ],
)
def test_a_link_is_what_somebody_would_type(link: str, text: str) -> None:
    assert typed(link) == text


def test_an_extension_is_pressed_once_somebody_has_answered() -> None:
    number = normalise(typed("tel:+1-512-529-0100;ext=77"), "GB")
    assert (number.e164, number.digits_after_answer) == ("+15125290100", ",77")


@pytest.mark.parametrize(
    "link",
    [
        "",
        "+15125290100",
        "sip:ann@example.com",
        "javascript:alert(1)",
        "tel:",
        "tel:;ext=77",
        "tel:ann",
        "tel:+1<b>",
        "tel:++1",
        f"tel:{'1' * LONGEST_LINK}",
    ],
)
def test_anything_else_is_none(link: str) -> None:
    with pytest.raises(NotATelLink):
        typed(link)
