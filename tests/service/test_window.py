"""Counting within the last so many seconds."""

from ringbridge.service.window import Window


def test_only_what_is_in_the_window_counts() -> None:
    window: Window[str] = Window(10.0)
    for at in (0.0, 4.0, 8.0):
        window.add("a", at)
    window.add("b", 8.0)

    assert [window.count("a", now) for now in (8.0, 9.9, 10.0, 14.0, 18.0)] == [3, 3, 2, 1, 0]
    assert window.count("b", 17.9) == 0


def test_the_wait_is_until_one_more_is_within_the_limit() -> None:
    window: Window[str] = Window(10.0)
    for at in (0.0, 4.0, 8.0):
        window.add("a", at)

    assert [window.wait_seconds("a", most, 9.0) for most in (4, 3, 2, 1, 0)] == [0.0, 1.0, 5.0, 9.0, 10.0]
    assert window.wait_seconds("b", 1, 9.0) == 0.0


def test_keys_that_are_out_of_the_window_take_no_room() -> None:
    window: Window[int] = Window(10.0)
    for number in range(1000):
        window.add(number, float(number))

    assert sum(window.count(number, 999.0) for number in range(1000)) == 10
    assert len(window._times) == 10


def test_a_key_that_is_cleared_starts_from_none() -> None:
    window: Window[str] = Window(10.0)
    for at in (0.0, 1.0):
        window.add("a", at)
        window.add("b", at)
    window.clear("a")
    window.clear("c")
    window.add("a", 9.0)

    assert [window.count("a", now) for now in (9.0, 10.5, 19.0)] == [1, 1, 0]
    assert window.count("b", 10.5) == 0
