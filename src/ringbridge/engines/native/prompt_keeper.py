"""The prompts of the administrator's own: made from recordings, put into the folder that goes before the package's, and taken out."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from G722 import G722

from ringbridge.call.model import Prompt
from ringbridge.call.prompt import LONGEST_PROMPT_SECONDS, SPOKEN, KnownPrompt, UnusableRecording
from ringbridge.engines.native.prompts import BUILT_IN, PAYLOAD_TYPES, PromptLibrary, usable
from ringbridge.media.errors import UnusableSound
from ringbridge.media.g711 import decode_mu_law, encode_a_law, encode_mu_law
from ringbridge.media.sound import Sound, read_wave, write_wave

NARROW, WIDE = 8_000, 16_000
PACKET_SAMPLES = 160
G722_BITS_PER_SECOND = 64_000

_TONES = "tone"


class PromptFiles:
    """PromptKeeper over `folder`; `library` is what calls find them by."""

    def __init__(self, folder: Path, library: PromptLibrary) -> None:
        self._folder = folder
        self._library = library

    def languages(self) -> list[str]:
        """The codes of the languages that there are prompts in, sorted."""
        found = {part.name for folder in (self._folder, BUILT_IN) for part in _folders(folder)}
        return sorted(found - {_TONES})

    def prompts(self, language: str) -> list[KnownPrompt]:
        """Those that there are in a language."""
        found = []
        for prompt in SPOKEN:
            own, built_in = (usable(folder / language / prompt.value) for folder in (self._folder, BUILT_IN))
            played = own or built_in
            if played is not None:
                found.append(KnownPrompt(prompt, played.seconds, own is not None))
        return found

    def recording(self, prompt: Prompt, language: str) -> bytes | None:
        """What is played, as a WAVE file; None where there is none in that language."""
        for folder in (self._folder, BUILT_IN):
            found = usable(folder / language / prompt.value)
            if found is not None:
                data = found.stem.with_name(f"{found.stem.name}.0").read_bytes()
                return write_wave(Sound(decode_mu_law(data), NARROW))
        return None

    def replace(self, prompt: Prompt, language: str, data: bytes) -> float:
        """Play the recording in the WAVE file `data` from now on; how many seconds it has. Raises UnusableRecording."""
        try:
            sound = read_wave(data, longest_seconds=LONGEST_PROMPT_SECONDS)
        except UnusableSound as error:
            raise UnusableRecording(error.code) from error
        folder = self._folder / language
        folder.mkdir(parents=True, exist_ok=True)
        for payload_type, octets in zip(PAYLOAD_TYPES, encoded(sound), strict=True):
            _put(folder / f"{prompt.value}.{payload_type}", octets)
        self._library.forget()
        return sound.seconds

    def restore(self, prompt: Prompt, language: str) -> bool:
        """Play the one that comes with the program again; False where it was played already."""
        files = [self._folder / language / f"{prompt.value}.{number}" for number in PAYLOAD_TYPES]
        was_own = any(file.exists() for file in files)
        for file in files:
            file.unlink(missing_ok=True)
        self._library.forget()
        return was_own


def encoded(sound: Sound) -> Iterator[bytes]:
    """The recording in mu-law, A-law and G.722, each cut to the same number of packets of 20 ms."""
    wide = sound.at(WIDE)
    narrow = wide.at(NARROW)
    packets = max(1, -(-len(narrow.samples) // PACKET_SAMPLES))
    samples = _padded(narrow.samples, packets * PACKET_SAMPLES)
    yield encode_mu_law(samples)
    yield encode_a_law(samples)
    yield G722(WIDE, G722_BITS_PER_SECOND).encode(_padded(wide.samples, 2 * packets * PACKET_SAMPLES))


def _padded(samples: Sequence[int], count: int) -> list[int]:
    """So many samples, with silence behind."""
    known = list(samples[:count])
    return known + [0] * (count - len(known))


def _put(file: Path, octets: bytes) -> None:
    """Whole or not at all: a call may be reading the old one."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(octets)
        # The relay's process reads it, and mkstemp makes files that only this one may.
        os.chmod(name, 0o644)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def _folders(folder: Path) -> list[Path]:
    return [part for part in folder.iterdir() if part.is_dir()] if folder.is_dir() else []
