"""Limits and double clicks: how many get through, and which call a repeated click means."""

import asyncio
from dataclasses import replace

import pytest

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import SpendLimitReached, TooManyCalls
from ringbridge.call.model import (
    Call,
    CallLimits,
    Leg,
    LegName,
    LegState,
    Party,
    Route,
    Tariff,
    ThirdPrice,
    Transfer,
)
from ringbridge.service.admission import Admission, Duplicate, RecentCall
from ringbridge.service.ledger import Ledger
from ringbridge.service.spending import Period

HOUR_UTC = 1_699_999_200.0

LIMITS = AccountLimits(concurrent=3, per_user=1, rate=100, duplicates_s=3.0)


def a_call(
    call_id: str,
    *,
    line: str = "+18175629656",
    destination: str = "+15125292329",
    account: str = "1",
    now: float = 0.0,
) -> Call:
    """A call that is accepted now, at the stroke of an hour."""
    route = Route(target="sip:phone@192.0.2.7", caller_number="204")
    return Call(
        id=call_id,
        account_id=account,
        key_id="k",
        user=Party(number=line, routes=(route,)),
        destination=Party(number=destination, routes=(route,)),
        accepted_at=now,
        accepted_utc=HOUR_UTC + now,
    )


def click(
    admission: Admission,
    call_id: str,
    *,
    limits: AccountLimits = LIMITS,
    **words: object,
) -> Duplicate | None:
    return admission.admit(a_call(call_id, **words), limits)  # type: ignore[arg-type]


def refused_limit(admission: Admission, call_id: str, **words: object) -> tuple[str, float]:
    with pytest.raises(TooManyCalls) as caught:
        click(admission, call_id, **words)  # type: ignore[arg-type]
    return caught.value.limit, caught.value.retry_after_seconds


async def test_one_line_has_one_call_until_it_is_released() -> None:
    admission = Admission()
    assert click(admission, "a") is None
    assert refused_limit(admission, "b", destination="+15125550100") == ("per_user", 5.0)
    admission.release(a_call("a"))
    assert click(admission, "b", destination="+15125550100") is None


async def test_an_account_has_as_many_calls_as_its_limit_says() -> None:
    admission = Admission()
    assert [click(admission, f"a{number}", line=f"10{number}") for number in range(3)] == [None] * 3
    assert refused_limit(admission, "b", line="109") == ("concurrent", 5.0)
    assert click(admission, "c", line="109", account="2") is None
    admission.release(a_call("a1"))
    assert click(admission, "d", line="109") is None


async def test_a_refused_call_reserves_nothing() -> None:
    admission = Admission()
    click(admission, "a")
    refused_limit(admission, "b", destination="+15125550100")
    admission.release(a_call("b"))
    assert refused_limit(admission, "c", destination="+15125550100") == ("per_user", 5.0)


async def test_the_rate_counts_any_one_second() -> None:
    admission = Admission()
    limits = AccountLimits(concurrent=10, rate=2)
    assert click(admission, "a", line="101", limits=limits, now=0.0) is None
    assert click(admission, "b", line="102", limits=limits, now=0.75) is None
    assert refused_limit(admission, "c", line="103", limits=limits, now=0.875) == ("rate", 0.125)
    assert click(admission, "d", line="103", limits=limits, now=1.0) is None
    assert refused_limit(admission, "e", line="104", limits=limits, now=1.5) == ("rate", 0.25)


async def test_a_limit_of_none_lets_nothing_through() -> None:
    admission = Admission()
    assert refused_limit(admission, "a", limits=AccountLimits(rate=0)) == ("rate", 1.0)
    assert refused_limit(admission, "a", limits=AccountLimits(concurrent=0)) == ("concurrent", 5.0)
    assert refused_limit(admission, "a", limits=AccountLimits(per_user=0)) == ("per_user", 5.0)


async def test_of_a_hundred_requests_at_once_exactly_the_limit_gets_through() -> None:
    admission = Admission()

    async def request(number: int) -> bool:
        try:
            return click(admission, f"call {number}", line=f"line {number}") is None
        except TooManyCalls:
            return False

    admitted = await asyncio.gather(*(request(number) for number in range(100)))
    assert sum(admitted) == 3


async def test_a_second_click_while_the_user_rings_is_the_same_call() -> None:
    admission = Admission()
    click(admission, "a", now=0.0)
    admission.confirm("a")
    duplicate = click(admission, "b", now=2.9)
    assert duplicate is not None
    assert (duplicate.call_id, await duplicate.stored()) == ("a", True)


@pytest.mark.parametrize("words", [{"destination": "+15125550100"}, {"line": "101"}, {"account": "2"}])
async def test_a_click_on_another_pair_is_another_call(words: dict[str, str]) -> None:
    admission = Admission()
    limits = AccountLimits(per_user=2)
    click(admission, "a", limits=limits)
    assert click(admission, "b", limits=limits, now=0.1, **words) is None


