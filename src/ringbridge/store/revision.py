"""Changing what servers keep in memory of the directory, so that they notice."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, select, update

from ringbridge.call.errors import NotFound
from ringbridge.store.database import writing
from ringbridge.store.part import Part
from ringbridge.store.tables import accounts, directory_revision


@contextmanager
def changing(engine: Engine, part: Part) -> Iterator[Connection]:
    """A transaction that changes a part of the directory: whoever watches it sees its revision grow. Raises StoreUnavailable."""
    with writing(engine) as connection:
        # First of all: its row lock lets PostgreSQL's administrators, too, go one behind the other, so that
        # what has been checked stays true until it is written. One row for all parts, so it is one lock.
        grown = {name: directory_revision.c[name] + 1 for name in ("revision", part.value)}
        connection.execute(update(directory_revision).values(grown))
        yield connection


def require_account(connection: Connection, account_id: str) -> None:
    """Raises NotFound when there is no such account."""
    if connection.scalar(select(accounts.c.id).where(accounts.c.id == account_id)) is None:
        raise NotFound(f"There is no account {account_id}.")
