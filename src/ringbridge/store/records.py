"""Records in SQL: the port `RecordStore`, and for how long each account keeps what is stored of its calls.

Whatever touches many rows does it some hundred at a time, so that no new call waits long for its turn to be written.
"""

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    case,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy import tuple_ as row_value

from ringbridge.call.audit import Action, masked
from ringbridge.call.errors import NotFound
from ringbridge.call.model import State
from ringbridge.call.record import (
    ERASED,
    Erasure,
    FoundRecords,
    Record,
    RecordFilter,
    RecordPlace,
)
from ringbridge.store.audit import note
from ringbridge.store.database import reading, storable, writing
from ringbridge.store.record_search import conditions_of, search_records
from ringbridge.store.simulated import test_row
from ringbridge.store.statistics import forget_line
from ringbridge.store.tables import accounts, calls, charges, record_retentions, records
from ringbridge.store.third_tables import thirds
from ringbridge.store.thirds import read_thirds

_BATCH = 500
_DAY_SECONDS = 86_400.0


_WITH_COST = select(records, charges.c.settled_micros.label("legs_micros")).outerjoin(
    charges, charges.c.call_id == records.c.call_id
)


class SqlRecords:
    """RecordStore over `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(
        self, account_id: str, wanted: RecordFilter, after: RecordPlace | None, limit: int
    ) -> list[Record]:
        """The account's records behind the place `after`, the newest first, `limit` at most."""
        place = row_value(records.c.ended_at, records.c.call_id)
        statement = (
            _WITH_COST.where(records.c.account_id == account_id, *conditions_of(wanted))
            .order_by(records.c.ended_at.desc(), records.c.call_id.desc())
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(place < row_value(after.ended_at, after.call_id))
        with reading(self._engine) as connection:
            found = connection.execute(statement).mappings().all()
            thirds_of = read_thirds(connection, [row["call_id"] for row in found])
        return [Record(**row, thirds=thirds_of.get(row["call_id"], ())) for row in found]

    def search(
        self, account_id: str, wanted: RecordFilter, after: RecordPlace | None, limit: int
    ) -> FoundRecords:
        """See `call.record.RecordStore`."""
        return search_records(self._engine, account_id, wanted, after, limit)

    def find(self, account_id: str, call_id: str) -> Record | None:
        """The record of the account's call."""
        if not storable(call_id):
            return None
        statement = _WITH_COST.where(records.c.account_id == account_id, records.c.call_id == call_id)
        with reading(self._engine) as connection:
            row = connection.execute(statement).mappings().one_or_none()
            if row is None:
                return None
            return Record(**row, thirds=read_thirds(connection, [call_id]).get(call_id, ()))

    def erase(self, account_id: str, number: str, *, of_tests: bool = False) -> Erasure:
        """Forget a number in all that is stored of the account's calls that are over, or of its test calls that are."""
        of_calls = self._call_ids(account_id, number, of_tests, calls.c.state == State.ENDED.value)
        # A record may be all that is left of a call.
        with reading(self._engine) as connection:
            of_records = connection.scalars(
                select(records.c.call_id).where(
                    records.c.account_id == account_id,
                    *_only_of(records, of_tests),
                    or_(_has(records, number), records.c.call_id.in_(_with_third(account_id, number))),
                )
            ).all()
        found = sorted({*of_calls, *of_records})
        # At least once: that it was asked for counts as well.
        for start in range(0, len(found) or 1, _BATCH):
            batch = found[start : start + _BATCH]
            with writing(self._engine) as connection:
                connection.execute(
                    update(thirds)
                    .where(thirds.c.call_id.in_(batch), thirds.c.number == number)
                    .values(number=ERASED)
                )
                _forget(connection, calls, calls.c.id.in_(batch), number)
                _forget(connection, records, records.c.call_id.in_(batch), number)
                forget_line(connection, account_id, number)
                note(
                    connection,
                    Action.RECORDS_ERASED,
                    account_id=account_id,
                    target_id=masked(number),
                    after={"calls": len(batch)},
                )
        running = self._call_ids(account_id, number, of_tests, calls.c.state != State.ENDED.value)
        return Erasure(calls=len(found), running=len(running))

    def set_retention(self, account_id: str, days: int | None) -> None:
        """Keep the account's calls for so many days after their end; None keeps them for good. Raises NotFound."""
        with writing(self._engine) as connection:
            _require_account(connection, account_id)
            of_account = record_retentions.c.account_id == account_id
            before = connection.scalar(select(record_retentions.c.days).where(of_account))
            connection.execute(delete(record_retentions).where(of_account))
            if days is not None:
                connection.execute(insert(record_retentions), {"account_id": account_id, "days": days})
            note(
                connection,
                Action.RECORDS_RETAINED,
                account_id=account_id,
                before={"days": before},
                after={"days": days},
            )

    def retention(self, account_id: str) -> int | None:
        """For how many days the account's calls are kept; None for good. Raises NotFound."""
        statement = select(record_retentions.c.days).where(record_retentions.c.account_id == account_id)
        with reading(self._engine) as connection:
            _require_account(connection, account_id)
            days: int | None = connection.scalar(statement)
            return days

    def sweep(self, now_utc: float, limit: int) -> int:
        """Delete up to `limit` calls, with history and record, that their accounts do not want to keep any more."""
        with reading(self._engine) as connection:
            old = self._old(connection, now_utc, limit)
        if old:
            with writing(self._engine) as connection:
                connection.execute(delete(thirds).where(thirds.c.call_id.in_(old)))
                connection.execute(delete(records).where(records.c.call_id.in_(old)))
                connection.execute(delete(calls).where(calls.c.id.in_(old)))
        return len(old)

    def _old(self, connection: Connection, now_utc: float, limit: int) -> list[str]:
        """The ids of up to `limit` calls that their accounts do not want to keep any more."""
        old: set[str] = set()
        for account_id, days in connection.execute(select(record_retentions)).all():
            ended_before = now_utc - days * _DAY_SECONDS
            old_calls = select(calls.c.id).where(
                calls.c.account_id == account_id,
                calls.c.state == State.ENDED.value,
                # Which the index knows; no call ends before it is accepted.
                calls.c.accepted_at < ended_before,
                calls.c.ended_at < ended_before,
            )
            # A record may be all that is left of a call.
            old_records = select(records.c.call_id).where(
                records.c.account_id == account_id, records.c.ended_at < ended_before
            )
            # Not united in the database: it would look for all of them first.
            for statement in (old_calls, old_records):
                old.update(connection.scalars(statement.limit(limit)))
        return sorted(old)[:limit]

    def _call_ids(
        self, account_id: str, number: str, of_tests: bool, condition: ColumnElement[bool]
    ) -> list[str]:
        is_in_it = or_(_has(calls, number), calls.c.id.in_(_with_third(account_id, number)))
        of_account = (calls.c.account_id == account_id, *_only_of(calls, of_tests))
        statement = select(calls.c.id).where(*of_account, is_in_it, condition)
        with reading(self._engine) as connection:
            return list(connection.scalars(statement))


def _only_of(table: Table, of_tests: bool) -> list[ColumnElement[bool]]:
    return [test_row(table)] if of_tests else []


def _has(table: Table, number: str) -> ColumnElement[bool]:
    """Whether either side of the call is `number`, or was shown it."""
    return or_(
        table.c.user_number == number,
        table.c.destination_number == number,
        table.c.user_caller_number == number,
        table.c.destination_caller_number == number,
    )


def _with_third(account_id: str, number: str) -> Select[tuple[str]]:
    """The ids of the account's calls that were to be transferred to `number`."""
    return select(thirds.c.call_id).where(thirds.c.account_id == account_id, thirds.c.number == number)


def _forget(connection: Connection, table: Table, rows: ColumnElement[bool], number: str) -> None:
    """Put ERASED in the place of `number` in those rows, and of where it was reached.

    A trunk may have been given the number in another form, so what the far end was shown of it goes, whatever it is.
    """
    values = {}
    for side, other_side in (("user", "destination"), ("destination", "user")):
        is_number = table.c[f"{side}_number"] == number
        was_shown = table.c[f"{other_side}_caller_number"] == number
        for column, condition in (
            (f"{side}_number", is_number),
            (f"{side}_target", is_number),
            (f"{other_side}_caller_number", or_(is_number, was_shown)),
        ):
            values[column] = case((condition, ERASED), else_=table.c[column])
    connection.execute(update(table).where(rows).values(values))


def _require_account(connection: Connection, account_id: str) -> None:
    if connection.scalar(select(accounts.c.id).where(accounts.c.id == account_id)) is None:
        raise NotFound(f"There is no account {account_id}.")
