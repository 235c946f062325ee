"""Short calls to one country, and what comes of too many."""

from dataclasses import replace

import pytest

from ringbridge.call.directory import AccountLimits
from ringbridge.call.model import Call, Leg, LegState, Party
from ringbridge.service.admission import Admission
from ringbridge.service.ledger import Ledger
from ringbridge.service.suspicion import HOUR_SECONDS, SUSPENDING_SECONDS, ShortCalls, SuspiciousCalls
from tests.store.samples import a_call, simulated

LIMITS = AccountLimits(concurrent=100, per_user=100, rate=100, duplicates_s=0.0, short_calls_per_hour=2)
JAMAICA, TEXAS = "+18764445555", "+15125292329"


def call_to(number: str, *, at: float = 0.0, name: str = "c") -> Call:
    call = a_call(name, accepted_at=at)
    return call._replace(destination=Party(number=number, routes=call.user.routes))


def ended(call: Call, *, talk_seconds: float | None) -> Call:
    """The call after so long a talk; None if nobody answered."""
    answered_at = None if talk_seconds is None else call.accepted_at + 5.0
    leg = Leg(state=LegState.ENDED, answered_at=answered_at)
    return call._replace(destination_leg=leg, ended_at=call.accepted_at + 5.0 + (talk_seconds or 0.0))


def after(*calls: Call) -> ShortCalls:
    short_calls = ShortCalls()
    for call in calls:
        short_calls.ended(call)
    return short_calls


def test_more_short_calls_to_one_country_than_the_limit_are_suspicious() -> None:
    short = [ended(call_to(JAMAICA), talk_seconds=9.0) for _ in range(3)]
    after(*short[:2]).check(call_to(JAMAICA, at=60.0), LIMITS)
    suspicious = after(*short)
    with pytest.raises(SuspiciousCalls) as caught:
        suspicious.check(call_to(JAMAICA, at=60.0), LIMITS)

    assert (caught.value.code, caught.value.limit, caught.value.most) == (
        "limit_exceeded",
        "short_calls_per_hour",
        2,
    )
    suspicious.check(call_to(TEXAS, at=60.0), LIMITS)
    suspicious.check(call_to(JAMAICA, at=60.0)._replace(account_id="2"), LIMITS)
    suspicious.check(call_to(JAMAICA, at=60.0), AccountLimits())
    suspicious.check(call_to(JAMAICA, at=HOUR_SECONDS + 20.0), LIMITS)


@pytest.mark.parametrize("talk_seconds", [None, 10.0])
def test_calls_that_nobody_answered_or_that_were_talked_in_are_not_short(talk_seconds: float | None) -> None:
    calls = [ended(call_to(JAMAICA), talk_seconds=talk_seconds) for _ in range(9)]

    after(*calls).check(call_to(JAMAICA, at=60.0), LIMITS)


async def test_the_account_is_suspended_once_and_refused_until_everybody_knows() -> None:
    admission = Admission()
    told: list[str] = []
    admission.short_calls.on_suspicion = told.append
    for number in range(3):
        call = call_to(JAMAICA, name=f"short {number}")
        assert admission.admit(call, LIMITS) is None
        admission.release(ended(call, talk_seconds=1.0))
    for destination, at in ((JAMAICA, 60.0), (TEXAS, 61.0)):
        with pytest.raises(SuspiciousCalls):
            admission.admit(call_to(destination, at=at), LIMITS)
    assert told == ["1009683"]

    resumed = call_to(JAMAICA, at=60.0 + SUSPENDING_SECONDS, name="resumed")
    assert admission.admit(resumed, LIMITS) is None


async def test_calls_that_no_limit_minded_when_they_were_admitted_do_not_count_later() -> None:
    admission = Admission()
    for number in range(3):
        call = call_to(JAMAICA, name=f"short {number}")
        admission.admit(call, replace(LIMITS, short_calls_per_hour=None))
        admission.release(ended(call, talk_seconds=1.0))

    assert admission.admit(call_to(JAMAICA, at=60.0), LIMITS) is None


async def test_a_look_at_what_would_happen_suspends_nobody() -> None:
    admission = Admission()
    told: list[str] = []
    admission.short_calls.on_suspicion = told.append
    for _ in range(3):
        admission.short_calls.restore(Ledger("1009683"), JAMAICA, 0.0)
    with pytest.raises(SuspiciousCalls):
        admission.check(call_to(JAMAICA, at=60.0), LIMITS)

    assert told == []


async def test_without_anybody_to_suspend_it_the_call_is_refused_all_the_same() -> None:
    admission = Admission()
    for _ in range(3):
        admission.short_calls.restore(Ledger("1009683"), JAMAICA, 0.0)
    with pytest.raises(SuspiciousCalls):
        admission.admit(call_to(JAMAICA, at=60.0), LIMITS)


async def test_short_test_calls_refuse_test_calls_and_suspend_nobody() -> None:
    admission = Admission()
    told: list[str] = []
    admission.short_calls.on_suspicion = told.append
    for number in range(3):
        call = simulated(call_to(JAMAICA, name=f"short {number}"))
        assert admission.admit(call, LIMITS) is None
        admission.release(ended(call, talk_seconds=1.0))
    with pytest.raises(SuspiciousCalls):
        admission.admit(simulated(call_to(JAMAICA, at=60.0)), LIMITS)

    assert told == []
    assert admission.admit(call_to(JAMAICA, at=60.0, name="live"), LIMITS) is None
    later = simulated(call_to(JAMAICA, at=60.0 + SUSPENDING_SECONDS, name="later"))
    assert admission.admit(later, LIMITS) is None
