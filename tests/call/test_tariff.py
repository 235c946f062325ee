"""What calls cost."""

import pytest

from ringbridge.call.model import (
    Call,
    CallLimits,
    Leg,
    LegName,
    LegState,
    Party,
    Route,
    Tariff,
    Third,
    ThirdPrice,
    Transfer,
)
from ringbridge.call.tariff import (
    cost_micros,
    most_micros,
    most_with_third_micros,
    rate_for,
    tariff_of,
    third_micros,
    third_price,
)

RATES = {"+1": 10_000, "+1876": 200_000, "+18765": 250_000, "+44": 15_000}

PHONE = Party(number="204", routes=(Route(target="sip:204@192.0.2.7", caller_number="x"),))


def over_trunk(number: str) -> Party:
    return Party(number=number, routes=(Route(trunk="main", target="sip:x@192.0.2.1", caller_number="x"),))


def a_call(tariff: Tariff | None) -> Call:
    return Call(
        id="c",
        account_id="1",
        key_id="k",
        user=PHONE,
        destination=over_trunk("+15125292329"),
        accepted_at=100.0,
        accepted_utc=0.0,
        limits=CallLimits(confirm_seconds=10.0, destination_ring_seconds=50.0, call_seconds=600.0),
        tariff=tariff,
    )


@pytest.mark.parametrize(
    ("number", "rate"),
    [
        ("+15125292329", 10_000),
        ("+18764445555", 200_000),
        ("+18765555555", 250_000),
        ("+442079460958", 15_000),
        ("+33123456789", None),
        ("+1", 10_000),
    ],
)
def test_the_longest_prefix_has_the_rate(number: str, rate: int | None) -> None:
    assert rate_for(number, RATES) == rate


def test_only_what_goes_over_a_trunk_costs() -> None:
    assert tariff_of(PHONE, over_trunk("+15125292329"), RATES) == Tariff(0, 10_000)
    assert tariff_of(over_trunk("+442079460958"), over_trunk("+15125292329"), RATES) == Tariff(15_000, 10_000)


def test_without_a_rate_nobody_knows_what_a_call_costs() -> None:
    assert tariff_of(PHONE, over_trunk("+33123456789"), RATES) is None
    assert tariff_of(over_trunk("+33123456789"), over_trunk("+15125292329"), RATES) is None


def test_a_call_without_a_tariff_costs_nothing_that_is_known() -> None:
    assert (most_micros(a_call(None)), cost_micros(a_call(None))) == (0, 0)


def test_the_most_is_what_every_stage_costs_that_takes_as_long_as_it_may() -> None:
    assert most_micros(a_call(Tariff(0, 60_000))) == 600_000
    # The user is up while they confirm, while the destination rings, and while they are told how it ended.
    assert most_micros(a_call(Tariff(60_000, 0))) == 10_000 + 50_000 + 600_000 + 30_000


def test_each_leg_costs_from_its_answer_to_its_end_and_begun_millionths_whole() -> None:
    up = a_call(Tariff(60, 60_000))._replace(
        user_leg=Leg(state=LegState.ENDED, answered_at=100.0, ended_at=130.5),
        destination_leg=Leg(state=LegState.ENDED, answered_at=110.0, ended_at=130.0),
        ended_at=131.0,
    )

    assert cost_micros(up) == 31 + 20_000


def test_a_third_costs_what_its_own_minutes_cost() -> None:
    price = ThirdPrice(15_000, 222_500, 1e9)
    transfer = Transfer(LegName.DESTINATION, over_trunk("+442079460958"), "", price, 1000.0)
    up = a_call(Tariff(0, 60_000))._replace(
        destination_leg=Leg(state=LegState.ENDED, answered_at=110.0, ended_at=130.0),
        transfer=transfer,
        third_leg=Leg(state=LegState.ENDED, answered_at=120.0, ended_at=130.0),
        past_thirds=(Third(transfer, Leg(state=LegState.ENDED, ended_at=119.0)),),
        ended_at=130.0,
    )

    assert cost_micros(up) == 20_000
    assert [third_micros(up, third) for third in up.thirds] == [0, 2_500]
    unpriced = up._replace(transfer=transfer._replace(price=None))
    assert third_micros(unpriced, unpriced.thirds[-1]) == 0


def planned(tariff: Tariff | None) -> Call:
    """The call that a third's would be, four minutes before the talk must end."""
    return a_call(tariff)._replace(accepted_at=460.0, accepted_utc=1e9)


TALKING = a_call(Tariff(6_000, 60_000))._replace(deadline_at=700.0)


def test_a_third_can_talk_as_long_as_its_call_still_may() -> None:
    assert third_price(TALKING, planned(Tariff(6_000, 15_000))) == ThirdPrice(15_000, 60_000, 1e9)
    assert third_price(TALKING._replace(deadline_at=400.0), planned(Tariff(0, 15_000))) == ThirdPrice(
        15_000, 0, 1e9
    )
    assert third_price(TALKING, planned(None)) is None


@pytest.mark.parametrize(
    ("leaving", "rate", "more"),
    [
        (LegName.DESTINATION, 60_000, 0),
        (LegName.DESTINATION, 15_000, 0),
        (LegName.DESTINATION, 75_000, 4 * 15_000),
        (LegName.USER, 15_000, 4 * 9_000),
    ],
)
def test_minutes_with_a_third_take_the_place_of_those_with_who_leaves(
    leaving: LegName, rate: int, more: int
) -> None:
    assert (
        most_with_third_micros(TALKING, leaving, planned(Tariff(6_000, rate))) == most_micros(TALKING) + more
    )


def test_without_rates_a_third_is_all_that_is_known_to_cost_something() -> None:
    assert most_with_third_micros(TALKING, LegName.USER, planned(None)) == most_micros(TALKING)
    unpriced = TALKING._replace(tariff=None)
    assert most_with_third_micros(unpriced, LegName.USER, planned(Tariff(0, 15_000))) == 60_000


def test_a_leg_whose_end_was_not_told_ended_with_its_call() -> None:
    up = a_call(Tariff(0, 60_000))._replace(
        destination_leg=Leg(state=LegState.ANSWERED, answered_at=110.0), ended_at=120.0
    )

    assert cost_micros(up) == 10_000
    assert cost_micros(up._replace(ended_at=None)) == 0
