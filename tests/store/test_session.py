"""The writer's connection: what is done is durable, what fails is undone and holds nothing up."""

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.engine.interfaces import DBAPICursor

from ringbridge.store.database import reading, writing
from ringbridge.store.session import WriteSession
from ringbridge.store.tables import directory_revision


def revision(engine: Engine) -> int:
    """The number that the tests count up."""
    with reading(engine) as connection:
        found: int = connection.execute(select(directory_revision.c.revision)).scalar_one()
        return found


def test_what_was_done_is_seen_by_others(engine: Engine) -> None:
    session = WriteSession(engine)
    for _ in range(2):
        session.transact(
            lambda cursor: cursor.execute("UPDATE directory_revision SET revision = revision + 1")
        )
    assert revision(engine) == 2
    session.close()


def test_what_fails_is_undone_and_its_lock_is_free_while_the_error_is_still_known(engine: Engine) -> None:
    session = WriteSession(engine)

    def break_a_rule(cursor: DBAPICursor) -> None:
        cursor.execute("UPDATE directory_revision SET revision = 41")
        cursor.execute("INSERT INTO directory_revision (id, revision) VALUES (1, 0)")

    with pytest.raises(engine.dialect.loaded_dbapi.IntegrityError) as caught:
        session.transact(break_a_rule)
    with writing(engine) as connection:
        connection.execute(text("UPDATE directory_revision SET revision = 7"))
    assert revision(engine) == 7
    assert not session.is_outage(caught.value)
    session.close()


def test_the_fault_of_a_row_is_told_from_an_outage(engine: Engine) -> None:
    session = WriteSession(engine)
    driver = engine.dialect.loaded_dbapi
    faults = [driver.IntegrityError(), driver.DataError(), ValueError(), TypeError(), OverflowError()]
    outages = [driver.OperationalError(), driver.InternalError(), driver.ProgrammingError()]
    assert [session.is_outage(error) for error in (*faults, *outages)] == [False] * 5 + [True] * 3


def test_a_session_that_was_never_used_is_closed_without_more(engine: Engine) -> None:
    WriteSession(engine).close()
