from ringbridge.media.silence import SilenceWatch


def test_a_stream_that_stops_is_told_of_now_and_then() -> None:
    """Whoever was told may not have been able to do anything about it the first time."""
    watch = SilenceWatch(20.0)
    watch.expect(True, 0.0)
    assert not watch.counted(50, 5.0)
    assert not watch.counted(50, 24.9)
    assert watch.counted(50, 25.0)
    assert not watch.counted(50, 30.0)
    assert watch.counted(50, 45.0)


def test_of_a_stream_that_never_starts_nothing_is_told() -> None:
    watch = SilenceWatch(20.0)
    watch.expect(True, 100.0)
    assert not watch.counted(0, 3600.0)


def test_life_after_silence_begins_it_anew() -> None:
    watch = SilenceWatch(20.0)
    watch.expect(True, 0.0)
    assert not watch.counted(1, 0.0)
    assert watch.counted(1, 20.0)
    assert not watch.counted(2, 25.0)
    assert not watch.counted(2, 44.0)
    assert watch.counted(2, 45.0)


def test_nothing_is_expected_before_it_is_said() -> None:
    watch = SilenceWatch(20.0)
    assert not watch.counted(0, 3600.0)


def test_a_hold_of_any_length_is_no_silence_and_the_time_after_it_counts_from_its_end() -> None:
    watch = SilenceWatch(20.0)
    watch.expect(True, 0.0)
    assert not watch.counted(500, 10.0)
    watch.expect(False, 10.0)
    for now in range(15, 130, 5):
        assert not watch.counted(500, float(now))
    watch.expect(True, 130.0)
    assert not watch.counted(500, 149.0)
    assert watch.counted(500, 150.0)


def test_to_expect_again_what_is_expected_does_not_begin_anew() -> None:
    watch = SilenceWatch(20.0)
    watch.expect(True, 0.0)
    assert not watch.counted(1, 0.0)
    watch.expect(True, 19.0)
    assert watch.counted(1, 20.0)


def test_a_packet_of_comfort_noise_now_and_then_is_life() -> None:
    watch = SilenceWatch(20.0)
    watch.expect(True, 0.0)
    assert not any(watch.counted(now // 15, float(now)) for now in range(0, 600, 5))


def test_a_count_that_begins_anew_is_life() -> None:
    """A new source, or a relay that counts from nothing again."""
    watch = SilenceWatch(20.0)
    watch.expect(True, 0.0)
    assert not watch.counted(3000, 19.0)
    assert not watch.counted(2, 38.0)
