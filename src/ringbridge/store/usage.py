"""What accounts did before now, read from what was stored: for the limits that look back, and for whoever asks."""

import asyncio
from collections import Counter

from sqlalchemy import Engine, func, or_, select

from ringbridge.call.cause import Outcome
from ringbridge.call.record import ERASED
from ringbridge.call.usage import PastCall
from ringbridge.store.database import reading
from ringbridge.store.outcomes import OutcomeCounts
from ringbridge.store.schedule_tables import IS_DIALLED
from ringbridge.store.simulated import test_row
from ringbridge.store.tables import calls, charges, records
from ringbridge.store.third_tables import thirds

# From a call's acceptance to its destination's answer.
_LONGEST_BEFORE_ANSWER_SECONDS = 1800.0


class SqlUsage:
    """The port `Usage` over `engine`. All methods raise StoreUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._outcomes = OutcomeCounts(engine)

    async def calls_since(self, utc: float) -> list[PastCall]:
        """The calls accepted since `utc`, UTC seconds since 1970, the oldest first; without those that were blocked."""
        return await asyncio.to_thread(self._calls_since, utc)

    async def short_calls_since(self, utc: float, seconds: float) -> list[PastCall]:
        """The calls that ended since `utc`, less than `seconds` after the answer of a destination that was not erased since, the oldest first."""
        return await asyncio.to_thread(self._short_calls_since, utc, seconds)

    async def spent_within(self, start: float, end: float) -> dict[str, int]:
        """What calls accepted, and thirds asked for, from `start` and before `end` cost or may cost, in millionths, by account."""
        return await asyncio.to_thread(self._spent_within, start, end)

    async def outcomes_since(self, account_id: str, is_test: bool, utc: float) -> dict[str | None, int]:
        """How many of the account's live or test calls accepted since `utc` had which outcome; None for those that are not over."""
        return await asyncio.to_thread(self._outcomes.since, account_id, is_test, utc)

    def _calls_since(self, utc: float) -> list[PastCall]:
        statement = (
            select(
                calls.c.account_id,
                calls.c.user_number,
                calls.c.destination_number,
                calls.c.accepted_at,
                test_row(calls),
            )
            .where(
                calls.c.id >= _first_id(utc),
                calls.c.accepted_at >= utc,
                or_(calls.c.outcome.is_(None), calls.c.outcome != Outcome.BLOCKED.value),
                IS_DIALLED,
            )
            .order_by(calls.c.accepted_at)
        )
        with reading(self._engine) as connection:
            return [PastCall(*row) for row in connection.execute(statement)]

    def _short_calls_since(self, utc: float, seconds: float) -> list[PastCall]:
        statement = (
            select(
                records.c.account_id,
                records.c.user_number,
                records.c.destination_number,
                records.c.ended_at,
                test_row(records),
            )
            .where(
                records.c.call_id >= _first_id(utc - _LONGEST_BEFORE_ANSWER_SECONDS),
                records.c.ended_at >= utc,
                records.c.destination_answered_at.is_not(None),
                records.c.talk_seconds < seconds,
                records.c.destination_number != ERASED,
            )
            .order_by(records.c.ended_at)
        )
        with reading(self._engine) as connection:
            return [PastCall(*row) for row in connection.execute(statement)]

    def _spent_within(self, start: float, end: float) -> dict[str, int]:
        spent: Counter[str] = Counter()
        with reading(self._engine) as connection:
            for table, since in ((charges, charges.c.accepted_at), (thirds, thirds.c.asked_at)):
                total = func.sum(func.coalesce(table.c.settled_micros, table.c.reserved_micros, 0))
                statement = (
                    select(table.c.account_id, total)
                    .where(since >= start, since < end)
                    .group_by(table.c.account_id)
                )
                for account_id, micros in connection.execute(statement):
                    spent[account_id] += int(micros)
        return dict(spent)


def _first_id(utc: float) -> str:
    """No call that was accepted since then has a lower id: ids begin with the time, and so are an index of it."""
    return f"{int(utc * 1000):012x}"[:8]
