"""Places for requests: who hangs holds none of those that the others need."""

from ringbridge.notify.lanes import Lanes


def test_a_full_lane_leaves_the_other_its_places() -> None:
    lanes = Lanes(quick=2, slow=1)
    lanes.take(slow=False)
    lanes.take(slow=False)

    assert lanes.is_full(slow=False)
    assert not lanes.is_full(slow=True)


def test_who_takes_long_goes_on_among_the_slow_even_if_there_is_no_room() -> None:
    lanes = Lanes(quick=1, slow=1)
    lanes.take(slow=True)
    place = lanes.take(slow=False)

    lanes.slow_down(place)

    assert not lanes.is_full(slow=False)
    assert lanes.is_full(slow=True)
    lanes.leave(place)
    assert lanes.is_full(slow=True)
    assert not lanes.is_full(slow=False)


def test_who_waited_longest_is_called_first_and_once() -> None:
    lanes = Lanes(quick=2, slow=1)
    places = [lanes.take(slow=False) for _ in range(2)]
    for name in ("first", "second", "third"):
        lanes.wait(name, slow=False)
    lanes.wait("slow", slow=True)

    assert lanes.called() == ["slow"]
    lanes.leave(places[0])
    assert lanes.called() == ["first"]
    assert lanes.called() == ["second"]


def test_nobody_is_called_to_a_full_lane() -> None:
    lanes = Lanes(quick=1, slow=1)
    lanes.take(slow=False)
    lanes.wait("first", slow=False)

    assert lanes.called() == []
