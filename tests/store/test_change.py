"""What becomes of changes in the tables, whatever the order and however often they are executed."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select

from ringbridge.store.change import (
    Change,
    ChangedCall,
    ChangeStatements,
    ErasedCall,
    NewCall,
    ring_seconds,
)
from ringbridge.store.database import reading
from ringbridge.store.session import WriteSession
from ringbridge.store.tables import call_events, calls, records
from tests.store.samples import a_call, completed, event, ringing

CALL = a_call("call-1")
NEW = NewCall(CALL, event(CALL, 1, "accepted"))
RINGING = ChangedCall(ringing(CALL), event(CALL, 2, "user_ringing", 1.0))
ENDED = ChangedCall(completed(CALL), event(CALL, 3, "ended", 20.0))


class Transactions:
    """Executes changes, each call of it in a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.session = WriteSession(engine)
        self.statements = ChangeStatements(engine.dialect)

    def execute(self, *changes: Change) -> None:
        """One transaction."""
        self.session.transact(lambda cursor: self.statements.apply(cursor, changes))

    def tables(self) -> tuple[list[str], list[int], list[str]]:
        """States of calls, sequences of events, outcomes of records."""
        with reading(self.engine) as connection:
            return (
                list(connection.scalars(select(calls.c.state))),
                list(connection.scalars(select(call_events.c.sequence).order_by(call_events.c.sequence))),
                list(connection.scalars(select(records.c.outcome))),
            )


@pytest.fixture
def transactions(engine: Engine) -> Iterator[Transactions]:
    """Transactions on empty tables."""
    transactions = Transactions(engine)
    yield transactions
    transactions.session.close()


def test_a_whole_call_may_be_in_one_transaction(transactions: Transactions) -> None:
    transactions.execute(NEW, RINGING, ENDED)
    assert transactions.tables() == (["ended"], [1, 2, 3], ["completed"])


def test_changes_that_are_executed_again_change_nothing(transactions: Transactions) -> None:
    transactions.execute(NEW)
    for _ in range(2):
        transactions.execute(RINGING, ENDED)
    assert transactions.tables() == (["ended"], [1, 2, 3], ["completed"])


def test_an_erased_call_leaves_nothing(transactions: Transactions) -> None:
    transactions.execute(NEW)
    transactions.execute(ErasedCall("call-1"))
    transactions.execute(ErasedCall("call-1"))
    assert transactions.tables() == ([], [], [])


def test_a_call_that_is_accepted_and_erased_in_one_transaction_leaves_nothing(
    transactions: Transactions,
) -> None:
    transactions.execute(NEW, ErasedCall("call-1"))
    assert transactions.tables() == ([], [], [])


@pytest.mark.parametrize(
    ("ringing_at", "ends", "seconds"),
    [
        (None, (5.0,), 0.0),
        (1.0, (None, None), 0.0),
        (1.0, (3.0, 9.0), 2.0),
        (1.0, (None, 9.0), 8.0),
        (5.0, (4.0,), 0.0),
    ],
)
def test_a_phone_rings_until_the_first_end_that_is_known(
    ringing_at: float | None, ends: tuple[float | None, ...], seconds: float
) -> None:
    assert ring_seconds(ringing_at, *ends) == seconds
