"""A third as it is kept and told: whom a call was transferred to, or was to be. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from ringbridge.call.cause import Cause, Outcome, destination_outcome
from ringbridge.call.model import Call, LegState, Third
from ringbridge.call.simulation import is_simulated
from ringbridge.call.tariff import third_micros

# What ends the call, and with it the leg of a third who still rings: that one has done nothing.
_ENDS_OF_THE_CALL = frozenset(
    {Cause.NORMAL, Cause.CALL_LIMIT, Cause.MEDIA_TIMEOUT, Cause.SESSION_EXPIRED, Cause.NO_ACK}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredThird:
    """One of the thirds of a call; times are UTC seconds since 1970. `trunk` is the one that was tried last.

    micros: what it cost, in millionths of the currency; None until it is over, in test calls, and where no rate was known.
    """

    number: str
    trunk: str | None
    state: str
    dialed_at: float | None
    ringing_at: float | None
    answered_at: float | None
    ended_at: float | None
    cause: str | None
    sip_status: int | None
    q850: int | None
    micros: int | None

    @property
    def outcome(self) -> str | None:
        """How it went, in the words that there are for a destination; None until it is over."""
        if self.state != LegState.ENDED.value or self.cause is None:
            return None
        cause = Cause(self.cause)
        if self.answered_at is not None and cause is not Cause.INTERRUPTED:
            return Outcome.COMPLETED.value
        return (Outcome.CANCELED if cause in _ENDS_OF_THE_CALL else destination_outcome(cause)).value

    @property
    def talk_seconds(self) -> float:
        """How long it was up; 0.0 until it is over."""
        if self.answered_at is None or self.ended_at is None:
            return 0.0
        return max(0.0, self.ended_at - self.answered_at)


def total_micros(own: int | None, thirds: Iterable[StoredThird]) -> int | None:
    """What a call cost, in millionths: its own two legs, and the thirds that were up. None where one of these is not known.

    A third may have been up without anybody knowing when a server was killed; then it has its cost all the same.
    """
    costs = [own]
    costs += [third.micros for third in thirds if third.answered_at is not None or third.micros is not None]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def as_stored_third(call: Call, third: Third) -> StoredThird:
    """What the store will say of a third once it has written all of it."""
    transfer, leg = third
    has_cost = leg.state is LegState.ENDED and transfer.price is not None and not is_simulated(call)
    return StoredThird(
        number=transfer.third.number,
        trunk=transfer.third.route(leg.trunk).trunk,
        state=leg.state.value,
        dialed_at=_utc(call, leg.dialed_at),
        ringing_at=_utc(call, leg.ringing_at),
        answered_at=_utc(call, leg.answered_at),
        ended_at=_utc(call, leg.ended_at),
        cause=None if leg.cause is None else leg.cause.value,
        sip_status=leg.sip_status,
        q850=leg.q850,
        micros=third_micros(call, third) if has_cost else None,
    )


def _utc(call: Call, at: float | None) -> float | None:
    return None if at is None else call.utc(at)
