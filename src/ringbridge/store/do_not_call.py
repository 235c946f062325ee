"""The numbers that an account must not call, whoever asks: the port `BarredNumbers`."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Engine, delete, func, insert, select

from ringbridge.call.audit import Action, masked
from ringbridge.call.do_not_call import BarredNumber
from ringbridge.store.audit import note
from ringbridge.store.database import reading
from ringbridge.store.part import Part
from ringbridge.store.revision import changing, require_account
from ringbridge.store.tables import do_not_call

# Rows that are read at a time.
_PAGE = 10_000

# Numbers that are asked for at a time: a statement has room for so many and more on both databases.
_ASKED = 500


class DoNotCallList:
    """One account's list over `engine`. All methods raise StoreUnavailable, and NotFound for an unknown account."""

    def __init__(self, engine: Engine, account_id: str) -> None:
        self._engine = engine
        self._account_id = account_id
        self._of_account = do_not_call.c.account_id == account_id

    def add(self, numbers: Mapping[str, str | None], *, at: float) -> int:
        """Add E.164 numbers with their reasons at `at`, UTC seconds since 1970; returns how many were not in the list yet."""
        with changing(self._engine, Part.DO_NOT_CALL) as connection:
            require_account(connection, self._account_id)
            wanted = list(numbers)
            known: set[str] = set()
            for first in range(0, len(wanted), _ASKED):
                is_asked = do_not_call.c.number.in_(wanted[first : first + _ASKED])
                known.update(
                    connection.scalars(select(do_not_call.c.number).where(self._of_account, is_asked))
                )
            new_numbers = [number for number in wanted if number not in known]
            if new_numbers:
                connection.execute(
                    insert(do_not_call),
                    [
                        {
                            "account_id": self._account_id,
                            "number": number,
                            "added_at": at,
                            "reason": numbers[number],
                        }
                        for number in new_numbers
                    ],
                )
                after = {"numbers": len(new_numbers)}
                note(connection, Action.DO_NOT_CALL_ADDED, account_id=self._account_id, after=after)
            return len(new_numbers)

    def remove(self, number: str) -> bool:
        """Take a number off the list; False when it was not there."""
        with changing(self._engine, Part.DO_NOT_CALL) as connection:
            require_account(connection, self._account_id)
            removed = connection.execute(
                delete(do_not_call).where(self._of_account, do_not_call.c.number == number)
            )
            if removed.rowcount == 0:
                return False
            note(
                connection,
                Action.DO_NOT_CALL_REMOVED,
                account_id=self._account_id,
                target_id=masked(number),
            )
            return True

    def count(self) -> int:
        """How many numbers are on the list."""
        with reading(self._engine) as connection:
            require_account(connection, self._account_id)
            count: int = connection.execute(
                select(func.count()).select_from(do_not_call).where(self._of_account)
            ).scalar_one()
            return count

    def page(self, beginning: str, after: str, limit: int) -> list[BarredNumber]:
        """Numbers that begin so and stand behind `after`, in order, `limit` at most."""
        statement = (
            select(do_not_call.c.number, do_not_call.c.added_at, do_not_call.c.reason)
            .where(self._of_account, do_not_call.c.number > after)
            .order_by(do_not_call.c.number)
            .limit(limit)
        )
        if beginning:
            # No number is longer than fifteen digits (E.164), so this is a stretch of the index in every collation.
            statement = statement.where(do_not_call.c.number.between(beginning, beginning.ljust(16, "9")))
        with reading(self._engine) as connection:
            require_account(connection, self._account_id)
            return [BarredNumber(*row) for row in connection.execute(statement)]

    def entries(self) -> Iterator[BarredNumber]:
        """Every number in order."""
        last = ""
        while rows := self.page("", last, _PAGE):
            yield from rows
            last = rows[-1].number
