"""What an account may do and has done: shown, made tighter, and remembered over a restart."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import structlog

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import CallError, InvalidOption, InvalidSetting
from ringbridge.call.limits import is_looser, parse_limit
from ringbridge.call.ports import Directory, LimitStore, Usage
from ringbridge.service.admission import DESTINATION_SECONDS, Admission, RecentCall
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.ledger import Ledger
from ringbridge.service.spending import Period
from ringbridge.service.suspicion import HOUR_SECONDS, SHORT_SECONDS

log = structlog.get_logger()


class OnlyTighter(CallError):
    """A key may take from what its account may do, and add nothing: a stolen one would add."""

    code = "only_tighter"


class PeriodSpending(NamedTuple):
    """What is spent, and reserved for calls that are up, in a running period, in millionths; `most` None for no limit.

    `ends_at` is UTC seconds.
    """

    spent: int
    reserved: int
    most: int | None
    ends_at: float


class AccountUsage(NamedTuple):
    """What an account does now and did today (UTC), without test calls, or in those alone.

    calls_last_minute: 0 where no limit asks for it. `outcomes`: how many of today's calls that are over had which.
    """

    calls_now: int
    calls_last_minute: int
    calls_today: int
    outcomes: Mapping[str, int]
    spending: Mapping[Period, PeriodSpending]


class LimitService:
    """The use cases around limits."""

    def __init__(
        self,
        *,
        directory: Directory,
        limits: LimitStore,
        usage: Usage,
        admission: Admission,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._limits = limits
        self._usage = usage
        self._admission = admission
        self._clock = clock
        self._suspending: set[asyncio.Task[None]] = set()
        admission.short_calls.on_suspicion = self._suspend

    async def restore(self) -> None:
        """Count what an earlier process accepted. Once, when its calls have their end and none is placed yet.

        Raises StoreUnavailable.
        """
        now, utc_now = self._clock.now(), self._clock.utc_now()
        past = await self._usage.calls_since(utc_now - DESTINATION_SECONDS)
        # The clock on the wall may have been set back since: no call was accepted later than now.
        self._admission.restore(
            RecentCall(
                Ledger(call.account_id, call.is_test),
                call.user_number,
                call.destination_number,
                min(now, now - utc_now + call.at),
            )
            for call in past
        )
        for call in await self._usage.short_calls_since(utc_now - HOUR_SECONDS, SHORT_SECONDS):
            self._admission.short_calls.restore(
                Ledger(call.account_id, call.is_test),
                call.destination_number,
                min(now, now - utc_now + call.at),
            )
        for period in Period:
            # Not what was accepted while the clock on the wall was ahead: that counts when its time has come.
            spent = await self._usage.spent_within(period.start(utc_now), period.end(utc_now))
            for account_id, micros in spent.items():
                self._admission.spending.restore(Ledger(account_id), period, micros, utc_now)

    async def limits(self, caller: Caller) -> AccountLimits:
        """What the caller's account may do, as it is stored: calls follow within a second. Raises StoreUnavailable."""
        return await asyncio.to_thread(self._limits.find, caller.account.id)

    async def tighten(self, caller: Caller, wanted: Mapping[str, str]) -> AccountLimits:
        """Change limits, named and written as `ringbridge limits set` takes them, to what is no looser.

        Raises InvalidOption, OnlyTighter and StoreUnavailable, and then nothing is changed.
        """

        def change(current: AccountLimits) -> AccountLimits:
            values = {key: _parsed(key, text) for key, text in wanted.items()}
            for key, value in values.items():
                if is_looser(key, getattr(current, key), value, caller.account.country):
                    raise OnlyTighter(f"{key}: only the administrator can allow more.")
            return replace(current, **values)  # type: ignore[arg-type]

        return await asyncio.to_thread(self._limits.change, caller.account.id, change)

    async def change(self, caller: Caller, wanted: Mapping[str, str]) -> AccountLimits:
        """The same, looser as well: for people who have just proven who they are. Raises InvalidOption and StoreUnavailable."""

        def change(current: AccountLimits) -> AccountLimits:
            return replace(current, **{key: _parsed(key, text) for key, text in wanted.items()})  # type: ignore[arg-type]

        return await asyncio.to_thread(self._limits.change, caller.account.id, change)

    async def suspend(self, caller: Caller, *, suspended: bool, ends_calls: bool = False) -> None:
        """Let the caller's account place no more calls, or let it again; `ends_calls` ends those that are up.

        Raises StoreUnavailable.
        """
        account_id = caller.account.id
        await asyncio.to_thread(
            self._limits.set_suspended, account_id, suspended=suspended, ends_calls=ends_calls
        )
        log.info(
            "account.suspended" if suspended else "account.resumed", account=account_id, by=caller.key.id
        )

    async def usage(self, caller: Caller) -> AccountUsage:
        """What the caller's account does now and did today: of test calls for a test key, else of all others.

        Raises StoreUnavailable.
        """
        utc_now = self._clock.utc_now()
        ledger = Ledger(caller.account.id, caller.key.is_test)
        limits = await self._directory.limits(ledger.account_id)
        outcomes = await self._usage.outcomes_since(*ledger, Period.DAY.start(utc_now))
        blocked = outcomes.get("blocked", 0)
        return AccountUsage(
            calls_now=self._admission.calls_now(ledger),
            calls_last_minute=self._admission.calls_last_minute(ledger, self._clock.now()),
            calls_today=sum(outcomes.values()) - blocked,
            outcomes={outcome: count for outcome, count in outcomes.items() if outcome is not None},
            spending={
                period: PeriodSpending(
                    *self._admission.spending.sum(ledger, period, utc_now),
                    most=getattr(limits, f"spend_per_{period.value}"),
                    ends_at=period.end(utc_now),
                )
                for period in Period
            },
        )

    def _suspend(self, account_id: str) -> None:
        task = asyncio.create_task(asyncio.to_thread(self._limits.suspend, account_id))
        self._suspending.add(task)
        task.add_done_callback(self._suspended)

    def _suspended(self, task: "asyncio.Task[None]") -> None:
        self._suspending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # The next call to that country would be refused again only after as many short ones.
            log.error("account.not_suspended", error=str(task.exception()))


def _parsed(key: str, text: str) -> object:
    try:
        return parse_limit(key, text)
    except InvalidSetting as error:
        raise InvalidOption(key, "invalid_value") from error
