"""What is heard is told apart: tones, ringback, speech, silence."""

import random
from array import array
from pathlib import Path

import ringbridge
from ringbridge.demo.verdict import Sound, classify, judge_destination, judge_user
from ringbridge.media.g711 import decode_mu_law, encode_mu_law
from ringbridge.media.tones import RINGBACK_US, period, sine

PROMPTS = Path(ringbridge.__file__).parent / "prompts"


def heard(samples: "array[int]") -> "array[int]":
    """The same after a telephone line."""
    return decode_mu_law(encode_mu_law(samples))


def silence(seconds: float) -> "array[int]":
    return array("h", bytes(2 * round(seconds * 8000)))


def speech() -> "array[int]":
    return decode_mu_law((PROMPTS / "en" / "hold.0").read_bytes())


def test_each_tenth_of_a_second_is_named() -> None:
    ringback = period(RINGBACK_US)[:16_000]
    samples = silence(0.3) + sine(440, 0.3) + sine(620, 0.3) + ringback

    assert classify(heard(samples)) == [
        *[Sound.SILENCE] * 3,
        *[Sound.USER_TONE] * 3,
        *[Sound.DESTINATION_TONE] * 3,
        *[Sound.RINGBACK] * 20,
    ]


def test_noise_is_no_tone() -> None:
    source = random.Random(1)
    noise = array("h", (source.randrange(-8000, 8000) for _ in range(8000)))

    assert classify(noise) == [Sound.SPEECH] * 10


def test_the_user_is_right_with_prompt_ringback_and_tone() -> None:
    samples = silence(0.2) + speech() + period(RINGBACK_US)[:16_000] + sine(620, 2.0)

    assert judge_user(heard(samples)).is_right is True


def test_the_user_is_wrong_without_prompt_without_tone_or_with_both_the_other_way_round() -> None:
    assert judge_user(heard(silence(1.0) + sine(620, 2.0))).is_right is False
    assert judge_user(heard(speech() + sine(440, 2.0))).is_right is False
    assert judge_user(heard(sine(620, 2.0) + speech())).is_right is False
    assert judge_user(array("h")).sentence == (
        "the user heard 0.0 s of the prompt, then 0.0 s of the destination's 620 Hz"
    )


def test_the_destination_is_right_with_a_second_of_the_users_tone() -> None:
    verdict = judge_destination(heard(silence(0.5) + sine(440, 2.0)))

    assert verdict.is_right is True
    assert verdict.sentence == "the destination heard 2.0 s of the user's 440 Hz"
    assert judge_destination(heard(sine(440, 0.5) + speech())).is_right is False
