from pathlib import Path

import pytest

from ringbridge.engines.native.prompts import BUILT_IN, Prompt, PromptLibrary
from ringbridge.media.g711 import decode_a_law, decode_mu_law
from ringbridge.media.tones import RINGBACKS, TONES, power_at

LANGUAGES = ("de", "en", "es", "fr", "it", "pt")
REASONS = ("busy", "declined", "failed", "invalid-number", "no-answer", "not-reachable")


def lay(folder: Path, name: str, *, seconds: float = 1.0, but: dict[int, bytes] | None = None) -> Path:
    """Write the three files of a prompt, some with other octets."""
    folder.mkdir(parents=True, exist_ok=True)
    for payload_type in (0, 8, 9):
        octets = (but or {}).get(payload_type, b"\xff" * round(8000 * seconds))
        (folder / f"{name}.{payload_type}").write_bytes(octets)
    return folder / name


def mean_square(samples: list[int]) -> float:
    return sum(sample * sample for sample in samples) / len(samples) / 32768**2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["confirm", "hold", *REASONS])
def test_every_prompt_exists_in_every_language(name: str, language: str) -> None:
    prompt = PromptLibrary().find(name, language)
    assert prompt is not None
    assert prompt.stem == BUILT_IN / language / name
    # A refused call must be over within a second, spoken reason included. The question is put twice in ten.
    shortest, longest = {"confirm": (3.0, 5.0), "hold": (1.5, 4.0)}.get(name, (0.3, 0.85))
    assert shortest < prompt.seconds <= longest
    assert prompt.seconds * 50 == round(prompt.seconds * 50), "whole packets of 20 ms"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["confirm", "hold", *REASONS])
def test_every_prompt_is_as_loud_as_speech_in_both_laws(name: str, language: str) -> None:
    stem = BUILT_IN / language / name
    mu_law = list(decode_mu_law(stem.with_name(f"{name}.0").read_bytes()))
    a_law = list(decode_a_law(stem.with_name(f"{name}.8").read_bytes()))
    assert 0.005 < mean_square(mu_law) < 0.05
    assert mean_square([a - b for a, b in zip(mu_law, a_law, strict=True)]) < 0.0001
    # Speech, and not a tone: no single frequency has most of it.
    assert max(power_at(mu_law, frequency) for frequency in range(100, 1000, 20)) < mean_square(mu_law)


@pytest.mark.parametrize("name", [*RINGBACKS, "on-hold", "hung-up"])
def test_a_tone_is_on_and_then_off(name: str) -> None:
    cadence = TONES[name]
    prompt = PromptLibrary().find_tone(name)
    assert prompt is not None
    assert prompt.stem == BUILT_IN / "tone" / name
    assert prompt.seconds == pytest.approx(sum(cadence.pattern_seconds))
    samples = decode_mu_law(prompt.stem.with_name(f"{name}.0").read_bytes())
    on, off = (round(seconds * 8000) for seconds in cadence.pattern_seconds[:2])
    for frequency_hz in cadence.frequencies_hz:
        assert power_at(samples[:on], frequency_hz) > 0.01
    assert set(samples[on : on + off]) == {0}


def test_silence_is_silent_in_each_codec() -> None:
    prompt = PromptLibrary().find_tone("silence")
    assert prompt is not None
    assert prompt.seconds == 1.0
    assert set(decode_mu_law(prompt.stem.with_name("silence.0").read_bytes())) == {0}
    assert max(map(abs, decode_a_law(prompt.stem.with_name("silence.8").read_bytes()))) <= 8


def test_an_unknown_language_is_answered_in_english() -> None:
    library = PromptLibrary()
    assert library.find("hold", "xx") == library.find("hold", "en")
    assert library.find("hold", "../tone") == library.find("hold", "en")


def test_a_regional_language_is_answered_in_its_language() -> None:
    assert PromptLibrary().find("hold", "pt-BR") == PromptLibrary().find("hold", "pt")


def test_an_unknown_name_is_nothing() -> None:
    assert PromptLibrary().find("moo", "en") is None


def test_the_operators_own_prompt_goes_before_ours(tmp_path: Path) -> None:
    own = lay(tmp_path / "fr", "hold", seconds=2.5)
    library = PromptLibrary(tmp_path)
    assert library.find("hold", "fr") == Prompt(own, 2.5)
    assert library.find("busy", "fr") == PromptLibrary().find("busy", "fr")


def test_the_language_goes_before_the_operators_own_english(tmp_path: Path) -> None:
    lay(tmp_path / "en", "hold")
    assert PromptLibrary(tmp_path).find("hold", "fr") == PromptLibrary().find("hold", "fr")


@pytest.mark.parametrize(
    "but",
    [{0: b""}, {9: b"\xff" * 100}, {0: b"", 8: b"", 9: b""}],
    ids=["one empty", "one truncated", "all empty"],
)
def test_a_broken_prompt_is_passed_over(tmp_path: Path, but: dict[int, bytes]) -> None:
    lay(tmp_path / "en", "hold", but=but)
    assert PromptLibrary(tmp_path).find("hold", "en") == PromptLibrary().find("hold", "en")


def test_a_prompt_without_one_of_its_codecs_is_passed_over(tmp_path: Path) -> None:
    lay(tmp_path / "en", "hold").with_name("hold.8").unlink()
    assert PromptLibrary(tmp_path).find("hold", "en") == PromptLibrary().find("hold", "en")


def test_a_prompt_of_an_hour_is_passed_over(tmp_path: Path) -> None:
    stem = lay(tmp_path / "en", "hold")
    for payload_type in (0, 8, 9):
        with stem.with_name(f"hold.{payload_type}").open("r+b") as file:
            file.truncate(3600 * 8000)
    assert PromptLibrary(tmp_path).find("hold", "en") == PromptLibrary().find("hold", "en")
