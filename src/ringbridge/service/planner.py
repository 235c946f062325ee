"""From what a client asked for to a call that could be dialled: lines, numbers, policy, options, ways. Nothing is kept."""

import secrets
from collections.abc import Mapping
from typing import NamedTuple

from ringbridge.call import policy, routing
from ringbridge.call.directory import HARD_CALL_SECONDS, Account, AccountLimits, Line, LineKind
from ringbridge.call.errors import (
    DestinationRefused,
    EmergencyNumber,
    InvalidDestination,
    InvalidOption,
    InvalidUserLine,
)
from ringbridge.call.model import Call, CallLimits, LegName
from ringbridge.call.number import InvalidNumber, Number, normalise, normalise_extension
from ringbridge.call.ports import Directory
from ringbridge.call.simulation import SIMULATED_TRUNK, is_simulated, simulated_line
from ringbridge.call.tariff import most_micros, most_with_third_micros, tariff_of
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.identifier import new_call_id
from ringbridge.service.request import CallRequest

_randomness = secrets.SystemRandom()


class Plan(NamedTuple):
    """A call that was found in order, and the limits of its account that are still to be kept."""

    call: Call
    limits: AccountLimits


class Planner:
    """Reads requests against the directory."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    async def plan(self, caller: Caller, request: CallRequest, *, is_for_later: bool = False) -> Plan:
        """The call that is asked for, as it would be accepted now; if it is for later, quiet hours do not matter yet.

        Raises InvalidUserLine, InvalidDestination, InvalidOption, CannotPlaceCalls or StoreUnavailable.
        """
        line, call, limits = await self._plan(caller, request, caller.key.is_test, is_for_later)
        return Plan(await self.priced(call, line, limits), limits)

    async def plan_third(self, caller: Caller, call: Call, leaving: LegName, destination_line: str) -> Plan:
        """What a call of the talking call's user to a third would be who is to take the place of one leg.

        In a test call the third is simulated, whoever asks. Raises what `plan` does.
        """
        request = CallRequest(user_line=call.user.number, destination_line=destination_line)
        line, planned, limits = await self._plan(caller, request, is_simulated(call), is_for_later=False)
        planned = _with_tariff(planned, line, limits, await self._directory.rates())
        if (
            limits.spend_per_call is not None
            and most_with_third_micros(call, leaving, planned) > limits.spend_per_call
        ):
            raise _refused("spend_limit", planned)
        return Plan(planned, limits)

    async def _plan(
        self, caller: Caller, request: CallRequest, is_test: bool, is_for_later: bool
    ) -> tuple[Line, Call, AccountLimits]:
        """The user's line, and the call without what it costs."""
        limits = await self._directory.limits(caller.account.id)
        line = await self.user_line(caller, request.user_line)
        try:
            destination = read_destination(request.destination_line, caller.account.country)
        except EmergencyNumber as exc:
            raise DestinationRefused(
                exc.code, user_number=line.number, destination_number=exc.dialed
            ) from exc
        for check, code in await self.judge(caller, line, destination, limits):
            if code == "quiet_hours" and is_for_later:
                continue
            if code is not None and check == "two_lines":
                raise InvalidDestination(code)
            if code is not None:
                raise DestinationRefused(code, user_number=line.number, destination_number=destination.e164)
        call = await self.build(caller, request, line, destination, limits, is_test=is_test)
        return line, call, limits

    async def limits(self, caller: Caller) -> AccountLimits:
        """What the caller's account may do. Raises StoreUnavailable."""
        return await self._directory.limits(caller.account.id)

    async def judge(
        self,
        caller: Caller,
        line: Line,
        destination: Number,
        limits: AccountLimits,
        at: float | None = None,
    ) -> tuple[tuple[str, str | None], ...]:
        """Whether the user may call the destination now, or at a time in UTC seconds since 1970: each check, and the code of its refusal or None.

        Raises StoreUnavailable.
        """
        account = caller.account
        is_barred = await self._directory.is_barred(account.id, destination.e164)
        return (
            ("two_lines", "same_as_user_line" if destination.e164 == line.number else None),
            (
                "policy",
                policy.refusal(destination, limits, account, self._clock.utc_now() if at is None else at),
            ),
            ("do_not_call", "do_not_call" if is_barred else None),
        )

    async def build(
        self,
        caller: Caller,
        request: CallRequest,
        line: Line,
        destination: Number,
        limits: AccountLimits,
        *,
        is_test: bool,
    ) -> Call:
        """The call between these two with the request's options, simulated for a test.

        Raises InvalidOption, CannotPlaceCalls, StoreUnavailable.
        """
        account = caller.account
        now, utc_now = self._clock.now(), self._clock.utc_now()
        trunks = await self._directory.trunks()
        if is_test:
            line, trunks = simulated_line(line), (SIMULATED_TRUNK,)
        user_caller_id = destination_caller_id = None
        if request.user_caller_id is not None:
            user_caller_id = await self._caller_id(account, "user_caller_id", request.user_caller_id)
        if request.destination_caller_id is not None:
            destination_caller_id = await self._caller_id(
                account, "destination_caller_id", request.destination_caller_id
            )
        user = routing.user_party(line, account, trunks, destination.e164, user_caller_id)
        return Call(
            id=new_call_id(utc_now),
            account_id=account.id,
            key_id=caller.key.id,
            user=user if request.auto_answer is None else user._replace(auto_answer=request.auto_answer),
            destination=routing.destination_party(
                destination.e164, line, account, trunks, _randomness.random(), destination_caller_id
            ),
            language=request.language or line.language or account.language,
            limits=_call_limits(limits, request),
            confirm=line.must_confirm if request.confirm is None else request.confirm,
            digits=destination.digits_after_answer,
            accepted_at=now,
            accepted_utc=utc_now,
            metadata=request.metadata,
            webhook=request.webhook,
        )

    async def priced(self, call: Call, line: Line, limits: AccountLimits) -> Call:
        """The call of that line with what it costs, or would if it is a test call. Where the account's money is limited, that must be known and not too much."""
        priced = _with_tariff(call, line, limits, await self._directory.rates())
        if limits.spend_per_call is not None and most_micros(priced) > limits.spend_per_call:
            raise _refused("spend_limit", call)
        return priced

    async def user_line(self, caller: Caller, text: str) -> Line:
        """The line that a client means. Raises InvalidUserLine, StoreUnavailable."""
        number = read_user_line(text, caller.account.country)
        line = await self._directory.line(caller.account.id, number)
        if line is None or not caller.key.may_use(number):
            raise InvalidUserLine("unknown_line")
        return line

    async def _caller_id(self, account: Account, option: str, text: str) -> str:
        """The number of the account that `text` names: showing somebody else's is what carriers refuse as spoofing."""
        try:
            number = normalise(text, account.country).e164
        except InvalidNumber as exc:
            raise InvalidOption(option, exc.code) from exc
        if number != account.main_number and await self._directory.line(account.id, number) is None:
            raise InvalidOption(option, "not_own_number")
        return number


