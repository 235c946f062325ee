"""What the pages say, area by area, as the catalogues must have it; and the catalogues brought up to date with that.

An area is a folder of templates with the module of `pages` of the same name; `layout` is everything else of the portal.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract, extract_python
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from ringbridge.portal.language import CATALOGUES, ENGLISH, LANGUAGES

PORTAL = CATALOGUES.parent
LAYOUT = "layout"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "text": None, "marked": None}

Text = str | tuple[str, ...]


def areas() -> list[str]:
    """The names of all areas, `layout` first."""
    return [
        LAYOUT,
        *sorted(folder.name for folder in (PORTAL / "templates").iterdir() if folder.name != LAYOUT),
    ]


def texts(area: str) -> dict[Text, list[str]]:
    """Each text of an area in English, and the files that say it."""
    found: dict[Text, list[str]] = {}
    for file in _files(area):
        method = extract_python if file.suffix == ".py" else babel_extract
        with file.open("rb") as stream:
            # mypy: both methods take what they are given here, each in words of its own.
            for _, message, _, _ in extract(method, stream, KEYWORDS, options={"silent": "false"}):  # type: ignore[arg-type]
                key = message if isinstance(message, str) else tuple(message)
                if key:
                    found.setdefault(key, []).append(str(file.relative_to(PORTAL)))
    return found


def catalogue(code: str, area: str) -> Catalog:
    """The catalogue of an area in a language; an empty one where there is none."""
    file = CATALOGUES / code / f"{area}.po"
    if not file.exists():
        return Catalog(locale=code)
    with file.open("rb") as stream:
        return read_po(stream, locale=code)


def wanted(area: str) -> dict[Text, list[str]]:
    """What the catalogue of an area has to have: its texts but for those that the layout's has."""
    common = {} if area == LAYOUT else texts(LAYOUT)
    return {text: files for text, files in texts(area).items() if text not in common}


def _files(area: str) -> Iterator[Path]:
    yield from sorted((PORTAL / "templates" / area).rglob("*.html"))
    if area == LAYOUT:
        yield from sorted(PORTAL.glob("*.py"))
    else:
        yield from sorted((PORTAL / "pages").glob(f"{area}.py"))
        yield from sorted((PORTAL / "pages" / area).glob("*.py"))


def bring_up_to_date(chosen: list[str]) -> int:
    """Write the catalogues of these areas anew, or of all; how many of their texts are still to be translated."""
    missing = 0
    for code in LANGUAGES.keys() - {ENGLISH}:
        for area in chosen or areas():
            old, new = catalogue(code, area), Catalog(locale=code, header_comment="# SPDX: MIT")
            for text, files in sorted(wanted(area).items(), key=lambda each: str(each[0])):
                key = text if isinstance(text, str) else text[0]
                known = old.get(key)
                string = known.string if known is not None else ""
                new.add(text, string or "", locations=[(file, 0) for file in sorted(set(files))])
                missing += not string
            file = CATALOGUES / code / f"{area}.po"
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as stream:
                write_po(stream, new, omit_header=True, width=0, include_lineno=False)
            # Those of people who work side by side meet in no header.
            content = file.read_text()
            file.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n' + content)
    return missing


if __name__ == "__main__":
    print(f"still to be translated: {bring_up_to_date(sys.argv[1:])}")  # noqa: T201
