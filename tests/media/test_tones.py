import pytest

from ringbridge.media.tones import RINGBACK_EU, RINGBACK_US, Cadence, period, power_at, sine


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


@pytest.mark.parametrize("cadence", [RINGBACK_US, RINGBACK_EU])
def test_a_period_is_tone_and_then_silence_without_a_click(cadence: Cadence) -> None:
    samples = period(cadence)
    on = cadence.on_seconds * 8000
    assert len(samples) == on + cadence.off_seconds * 8000
    assert set(samples[on:]) == {0}
    # Whole waves only: the tone ends one step before zero.
    assert samples[0] == 0
    assert abs(samples[on - 1]) < max(samples) / 2