def read_user_line(text: str, country: str) -> str:
    """The number or the internal extension that a client means. Raises InvalidUserLine."""
    try:
        return normalise_extension(text)
    except InvalidNumber:
        try:
            return normalise(text, country).e164
        except InvalidNumber as exc:
            raise InvalidUserLine(exc.code) from exc


def read_destination(text: str, country: str) -> Number:
    """The number that a client means. Raises InvalidDestination, of an emergency number EmergencyNumber."""
    try:
        return normalise(text, country)
    except InvalidNumber as exc:
        if exc.code == EmergencyNumber.code:
            raise EmergencyNumber(exc.dialed) from exc
        raise InvalidDestination(exc.code) from exc


def _with_tariff(call: Call, line: Line, limits: AccountLimits, rates: Mapping[str, int]) -> Call:
    """Where the account's money is limited, the tariff must be known."""
    if not (rates or limits.limits_money):
        return call
    user = call.user
    if line.kind is not LineKind.TRUNK:
        # A phone of our own costs nothing to ring, also where the trunk that is none takes its place.
        user = user._replace(routes=tuple(route._replace(trunk=None) for route in user.routes))
    priced = call._replace(tariff=tariff_of(user, call.destination, rates))
    if limits.limits_money and priced.tariff is None:
        raise _refused("no_rate", call)
    return priced


def _refused(code: str, call: Call) -> DestinationRefused:
    return DestinationRefused(code, user_number=call.user.number, destination_number=call.destination.number)


def _call_limits(limits: AccountLimits, request: CallRequest) -> CallLimits:
    return CallLimits(
        user_ring_seconds=_within(limits.user_ring_s, "user_ring_seconds", request.user_ring_seconds),
        confirm_seconds=limits.confirm_s,
        destination_ring_seconds=_within(
            limits.destination_ring_s, "destination_ring_seconds", request.destination_ring_seconds
        ),
        call_seconds=_within(min(limits.call_s, HARD_CALL_SECONDS), "call_seconds", request.call_seconds),
    )


def _within(most_seconds: float, option: str, wanted_seconds: float | None) -> float:
    """The seconds that were asked for, if the account may have them; by default all that it may."""
    if wanted_seconds is None:
        return most_seconds
    if wanted_seconds > most_seconds:
        raise InvalidOption(option, "above_limit")
    return wanted_seconds
