"""How calls of an account went, counted on from where they were counted last: whoever asks again reads only what is new."""

from collections import Counter
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, func, select

from ringbridge.call.model import State
from ringbridge.store.database import reading
from ringbridge.store.schedule_tables import IS_DIALLED
from ringbridge.store.simulated import test_row
from ringbridge.store.tables import calls, records

# Records are written a moment after the ends of their calls, and not always in their order.
_SETTLING_SECONDS = 60.0


class _Ledger(NamedTuple):
    account_id: str
    is_test: bool


class _Counted(NamedTuple):
    """The outcomes of a ledger's calls that were accepted since `since` and ended before `until`."""

    since: float
    until: float
    outcomes: Counter[str]


class OutcomeCounts:
    """Counts over `engine`; in any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Of two threads that count at once each replaces the whole: what one forgets, the next count finds again.
        self._counted: dict[_Ledger, _Counted] = {}

    def since(self, account_id: str, is_test: bool, utc: float) -> dict[str | None, int]:
        """How many of the account's live or test calls accepted since `utc` had which outcome; None for those that are not over.

        Where the clock on the wall was set back, some are missing until another `utc` is asked for. Raises StoreUnavailable.
        """
        ledger = _Ledger(account_id, is_test)
        counted = self._counted.get(ledger)
        if counted is None or counted.since != utc:
            counted = _Counted(utc, utc, Counter())
        with reading(self._engine) as connection:
            newest = connection.scalar(
                select(func.max(records.c.ended_at)).where(records.c.account_id == account_id)
            )
            until = max(counted.until, (newest or 0.0) - _SETTLING_SECONDS)
            is_settled = records.c.ended_at < until
            settled = _ended(connection, ledger, utc, records.c.ended_at >= counted.until, is_settled)
            latest = _ended(connection, ledger, utc, records.c.ended_at >= until)
            running = _running(connection, ledger, utc)
        counted = _Counted(utc, until, counted.outcomes + settled)
        self._counted[ledger] = counted
        found: dict[str | None, int] = {None: running} if running else {}
        return found | dict(counted.outcomes + latest)


def _ended(
    connection: Connection, ledger: _Ledger, since: float, *conditions: ColumnElement[bool]
) -> Counter[str]:
    statement = (
        select(records.c.outcome, func.count().label("calls"))
        .where(
            records.c.account_id == ledger.account_id,
            records.c.accepted_at >= since,
            test_row(records) == ledger.is_test,
            *conditions,
        )
        .group_by(records.c.outcome)
    )
    return Counter({row.outcome: row.calls for row in connection.execute(statement)})


def _running(connection: Connection, ledger: _Ledger, since: float) -> int:
    # First those of all accounts, which have an index of their own: by that of the account its whole day would be read.
    running = (
        select(calls.c.account_id, calls.c.accepted_at, test_row(calls).label("is_test"))
        .where(calls.c.state != State.ENDED.value, IS_DIALLED)
        .cte()
        .prefix_with("MATERIALIZED")
    )
    statement = (
        select(func.count())
        .select_from(running)
        .where(
            running.c.account_id == ledger.account_id,
            running.c.accepted_at >= since,
            running.c.is_test == ledger.is_test,
        )
    )
    count: int = connection.execute(statement).scalar_one()
    return count
