"""The numbers that an account must not call, whoever asks. Synchronous: the command line uses it."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Engine, delete, func, insert, select

from ringbridge.call.audit import Action, masked
from ringbridge.store.audit import note
from ringbridge.store.database import reading
from ringbridge.store.part import Part
from ringbridge.store.revision import changing, require_account
from ringbridge.store.tables import do_not_call

# Rows that are read at a time.
_PAGE = 10_000


class DoNotCallList:
    """One account's list over `engine`. All methods raise StoreUnavailable, and NotFound for an unknown account."""

    def __init__(self, engine: Engine, account_id: str) -> None:
        self._engine = engine
        self._account_id = account_id
        self._of_account = do_not_call.c.account_id == account_id

    def add(self, numbers: Iterable[str], *, at: float) -> int:
        """Add E.164 numbers at `at`, UTC seconds since 1970; returns how many were not in the list yet."""
        with changing(self._engine, Part.DO_NOT_CALL) as connection:
            require_account(connection, self._account_id)
            known = set(connection.scalars(select(do_not_call.c.number).where(self._of_account)))
            new_numbers = dict.fromkeys(number for number in numbers if number not in known)
            if new_numbers:
                connection.execute(
                    insert(do_not_call),
                    [
                        {"account_id": self._account_id, "number": number, "added_at": at}
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

    def entries(self) -> Iterator[tuple[str, float]]:
        """Every number in order, and when it was added."""
        last = ""
        while True:
            statement = (
                select(do_not_call.c.number, do_not_call.c.added_at)
                .where(self._of_account, do_not_call.c.number > last)
                .order_by(do_not_call.c.number)
                .limit(_PAGE)
            )
            with reading(self._engine) as connection:
                require_account(connection, self._account_id)
                rows = connection.execute(statement).all()
            if not rows:
                return
            yield from ((row.number, row.added_at) for row in rows)
            last = rows[-1].number
