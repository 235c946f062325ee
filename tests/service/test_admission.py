"""Limits and double clicks: how many get through, and which call a repeated click means."""

import asyncio

import pytest

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import TooManyCalls
from ringbridge.service.admission import Admission, Duplicate

LIMITS = AccountLimits(concurrent=3, per_user=1, rate=100, duplicates_s=3.0)


def click(
    admission: Admission,
    call_id: str,
    *,
    line: str = "+18175629656",
    destination: str = "+15125292329",
    account: str = "1",
    limits: AccountLimits = LIMITS,
    now: float = 0.0,
) -> Duplicate | None:
    return admission.admit(call_id, account, line, destination, limits, now)


def refused_limit(admission: Admission, call_id: str, **words: object) -> tuple[str, float]:
    with pytest.raises(TooManyCalls) as caught:
        click(admission, call_id, **words)  # type: ignore[arg-type]
    return caught.value.limit, caught.value.retry_after_seconds


async def test_one_line_has_one_call_until_it_is_released() -> None:
    admission = Admission()
    assert click(admission, "a") is None
    assert refused_limit(admission, "b", destination="+15125550100") == ("per_user", 5.0)
    admission.release("a")
    assert click(admission, "b", destination="+15125550100") is None


async def test_an_account_has_as_many_calls_as_its_limit_says() -> None:
    admission = Admission()
    assert [click(admission, f"a{number}", line=f"10{number}") for number in range(3)] == [None] * 3
    assert refused_limit(admission, "b", line="109") == ("concurrent", 5.0)
    assert click(admission, "c", line="109", account="2") is None
    admission.release("a1")
    assert click(admission, "d", line="109") is None


async def test_a_refused_call_reserves_nothing() -> None:
    admission = Admission()
    click(admission, "a")
    refused_limit(admission, "b", destination="+15125550100")
    admission.release("b")
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
    assert (
        admission.admit(
            "b",
            words.get("account", "1"),
            words.get("line", "+18175629656"),
            words.get("destination", "+15125292329"),
            limits,
            0.1,
        )
        is None
    )


async def test_after_the_window_the_same_click_is_another_call() -> None:
    admission = Admission()
    limits = AccountLimits(per_user=2, duplicates_s=3.0)
    click(admission, "a", limits=limits, now=0.0)
    assert click(admission, "b", limits=limits, now=3.0) is None
    repeated = click(admission, "c", limits=limits, now=4.0)
    assert repeated is not None
    assert repeated.call_id == "b"
    admission.release("a")
    repeated = click(admission, "c", limits=limits, now=4.0)
    assert repeated is not None
    assert repeated.call_id == "b"


async def test_once_the_user_has_answered_the_same_click_is_another_call() -> None:
    admission = Admission()
    click(admission, "a")
    admission.user_answered("a")
    assert refused_limit(admission, "b") == ("per_user", 5.0)
    admission.release("a")
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
    admission.release("a")
    assert await asyncio.gather(*waiting) == [False, False]


async def test_news_about_a_call_that_is_gone_changes_nothing() -> None:
    admission = Admission()
    click(admission, "a")
    admission.confirm("a")
    admission.confirm("a")
    admission.release("a")
    admission.release("a")
    admission.confirm("a")
    admission.user_answered("a")
    assert click(admission, "b") is None
    assert refused_limit(admission, "c", destination="+15125550100") == ("per_user", 5.0)
