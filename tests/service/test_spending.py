"""Money by the hour, the day and the month of UTC."""

from datetime import UTC, datetime

import pytest

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import SpendLimitReached
from ringbridge.service.ledger import Ledger
from ringbridge.service.spending import Period, Spending


def utc(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


NOW = utc(2026, 12, 31, 23, 30)

ONE = Ledger("1")


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (Period.HOUR, utc(2026, 12, 31, 23), utc(2027, 1, 1)),
        (Period.DAY, utc(2026, 12, 31), utc(2027, 1, 1)),
        (Period.MONTH, utc(2026, 12, 1), utc(2027, 1, 1)),
    ],
)
def test_periods_begin_and_end_by_the_calendar_of_utc(period: Period, start: float, end: float) -> None:
    assert (period.start(NOW), period.end(NOW)) == (start, end)


def test_february_ends() -> None:
    assert Period.MONTH.end(utc(2027, 2, 1)) == utc(2027, 3, 1)


@pytest.mark.parametrize("period", Period)
def test_a_period_that_is_over_is_forgotten(period: Period) -> None:
    spending = Spending()
    limits = AccountLimits(**{f"spend_per_{period.value}": 5})  # type: ignore[arg-type]
    spending.reserve(ONE, 5, NOW)
    with pytest.raises(SpendLimitReached) as caught:
        spending.check(ONE, limits, 1, NOW)

    assert caught.value.retry_after_seconds == period.end(NOW) - NOW
    spending.check(Ledger("2"), limits, 5, NOW)
    spending.check(ONE, limits, 5, period.end(NOW))


def test_a_call_is_settled_in_the_periods_in_which_it_was_accepted() -> None:
    spending = Spending()
    spending.reserve(ONE, 60, utc(2026, 12, 30, 22, 59))
    spending.reserve(ONE, 6, utc(2026, 12, 30, 23, 1))
    spending.settle(ONE, 60, 10, utc(2026, 12, 30, 22, 59))

    at = utc(2026, 12, 30, 23, 2)
    assert [sum(spending.sum(ONE, period, at)) for period in Period] == [6, 16, 16]


def test_what_was_spent_before_a_restart_counts() -> None:
    spending = Spending()
    spending.restore(ONE, Period.DAY, 4, NOW)
    spending.reserve(ONE, 2, NOW)

    assert [sum(spending.sum(ONE, period, NOW)) for period in Period] == [2, 6, 2]
    spending.settle(ONE, 2, 1, NOW)
    assert sum(spending.sum(ONE, Period.DAY, NOW)) == 5


@pytest.mark.parametrize("period", Period)
def test_calls_that_pass_the_end_of_a_period_in_another_order_count_each_in_its_own(period: Period) -> None:
    spending = Spending()
    before, after = period.end(NOW) - 0.01, period.end(NOW) + 0.01
    spending.reserve(ONE, 3, before)
    spending.reserve(ONE, 50, after)
    # It was planned before the other one, and takes its money behind it.
    spending.reserve(ONE, 400, before)

    assert [sum(spending.sum(ONE, period, at)) for at in (before, after)] == [403, 50]
    spending.settle(ONE, 400, 1, before)
    assert [sum(spending.sum(ONE, period, at)) for at in (before, after)] == [4, 50]


@pytest.mark.parametrize("period", Period)
def test_a_clock_that_is_set_wrong_for_a_while_neither_frees_nor_locks_a_limit(period: Period) -> None:
    spending = Spending()
    now, far = period.end(NOW), utc(2038, 1, 19)
    spending.reserve(ONE, 3, now)
    spending.reserve(ONE, 4, far)
    assert sum(spending.sum(ONE, period, now)) == 3
    spending.settle(ONE, 4, 0, far)
    later = period.end(now)
    for at in (later, period.end(later)):
        spending.reserve(ONE, 5, at)
        assert sum(spending.sum(ONE, period, at)) == 5
    # Too long ago to be kept: nothing is left to give back.
    spending.settle(ONE, 3, 0, now)
    assert sum(spending.sum(ONE, period, now)) == 0
