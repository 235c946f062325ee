"""Where the spoken prompts and ringing tones are.

A prompt is three headerless files beside one another, one for each codec of a call: NAME.0 (mu-law), NAME.8 (A-law) and
NAME.9 (G.722), all with 8,000 octets a second. They lie in a folder for each language, and tones in the folder `tone`.
Those of the package are made by `scripts/make-prompts`. A folder of the operator's own with the same layout goes
before them; it may hold only some prompts, and what is wrong in it is passed over, because a caller who hears
nothing hangs up.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

OCTETS_PER_SECOND = 8000
PAYLOAD_TYPES = (0, 8, 9)

LONGEST_SECONDS = 300
"""A file of gigabytes is a mistake, and the relay would keep it in memory."""

BUILT_IN = Path(__file__).parents[2] / "prompts"

_LANGUAGE = re.compile(r"[a-z]{2,3}")


class Prompt(NamedTuple):
    """`stem` is the path of its files without the payload type."""

    stem: Path
    seconds: float


class PromptLibrary:
    """The prompts of the package and, before them, those in `folder`.

    What was found once is not looked at again until it is to be forgotten.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folders = (BUILT_IN,) if folder is None else (folder, BUILT_IN)
        self._find = lru_cache(maxsize=256)(self._first_usable)

    def forget(self) -> None:
        """Look at the files again from now on; what plays goes on."""
        self._find.cache_clear()

    def find(self, name: str, language: str) -> Prompt | None:
        """A spoken prompt, in English when there is none in the language (`pt-BR` is looked for as `pt`)."""
        primary = language.lower().partition("-")[0]
        languages = (primary, "en") if _LANGUAGE.fullmatch(primary) else ("en",)
        return self._find(name, languages)

    def find_tone(self, name: str) -> Prompt | None:
        return self._find(name, ("tone",))

    def _first_usable(self, name: str, parts: tuple[str, ...]) -> Prompt | None:
        for part in parts:
            for folder in self._folders:
                prompt = usable(folder / part / name)
                if prompt is not None:
                    return prompt
        return None


def usable(stem: Path) -> Prompt | None:
    """None unless all three files are there and equally long: unequal ones were cut short."""
    try:
        sizes = {stem.with_name(f"{stem.name}.{number}").stat().st_size for number in PAYLOAD_TYPES}
    except OSError:
        return None
    seconds = sizes.pop() / OCTETS_PER_SECOND
    if sizes or not 0 < seconds <= LONGEST_SECONDS:
        return None
    return Prompt(stem, seconds)
