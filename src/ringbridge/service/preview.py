"""What would become of a call if it were placed now. Nothing is dialled, stored or counted."""

from collections.abc import Sequence
from typing import NamedTuple

from ringbridge.call.directory import AccountLimits, Line, Phone
from ringbridge.call.errors import CannotPlaceCalls, RequestRefused
from ringbridge.call.model import Call
from ringbridge.call.number import Number
from ringbridge.call.ports import Engine
from ringbridge.service.admission import Admission
from ringbridge.service.authentication import Caller
from ringbridge.service.planner import Planner, read_destination
from ringbridge.service.request import CallRequest


class Decision(NamedTuple):
    """One check, and why it would refuse the call: a stable code, or None where it lets it pass."""

    check: str
    code: str | None


class Preview(NamedTuple):
    """As much as could be found out. `phones` are those that would ring at the user's line by registration."""

    line: Line | None
    destination: Number | None
    call: Call | None
    phones: Sequence[Phone]
    decisions: Sequence[Decision]

    @property
    def would_be_placed(self) -> bool:
        """Whether every check lets the call pass."""
        return all(decision.code is None for decision in self.decisions)


class Previewer:
    """Looks at requests as placing them would, and goes on where that would stop."""

    def __init__(self, planner: Planner, admission: Admission, engine: Engine) -> None:
        self._planner = planner
        self._admission = admission
        self._engine = engine

    async def preview(self, caller: Caller, request: CallRequest, at: float | None = None) -> Preview:
        """What would become of the request: now, or `at` a time in UTC seconds since 1970. Raises StoreUnavailable.

        How busy account and server will be then nobody knows.
        """
        decisions: list[Decision] = []
        line, destination, call = None, None, None
        try:
            line = await self._planner.user_line(caller, request.user_line)
            decisions.append(Decision("user_line", None))
        except RequestRefused as refusal:
            decisions.append(Decision("user_line", refusal.code))
        try:
            destination = read_destination(request.destination_line, caller.account.country)
            decisions.append(Decision("destination_line", None))
        except RequestRefused as refusal:
            decisions.append(Decision("destination_line", refusal.code))
        if line is not None and destination is not None:
            limits = await self._planner.limits(caller)
            judged = await self._planner.judge(caller, line, destination, limits, at)
            decisions += [Decision(check, code) for check, code in judged]
            call = await self._build(caller, request, line, destination, limits, decisions, at)
        if at is None:
            decisions.append(Decision("server", None if self._engine.healthy() else "engine_down"))
        phones = () if line is None else self._engine.phones(line.id)
        return Preview(line, destination, call, phones, decisions)

    async def _build(
        self,
        caller: Caller,
        request: CallRequest,
        line: Line,
        destination: Number,
        limits: AccountLimits,
        decisions: list[Decision],
        at: float | None,
    ) -> Call | None:
        """The call, as far as its options and the trunks allow one, and what price and limits say to it."""
        try:
            call = await self._planner.build(
                caller, request, line, destination, limits, is_test=caller.key.is_test
            )
        except (RequestRefused, CannotPlaceCalls) as refusal:
            decisions.append(Decision("options_and_routes", refusal.code))
            return None
        decisions.append(Decision("options_and_routes", None))
        try:
            call = await self._planner.priced(call, line, limits)
            decisions.append(Decision("price", None))
        except RequestRefused as refusal:
            decisions.append(Decision("price", refusal.code))
        if at is not None:
            return call
        try:
            self._admission.check(call, limits)
            decisions.append(Decision("limits", None))
        except RequestRefused as refusal:
            decisions.append(Decision("limits", refusal.code))
        return call
