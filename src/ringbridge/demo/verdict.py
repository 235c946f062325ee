"""What is in a recording: speech, which tone, or silence; and whether that is what a joined call sounds like.

Each tenth of a second is looked at by itself: a tone holds nearly all the power there is, speech never does. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ringbridge.media.tones import FULL_SCALE, RINGBACK_US, power_at

USER_TONE_HZ = 440
DESTINATION_TONE_HZ = 620

WINDOW_SAMPLES = 800
WINDOW_SECONDS = 0.1

QUIET = 1e-5
"""50 dB below the loudest tone: the noise of G.711 is lower, the quietest prompt is louder."""

TONE_SHARE = 0.8
LEAST_PROMPT_SECONDS = 1.0
LEAST_TONE_SECONDS = 1.0


class Sound(Enum):
    """What a tenth of a second holds."""

    SILENCE = auto()
    SPEECH = auto()
    RINGBACK = auto()
    USER_TONE = auto()
    DESTINATION_TONE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether one side heard what it should; `sentence` says what it heard."""

    is_right: bool
    sentence: str


def judge_user(samples: Sequence[int]) -> Verdict:
    """The user hears the prompt, and later the destination."""
    sounds = classify(samples)
    prompt_seconds = _seconds(sounds[: _first(sounds, Sound.DESTINATION_TONE)], Sound.SPEECH)
    tone_seconds = _seconds(sounds, Sound.DESTINATION_TONE)
    return Verdict(
        is_right=prompt_seconds >= LEAST_PROMPT_SECONDS and tone_seconds >= LEAST_TONE_SECONDS,
        sentence=(
            f"the user heard {prompt_seconds:.1f} s of the prompt, "
            f"then {tone_seconds:.1f} s of the destination's {DESTINATION_TONE_HZ} Hz"
        ),
    )


def judge_destination(samples: Sequence[int]) -> Verdict:
    """The destination hears the user."""
    tone_seconds = _seconds(classify(samples), Sound.USER_TONE)
    return Verdict(
        is_right=tone_seconds >= LEAST_TONE_SECONDS,
        sentence=f"the destination heard {tone_seconds:.1f} s of the user's {USER_TONE_HZ} Hz",
    )


def classify(samples: Sequence[int]) -> list[Sound]:
    """What each whole tenth of a second holds."""
    last = len(samples) - WINDOW_SAMPLES
    return [
        _classify_window(samples[start : start + WINDOW_SAMPLES])
        for start in range(0, last + 1, WINDOW_SAMPLES)
    ]


def _classify_window(window: Sequence[int]) -> Sound:
    power = 2 * sum(sample * sample for sample in window) / len(window) / FULL_SCALE**2
    if power < QUIET:
        return Sound.SILENCE
    if power_at(window, DESTINATION_TONE_HZ) > TONE_SHARE * power:
        return Sound.DESTINATION_TONE
    if power_at(window, USER_TONE_HZ) > TONE_SHARE * power:
        return Sound.USER_TONE
    if sum(power_at(window, frequency) for frequency in RINGBACK_US.frequencies_hz) > TONE_SHARE * power:
        return Sound.RINGBACK
    return Sound.SPEECH


def _first(sounds: list[Sound], sound: Sound) -> int:
    return sounds.index(sound) if sound in sounds else len(sounds)


def _seconds(sounds: list[Sound], sound: Sound) -> float:
    return sounds.count(sound) * WINDOW_SECONDS
