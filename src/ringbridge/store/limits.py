"""An account's limits, changed in one transaction with what they are measured against."""

from collections.abc import Callable

from sqlalchemy import Engine, select

from ringbridge.call.actor import SERVER, acting_as
from ringbridge.call.directory import AccountLimits
from ringbridge.store.administration import Administration
from ringbridge.store.database import reading
from ringbridge.store.row import limits_of
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
        return Administration(self._engine).change_limits(account_id, change)
