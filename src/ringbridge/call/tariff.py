"""What a call costs: rates by the beginnings of numbers, the most that a call can cost, and what it did cost. Pure.

Amounts are millionths of the currency. A leg costs from its answer to its end, by the second, rounded up to the next
millionth; only what goes over a trunk costs anything.
"""

from collections.abc import Mapping
from math import ceil

from ringbridge.call.model import Call, Leg, LegName, Party, Tariff, Third, ThirdPrice

# How long the user is told why the destination cannot be had, which is on top of what the limits give each stage.
_ANNOUNCING_SECONDS = 30.0

_MINUTE_SECONDS = 60.0


def most_micros(call: Call) -> int:
    """What the call costs if every stage takes as long as it may; 0 without a tariff."""
    if call.tariff is None:
        return 0
    limits = call.limits
    before_answer = limits.confirm_seconds + limits.destination_ring_seconds
    return leg_micros(
        call.tariff.user_micros_per_minute, before_answer + limits.call_seconds + _ANNOUNCING_SECONDS
    ) + leg_micros(call.tariff.destination_micros_per_minute, limits.call_seconds)


def cost_micros(call: Call) -> int:
    """What an ended call did cost without a third; 0 without a tariff."""
    if call.tariff is None:
        return 0
    user_rate, destination_rate = call.tariff
    return leg_micros(user_rate, up_seconds(call, call.user_leg)) + leg_micros(
        destination_rate, up_seconds(call, call.destination_leg)
    )


def third_price(call: Call, planned: Call) -> ThirdPrice | None:
    """What a third of the talking `call` costs who is called now as the destination of `planned` would be."""
    if planned.tariff is None:
        return None
    rate = planned.tariff.destination_micros_per_minute
    return ThirdPrice(rate, leg_micros(rate, _rest_seconds(call, planned)), planned.accepted_utc)


def most_with_third_micros(call: Call, leaving: LegName, planned: Call) -> int:
    """What `call` costs at the most if it is transferred: a minute with the third takes the place of one with who leaves."""
    if planned.tariff is None:
        return most_micros(call)
    third_rate = planned.tariff.destination_micros_per_minute
    leaving_rate = 0 if call.tariff is None else call.tariff[leaving is LegName.DESTINATION]
    return most_micros(call) + leg_micros(max(0, third_rate - leaving_rate), _rest_seconds(call, planned))


def third_micros(call: Call, third: Third) -> int:
    """What one of the thirds did cost, once its leg or the call is over."""
    price = third.transfer.price
    return 0 if price is None else leg_micros(price.micros_per_minute, up_seconds(call, third.leg))


def tariff_of(user: Party, destination: Party, rates: Mapping[str, int]) -> Tariff | None:
    """The tariff of a call between the two by `rates` (prefix -> millionths a minute); None if one has no known rate."""
    user_rate, destination_rate = _rate_of(user, rates), _rate_of(destination, rates)
    if user_rate is None or destination_rate is None:
        return None
    return Tariff(user_rate, destination_rate)


def rate_for(number: str, rates: Mapping[str, int]) -> int | None:
    """The rate of the longest prefix that E.164 `number` begins with."""
    for length in range(len(number), 1, -1):
        rate = rates.get(number[:length])
        if rate is not None:
            return rate
    return None


def _rate_of(party: Party, rates: Mapping[str, int]) -> int | None:
    if all(route.trunk is None for route in party.routes):
        return 0
    return rate_for(party.number, rates)


def _rest_seconds(call: Call, planned: Call) -> float:
    """How long the talking call may go on at the acceptance of `planned`, whoever talks."""
    assert call.deadline_at is not None, "a talk has its limit"
    return max(0.0, call.deadline_at - planned.accepted_at)


def up_seconds(call: Call, leg: Leg) -> float:
    """How long a leg was up; a leg whose end nobody has told ended with its call."""
    if leg.answered_at is None:
        return 0.0
    ended_at = leg.ended_at if leg.ended_at is not None else call.ended_at
    return 0.0 if ended_at is None else max(0.0, ended_at - leg.answered_at)


def leg_micros(micros_per_minute: int, seconds: float) -> int:
    """What a leg costs that is up for so long."""
    return ceil(micros_per_minute * seconds / _MINUTE_SECONDS)
