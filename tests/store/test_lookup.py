"""Rows that are looked up over the driver look as SQLAlchemy would give them, and faults leave as StoreUnavailable."""

import pytest
from sqlalchemy import Engine, select, text

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import StoreUnavailable
from ringbridge.store.administration import Administration
from ringbridge.store.database import open_database, reading, writing
from ringbridge.store.lookup import RowLookUp
from ringbridge.store.tables import account_limits, accounts

ACCOUNT = "1009683"


@pytest.fixture(autouse=True)
def account(administration: Administration) -> None:
    """An account that is suspended, and its limits."""
    administration.add_account("Acme", account_id=ACCOUNT)
    administration.suspend(ACCOUNT)
    administration.set_limits(ACCOUNT, AccountLimits(countries=("US", "CA")))


def test_a_row_is_what_sqlalchemy_makes_of_it_with_its_truth_values_and_lists(engine: Engine) -> None:
    for table, key in ((accounts, "id"), (account_limits, "account_id")):
        with reading(engine) as connection:
            expected = dict(connection.execute(select(table)).mappings().one())
        found = RowLookUp(engine, table, key).find(ACCOUNT)
        assert found == expected
        assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]


def test_every_column_of_the_key_decides(engine: Engine) -> None:
    row = RowLookUp(engine, accounts, "id", "name")
    assert row.find(ACCOUNT, "Acme") is not None
    assert row.find(ACCOUNT, "Other") is None
    assert row.find("2", "Acme") is None


def test_a_table_that_cannot_be_read_is_unavailable_until_it_can(engine: Engine) -> None:
    row = RowLookUp(engine, accounts, "id")
    with writing(engine) as connection:
        connection.execute(text("ALTER TABLE accounts RENAME TO lost"))
    with pytest.raises(StoreUnavailable, match="accounts"):
        row.find(ACCOUNT)
    with writing(engine) as connection:
        connection.execute(text("ALTER TABLE lost RENAME TO accounts"))
    assert row.find(ACCOUNT) is not None


def end_session(engine: Engine, session: int) -> None:
    """What PostgreSQL does to every session as it restarts."""
    other = open_database(engine.url.render_as_string(hide_password=False))
    with reading(other) as connection:
        connection.execute(text(f"SELECT pg_terminate_backend({session})"))
    other.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_a_session_that_the_server_ended_is_replaced(engine: Engine) -> None:
    row = RowLookUp(engine, accounts, "id")
    with reading(engine) as connection:
        session = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    end_session(engine, session)
    with pytest.raises(StoreUnavailable):
        row.find(ACCOUNT)
    assert row.find(ACCOUNT) is not None
