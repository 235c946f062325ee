"""Everything that the pages say is said in every language, and nothing else is kept."""

import re

import pytest

from ringbridge.portal.language import ENGLISH, LANGUAGES, preferred
from tests.portal.catalogues import LAYOUT, Text, areas, catalogue, texts, wanted

OTHERS = sorted(LANGUAGES.keys() - {ENGLISH})
HINT = "run scripts/translate, and fill in what is empty"
_PLACE = re.compile(r"%\(\w+\)s|\{\w+\}")


def _translations(code: str, area: str) -> dict[Text, tuple[str, ...]]:
    """What a catalogue has: by its English text, the text or the two of it."""
    found: dict[Text, tuple[str, ...]] = {}
    for message in catalogue(code, area):
        if message.id:
            key = message.id if isinstance(message.id, str) else tuple(message.id)
            found[key] = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
    return found


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("area", areas())
def test_an_area_is_translated_whole(code: str, area: str) -> None:
    found, needed = _translations(code, area), wanted(area)
    assert needed.keys() - found.keys() == set(), HINT
    assert found.keys() - needed.keys() == set(), HINT
    assert [key for key, strings in found.items() if not strings or not all(strings)] == [], HINT


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("area", areas())
def test_translations_have_the_places_of_the_text(code: str, area: str) -> None:
    for key, strings in _translations(code, area).items():
        places = set(_PLACE.findall(key if isinstance(key, str) else " ".join(key)))
        for string in strings:
            assert set(_PLACE.findall(string)) == places, key


@pytest.mark.parametrize("code", OTHERS)
def test_no_text_has_two_translations(code: str) -> None:
    known: dict[Text, tuple[str, ...]] = {}
    for area in areas():
        for key, strings in _translations(code, area).items():
            assert known.setdefault(key, strings) == strings, (area, key)


def test_the_layout_says_something() -> None:
    assert "Skip to the content" in texts(LAYOUT)
    assert "Users" in texts(LAYOUT)


@pytest.mark.parametrize(
    ("wishes", "accept", "code"),
    [
        ((None, None), "", "en"),
        ((None, None), "de-DE,es-MX;q=0.8,en;q=0.5", "es"),
        (("en", "es"), "es", "en"),
        ((None, "es"), "en", "es"),
        (("tlh", None), "en", "en"),
    ],
)
def test_own_choice_goes_before_the_browsers(wishes: tuple[str | None, ...], accept: str, code: str) -> None:
    assert preferred(*wishes, accept=accept).code == code


def test_counted_texts_know_one_and_more() -> None:
    spanish = preferred("es")
    one, more = "%(num)s recovery code is left.", "%(num)s recovery codes are left."
    assert spanish.counted_text(one, more, 1) != spanish.counted_text(one, more, 2)
    assert preferred("en").counted_text(one, more, 1) == one
    assert preferred("en").counted_text(one, more, 2) == more
