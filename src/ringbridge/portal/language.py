"""The languages of the pages. English is what the templates and `marked` texts say; each other language has a folder of catalogues.

A catalogue (`catalogues/es/users.po`) has what one area says: the templates of `templates/users` and the module
`pages/users.py`. What belongs to no area is in `layout.po`. They are read as they are, at start: nothing is compiled.
"""

from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.pofile import read_po

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "es": "Español"}

CATALOGUES = Path(__file__).parent / "catalogues"

# A word for one and a word for more is all that English and Spanish have.
_Translated = str | tuple[str, ...]


def marked(text: str) -> str:
    """Says of a text in the code that it is shown to people, so that catalogues have it; it is translated where it is shown."""
    return text


class Language:
    """One language: its texts and how it writes numbers and dates."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.locale = Locale.parse(code)
        self._texts = {} if code == ENGLISH else _read(CATALOGUES / code)

    def text(self, text: str) -> str:
        """`text` in this language."""
        found = self._texts.get(text, text)
        return found if isinstance(found, str) else found[0]

    def counted_text(self, one: str, more: str, count: int) -> str:
        """What to say of `count` things."""
        found = self._texts.get(one, (one, more))
        if isinstance(found, str):
            return found
        return found[0] if count == 1 else found[-1]


@cache
def language(code: str) -> Language:
    """The language of a code of LANGUAGES."""
    return Language(code)


def preferred(*wishes: str | None, accept: str = "") -> Language:
    """The first of `wishes` that there is, or what a browser asks for with Accept-Language (RFC 9110 section 12.5.4), or English."""
    for wish in wishes:
        if wish in LANGUAGES:
            return language(wish)
    asked = [part.split(";")[0].strip()[:2].lower() for part in accept[:200].split(",")]
    return language(next((code for code in asked if code in LANGUAGES), ENGLISH))


def _read(folder: Path) -> dict[str, _Translated]:
    texts: dict[str, _Translated] = {}
    for file in sorted(folder.glob("*.po")):
        with file.open("rb") as stream:
            for message in read_po(stream):
                if message.id and message.string and not message.fuzzy:
                    key = message.id if isinstance(message.id, str) else message.id[0]
                    texts[key] = message.string if isinstance(message.string, str) else tuple(message.string)
    return texts