async def test_after_the_window_the_same_click_is_another_call() -> None:
    admission = Admission()
    limits = AccountLimits(per_user=2, duplicates_s=3.0)
    click(admission, "a", limits=limits, now=0.0)
    assert click(admission, "b", limits=limits, now=3.0) is None
    repeated = click(admission, "c", limits=limits, now=4.0)
    assert repeated is not None
    assert repeated.call_id == "b"
    admission.release(a_call("a"))
    repeated = click(admission, "c", limits=limits, now=4.0)
    assert repeated is not None
    assert repeated.call_id == "b"


async def test_once_the_user_has_answered_the_same_click_is_another_call() -> None:
    admission = Admission()
    click(admission, "a")
    admission.user_answered("a")
    assert refused_limit(admission, "b") == ("per_user", 5.0)
    admission.release(a_call("a"))
    assert click(admission, "b") is None


async def test_a_window_of_zero_seconds_turns_the_double_click_off() -> None:
    admission = Admission()
    limits = AccountLimits(per_user=2, duplicates_s=0.0)
    click(admission, "a", limits=limits)
    assert click(admission, "b", limits=limits) is None


async def test_a_duplicate_hears_whether_the_first_call_was_stored() -> None:
    admission = Admission()
    click(admission, "a")
    duplicate = click(admission, "b")
    assert duplicate is not None
    waiting = [asyncio.ensure_future(duplicate.stored()) for _ in range(2)]
    given_up = asyncio.ensure_future(duplicate.stored())
    given_up.cancel()
    await asyncio.wait([given_up])
    assert not waiting[0].done()
    admission.release(a_call("a"))
    assert await asyncio.gather(*waiting) == [False, False]


async def test_news_about_a_call_that_is_gone_changes_nothing() -> None:
    admission = Admission()
    click(admission, "a")
    admission.confirm("a")
    admission.confirm("a")
    admission.release(a_call("a"))
    admission.release(a_call("a"))
    admission.confirm("a")
    admission.user_answered("a")
    assert click(admission, "b") is None
    assert refused_limit(admission, "c", destination="+15125550100") == ("per_user", 5.0)


@pytest.mark.parametrize(
    ("limit", "seconds", "same"),
    [
        ("per_minute", 60.0, {}),
        ("user_per_minute", 60.0, {"line": "101"}),
        ("destination_per_10_minutes", 600.0, {"destination": "+15125550100"}),
    ],
)
async def test_accepted_calls_are_counted_for_as_long_as_the_limit_looks_back(
    limit: str, seconds: float, same: dict[str, str]
) -> None:
    admission = Admission()
    limits = AccountLimits(concurrent=100, per_user=100, rate=100, **{limit: 2})  # type: ignore[arg-type]

    def words(number: int) -> dict[str, str]:
        return {"line": f"20{number}", "destination": f"+1512529000{number}"} | same

    assert click(admission, "a", limits=limits, now=0.0, **words(0)) is None
    assert click(admission, "b", limits=limits, now=10.0, **words(1)) is None
    admission.release(a_call("a"))
    assert refused_limit(admission, "c", limits=limits, now=20.0, **words(2)) == (limit, seconds - 20.0)
    assert click(admission, "d", limits=limits, now=20.0, account="2", **words(2)) is None
    assert click(admission, "e", limits=limits, now=seconds, **words(2)) is None
    assert refused_limit(admission, "f", limits=limits, now=seconds, **words(3)) == (limit, 10.0)


async def test_calls_of_before_the_restart_count() -> None:
    admission = Admission()
    limits = AccountLimits(rate=100, user_per_minute=1)
    admission.restore([RecentCall(Ledger("1"), "101", "+15125550100", -20.0)])

    assert refused_limit(admission, "a", limits=limits, line="101") == ("user_per_minute", 40.0)
    assert click(admission, "b", limits=limits, line="102") is None


MONEY = AccountLimits(concurrent=100, per_user=100, rate=100, duplicates_s=0.0, spend_per_hour=12_000_000)


def a_costly_call(call_id: str, *, now: float = 0.0) -> Call:
    """A call of an hour at the most, at ten cents a minute."""
    limits = CallLimits(call_seconds=3600.0)
    return a_call(call_id, now=now)._replace(limits=limits, tariff=Tariff(0, 100_000))


def talked(call: Call, seconds: float) -> Call:
    """The call after so long a talk."""
    at = call.accepted_at
    leg = Leg(state=LegState.ENDED, answered_at=at + 10.0, ended_at=at + 10.0 + seconds)
    return call._replace(destination_leg=leg, ended_at=at + 10.0 + seconds)


