import pytest

from ringbridge.media.tones import RINGBACK_US, RINGBACKS, TONES, period, power_at, ringback_name, sine


def test_a_sine_has_all_its_power_at_its_frequency() -> None:
    samples = sine(1000, 0.1, level_dbfs=0.0)
    assert len(samples) == 800
    assert max(samples) == 32767
    assert power_at(samples, 1000) == pytest.approx(1.0, rel=0.001)
    assert power_at(samples, 800) < 1e-6


def test_the_level_is_that_of_the_peak() -> None:
    assert max(sine(1000, 0.1, level_dbfs=-20.0)) == 3277
    assert power_at(sine(440, 0.5, level_dbfs=-20.0), 440) == pytest.approx(0.01, rel=0.001)


def test_a_sample_rate_can_be_given() -> None:
    samples = sine(1000, 0.1, level_dbfs=0.0, sample_rate=16000)
    assert len(samples) == 1600
    assert power_at(samples, 1000, 16000) == pytest.approx(1.0, rel=0.001)


def test_silence_and_nothing_have_no_power() -> None:
    assert power_at([0] * 160, 440) == 0.0
    assert power_at([], 440) == 0.0


def test_two_tones_are_told_apart() -> None:
    samples = period(RINGBACK_US)[:16000]
    assert power_at(samples, 440) == pytest.approx(power_at(samples, 480), rel=0.01)
    assert power_at(samples, 425) < power_at(samples, 440) / 1000


@pytest.mark.parametrize("name", [*RINGBACKS, "on-hold", "hung-up"])
def test_a_period_is_tones_and_silences_in_turn_without_a_click(name: str) -> None:
    cadence = TONES[name]
    samples = period(cadence)
    loudest, end = max(samples), 0
    for index, seconds in enumerate(cadence.pattern_seconds):
        start, end = end, end + round(seconds * 8000)
        if index % 2:
            assert set(samples[start:end]) == {0}
        else:
            # Half waves only: the tone ends one step before zero.
            assert samples[start] == 0
            assert abs(samples[end - 1]) < loudest / 2
            assert power_at(samples[start:end], cadence.frequencies_hz[0]) == pytest.approx(0.025, rel=0.1)
    assert len(samples) == end


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("+15125292329", "ringback-us"),
        ("+12042342345", "ringback-us"),
        ("+442079460958", "ringback-gb"),
        ("+35312222222", "ringback-gb"),
        ("+351211234567", "ringback-cept"),
        ("+33112345678", "ringback-fr"),
        ("+34911234567", "ringback-es"),
        ("+61212345678", "ringback-gb"),
        ("+81312345678", "ringback-jp"),
        ("+911123456789", "ringback-in"),
        ("+551123456789", "ringback-cept"),
    ],
)
def test_a_caller_hears_the_ringing_tone_of_the_country_that_is_called(number: str, name: str) -> None:
    assert ringback_name(number) == name
