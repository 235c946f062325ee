"""A server that fails is left alone, but not for good."""

from ringbridge.call.breaker import FAILURES, TRIAL_SECONDS, Breaker


def failing(times: int, *, first_at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for number in range(times):
        breaker = breaker.failed(first_at + number)
    return breaker


def test_a_server_of_which_nothing_bad_is_known_is_called() -> None:
    assert Breaker().admits(0.0)
    assert not Breaker().is_open
    assert Breaker().tried(5.0) == Breaker()


def test_a_failure_or_two_are_no_reason_to_go_elsewhere() -> None:
    breaker = failing(FAILURES - 1)

    assert breaker.admits(2.0)
    assert breaker.tried(2.0) == breaker


def test_after_three_in_a_row_calls_go_elsewhere() -> None:
    breaker = failing(FAILURES)

    assert breaker.is_open
    assert not breaker.admits(2.0)
    assert not breaker.admits(2.0 + TRIAL_SECONDS - 0.001)


def test_one_trial_at_a_time_sees_whether_it_is_back() -> None:
    due_at = 2.0 + TRIAL_SECONDS
    breaker = failing(FAILURES)
    assert breaker.admits(due_at)
    tried = breaker.tried(due_at)

    assert not tried.admits(due_at)
    # Nobody may ever hear what came of the trial: its caller gave up.
    assert tried.admits(due_at + TRIAL_SECONDS)
    assert not tried.failed(due_at + 4.0).admits(due_at + TRIAL_SECONDS)


def test_a_minute_of_death_at_five_calls_a_second_costs_few_calls() -> None:
    breaker, sent_at = Breaker(), []
    for tick in range(300):
        now = tick / 5
        if breaker.admits(now):
            sent_at.append(now)
            breaker = breaker.tried(now).failed(now)

    assert len(sent_at) == FAILURES + 3
    # And it is back within half a minute of its return.
    assert breaker.admits(60.0 + TRIAL_SECONDS)
