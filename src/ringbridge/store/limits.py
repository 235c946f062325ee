"""An account's limits, changed in one transaction with what they are measured against."""

from collections.abc import Callable

from sqlalchemy import Engine, insert, select, update

from ringbridge.call.actor import SERVER, acting_as
from ringbridge.call.audit import Action
from ringbridge.call.directory import AccountLimits
from ringbridge.store.administration import Administration
from ringbridge.store.audit import note
from ringbridge.store.database import reading
from ringbridge.store.part import Part
from ringbridge.store.revision import changing, require_account
from ringbridge.store.row import limits_of, limits_row
from ringbridge.store.tables import account_limits


class SqlLimits:
    """The port `LimitStore` over `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def suspend(self, account_id: str) -> None:
        """Let an account place no more calls; by the server's own rules. Raises NotFound and StoreUnavailable."""
        with acting_as(SERVER):
            Administration(self._engine).suspend(account_id)

    def find(self, account_id: str) -> AccountLimits:
        """The account's limits as they are stored. Raises StoreUnavailable."""
        statement = select(account_limits).where(account_limits.c.account_id == account_id)
        with reading(self._engine) as connection:
            row = connection.execute(statement).mappings().one_or_none()
            return AccountLimits() if row is None else limits_of(row)

    def set_suspended(self, account_id: str, *, suspended: bool, ends_calls: bool) -> None:
        """Let an account place no more calls, or let it again. Raises NotFound and StoreUnavailable."""
        Administration(self._engine).suspend(account_id, suspended=suspended, ends_calls=ends_calls)

    def change(self, account_id: str, change: Callable[[AccountLimits], AccountLimits]) -> AccountLimits:
        """Keep what `change` makes of the account's limits; what it raises leaves them as they are.

        Raises NotFound and StoreUnavailable.
        """
        of_account = account_limits.c.account_id == account_id
        with changing(self._engine, Part.LIMITS) as connection:
            require_account(connection, account_id)
            row = connection.execute(select(account_limits).where(of_account)).mappings().one_or_none()
            before = AccountLimits() if row is None else limits_of(row)
            limits = change(before)
            values = limits_row(account_id, limits)
            if row is None:
                connection.execute(insert(account_limits), values)
            else:
                connection.execute(update(account_limits).where(of_account).values(values))
            note(
                connection,
                Action.LIMITS_CHANGED,
                account_id=account_id,
                before=limits_row(account_id, before),
                after=values,
            )
        return limits