async def test_the_most_that_a_call_may_cost_is_reserved_and_what_it_did_not_cost_given_back() -> None:
    admission = Admission()
    first, second, third = (a_costly_call(name, now=60.0) for name in "abc")
    assert [admission.admit(call, MONEY) for call in (first, second)] == [None, None]
    with pytest.raises(SpendLimitReached) as caught:
        admission.admit(third, MONEY)
    refused = caught.value
    assert (refused.code, refused.limit, refused.most) == ("spend_limit", "spend_per_hour", 12_000_000)
    assert refused.retry_after_seconds == 3540.0

    admission.release(talked(first, 600.0))
    with pytest.raises(SpendLimitReached):
        admission.admit(third, MONEY)
    admission.release(second)
    assert admission.admit(third, MONEY) is None


async def test_of_a_hundred_costly_requests_at_once_exactly_as_many_as_the_money_is_for_get_through() -> None:
    admission = Admission()

    async def request(number: int) -> bool:
        try:
            return admission.admit(a_costly_call(f"call {number}"), MONEY) is None
        except TooManyCalls:
            return False

    assert sum(await asyncio.gather(*(request(number) for number in range(100)))) == 2


async def test_a_check_reserves_nothing() -> None:
    admission = Admission()
    limits = AccountLimits(rate=1)
    for _ in range(2):
        admission.check(a_call("a"), limits)

    assert admission.calls_now(Ledger("1")) == 0
    assert click(admission, "a", limits=limits) is None
    assert admission.calls_now(Ledger("1")) == 1
    with pytest.raises(TooManyCalls):
        admission.check(a_call("b"), limits)


async def test_what_no_limit_asks_for_is_not_counted() -> None:
    admission = Admission()
    click(admission, "a", line="101")
    admission.release(a_call("a"))

    limits = AccountLimits(per_minute=1, user_per_minute=1, destination_per_10_minutes=1)
    assert click(admission, "b", line="101", limits=limits) is None
    assert refused_limit(admission, "c", line="102", limits=limits) == ("per_minute", 60.0)


def a_talk(call_id: str, *, now: float = 0.0) -> Call:
    """A costly call that talks since ten seconds and may for an hour."""
    call = a_costly_call(call_id, now=now)
    leg = Leg(state=LegState.ANSWERED, answered_at=now + 10.0)
    return call._replace(destination_leg=leg, deadline_at=now + 3610.0)


def transferred(call: Call, price: ThirdPrice | None, at: float, seconds: float) -> Call:
    """The talk after a third who answered at `at` took the place of the destination, and its end so much later."""
    transfer = Transfer(LegName.USER, call.destination, "", price, 3610.0)
    third = Leg(state=LegState.ENDED, answered_at=at, ended_at=at + seconds)
    left = call.destination_leg._replace(state=LegState.ENDED, ended_at=at)
    return call._replace(destination_leg=left, transfer=transfer, third_leg=third, ended_at=at + seconds)


def spent(admission: Admission, now: float) -> int:
    """On the day that it is then."""
    return sum(admission.spending.sum(Ledger("1"), Period.DAY, HOUR_UTC + now))


async def test_a_third_counts_on_the_day_on_which_it_was_called() -> None:
    admission = Admission()
    midnight = 7_200.0
    call = a_talk("a", now=midnight - 610.0)
    planned = a_costly_call("b", now=midnight + 100.0)
    admission.admit(call, MONEY)
    tried = admission.admit_third(call, planned, MONEY)
    assert tried is not None
    # As long as the talk still may last, of which 700 s are over.
    assert spent(admission, midnight) == tried.most_micros == 4_833_334
    admission.keep_third(call.id, None)
    assert spent(admission, midnight) == 0

    price = admission.admit_third(call, planned, MONEY)
    unused = admission.admit_third(call, planned._replace(accepted_utc=HOUR_UTC + midnight), MONEY)
    assert None not in (price, unused)
    admission.release(transferred(call, price, midnight + 120.0, 60.0))
    assert spent(admission, midnight) == 100_000
    assert spent(admission, midnight - 1.0) == 720 * 100_000 / 60
    admission.keep_third(call.id, None)
    assert spent(admission, midnight) == 100_000


async def test_a_third_whose_price_is_not_known_costs_nothing() -> None:
    admission = Admission()
    limits = replace(MONEY, spend_per_hour=None)
    call = a_talk("a")
    admission.admit(call, limits)
    before = spent(admission, 0.0)
    assert admission.admit_third(call, a_call("b")._replace(tariff=None), limits) is None
    assert spent(admission, 0.0) == before


async def test_for_a_third_there_must_be_money() -> None:
    admission = Admission()
    calls = [a_talk(name) for name in "ab"]
    assert [admission.admit(call, MONEY) for call in calls] == [None, None]
    with pytest.raises(SpendLimitReached):
        admission.admit_third(calls[0], a_costly_call("c"), MONEY)
    admission.release(calls[1])
    # A call that is over by now takes nothing.
    for call in (calls[1], calls[0]):
        assert admission.admit_third(call, a_costly_call("c", now=10.0), MONEY) is not None
