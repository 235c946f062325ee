"""Alarms: their order, and what disarming leaves behind."""

from ringbridge.sip.schedule import MIN_SWEEP, Schedule


def test_alarms_go_off_in_the_order_of_their_times_and_then_of_their_arming() -> None:
    schedule = Schedule()
    rung: list[str] = []
    schedule.arm(2.0, lambda now: rung.append("late"))
    schedule.arm(1.0, lambda now: rung.append("first"))
    schedule.arm(1.0, lambda now: rung.append("second"))

    schedule.run_due(2.0)

    assert rung == ["first", "second", "late"]


def test_an_alarm_is_given_now_and_not_the_time_it_was_set_to() -> None:
    schedule = Schedule()
    given: list[float] = []
    schedule.arm(1.0, given.append)

    schedule.run_due(1.25)

    assert given == [1.25]


def test_nothing_goes_off_before_its_time() -> None:
    schedule = Schedule()
    rung: list[float] = []
    schedule.arm(1.0, rung.append)

    schedule.run_due(0.999)

    assert rung == []
    assert schedule.next_deadline() == 1.0


def test_what_an_alarm_arms_for_now_goes_off_at_once() -> None:
    schedule = Schedule()
    rung: list[float] = []
    schedule.arm(1.0, lambda now: (schedule.arm(now, rung.append), None)[1])

    schedule.run_due(1.0)

    assert rung == [1.0]


def test_a_disarmed_alarm_neither_goes_off_nor_counts_nor_is_waited_for() -> None:
    schedule = Schedule()
    rung: list[float] = []
    alarm = schedule.arm(1.0, rung.append)
    schedule.arm(2.0, rung.append)

    schedule.disarm(alarm)

    assert len(schedule) == 1
    assert schedule.next_deadline() == 2.0
    schedule.run_due(1.5)
    assert rung == []


def test_disarming_nothing_or_twice_or_too_late_does_no_harm() -> None:
    schedule = Schedule()
    over = schedule.arm(1.0, lambda now: None)
    schedule.run_due(1.0)
    alarm = schedule.arm(2.0, lambda now: None)

    schedule.disarm(None)
    schedule.disarm(over)
    schedule.disarm(alarm)
    schedule.disarm(alarm)

    assert len(schedule) == 0
    assert schedule.next_deadline() is None


def test_disarmed_alarms_of_the_far_future_do_not_pile_up() -> None:
    schedule = Schedule()
    schedule.arm(1.0, lambda now: None)

    for _ in range(10 * MIN_SWEEP):
        schedule.disarm(schedule.arm(1800.0, lambda now: None))

    assert len(schedule) == 1
    assert len(schedule._heap) <= MIN_SWEEP
    assert schedule.next_deadline() == 1.0
