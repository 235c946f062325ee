"""Opening and migrating a database, and what is said when that fails."""

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, select, text

from ringbridge.call.errors import InvalidSetting, StoreUnavailable
from ringbridge.store.database import migrate, open_database, reading, storable, writing
from ringbridge.store.errors import SchemaTooNew
from ringbridge.store.tables import directory_revision, metadata


def test_migrations_make_the_tables_that_the_code_uses(engine: Engine) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(directory_revision.update().values(revision=41))
    migrate(engine)
    with reading(engine) as connection:
        assert connection.scalar(select(directory_revision.c.revision)) == 41


def test_tables_of_a_later_version_are_left_alone(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew) as caught:
        migrate(engine)
    assert str(caught.value) == (
        "The database was changed by a later version of ringbridge. "
        "Start that version, or restore the backup made before the upgrade."
    )


def test_a_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    engine = open_database(url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE records (call_id TEXT)"))
    with pytest.raises(StoreUnavailable, match="records"):
        migrate(engine)
    with reading(engine) as connection:
        assert engine.dialect.get_table_names(connection) == ["records"]
    engine.dispose()


def test_a_transaction_that_fails_is_undone(engine: Engine) -> None:
    def write_twice() -> None:
        with writing(engine) as connection:
            connection.execute(directory_revision.update().values(revision=41))
            connection.execute(insert(directory_revision), {"id": 1, "revision": 0})

    with pytest.raises(StoreUnavailable):
        write_twice()
    with reading(engine) as connection:
        assert connection.scalar(select(directory_revision.c.revision)) == 0


def test_a_new_database_file_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "ringbridge.db"
    engine = open_database(f"sqlite:///{file}")
    migrate(engine)
    with writing(engine):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"ringbridge.db": 0o600, "ringbridge.db-wal": 0o600, "ringbridge.db-shm": 0o600}
    engine.dispose()


def test_sqlite_waits_for_the_disk_and_checks_references(sqlite_url: str) -> None:
    engine = open_database(sqlite_url)
    with reading(engine) as connection:
        settings = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 1500}
    engine.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_is_opened_by_each_way_to_write_its_url(postgres_url: str, scheme: str) -> None:
    engine = open_database(postgres_url.replace("postgresql", scheme, 1))
    with reading(engine) as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["", "ringbridge.db", "mysql://user:secret@host/name", "sqlite://", "sqlite:///:memory:"]
)
def test_another_kind_of_url_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        open_database(url)
    assert str(caught.value) == (
        "database_url takes sqlite:////folder/file.db or postgresql://user:password@host/name"
    )


def test_a_file_in_a_missing_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "ringbridge.db"
    with pytest.raises(StoreUnavailable) as caught:
        open_database(f"sqlite:///{file}")
    assert str(caught.value) == (
        f"The database file {file} cannot be opened: No such file or directory. "
        "Create its folder, or give this user the right to write there."
    )


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear Sir or Madam, " * 100)
    engine = open_database(f"sqlite:///{file}")
    with pytest.raises(StoreUnavailable) as caught:
        migrate(engine)
    assert str(caught.value) == "The database is not available: file is not a database"


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_unavailable_and_its_password_is_not_shown(tmp_path: Path) -> None:
    engine = open_database(f"postgresql://ringbridge:secret@/name?host={tmp_path}")
    with pytest.raises(StoreUnavailable) as caught:
        migrate(engine)
    assert "No such file or directory" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "fits"), [("1009683", True), ("", True), ("a\0b", False), ("\ud800", False)]
)
def test_text_from_outside_is_storable_or_not(value: str, fits: bool) -> None:
    assert storable(value) == fits
