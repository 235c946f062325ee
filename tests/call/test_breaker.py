"""A server that fails is left alone, but not for good."""

import pytest

from ringbridge.call.breaker import FAILURES, MOST_QUIET_SECONDS, TRIAL_SECONDS, Breaker


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


@pytest.mark.parametrize(("asked_for", "seconds"), [(5, 5.0), (40, 40.0), (18_000, MOST_QUIET_SECONDS)])
def test_a_server_that_asks_to_be_left_alone_is_for_a_minute_at_most(asked_for: int, seconds: float) -> None:
    breaker = Breaker().failed(100.0, asked_for)

    assert breaker.is_open
    assert breaker.is_quiet(100.0 + seconds - 0.001)
    assert not breaker.admits(100.0 + seconds - 0.001)
    assert not breaker.is_quiet(100.0 + seconds)
    assert breaker.admits(100.0 + seconds)


def test_a_server_that_asks_for_no_time_is_one_that_failed_once() -> None:
    assert Breaker().failed(1.0, 0) == Breaker().failed(1.0) == failing(1, first_at=1.0)


def test_a_failure_without_a_time_leaves_the_time_that_was_asked_for() -> None:
    assert Breaker().failed(1.0, 40).failed(2.0).is_quiet(40.0)


def test_a_server_that_answers_options_is_called_until_the_first_call_fails() -> None:
    breaker = failing(FAILURES).pinged()

    assert breaker.admits(3.0)
    assert breaker.failed(3.0).is_open
    assert failing(1).pinged() == failing(1)
