"""What commands work on: the settings and the database that they name.

Commands write to the database beside a running server, which notices within a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ringbridge.call.errors import NotFound
from ringbridge.cli.errors import CommandError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ringbridge.call.directory import Account
    from ringbridge.config import Settings
    from ringbridge.store.administration import Administration


def read_settings() -> Settings:
    """The settings; what is unknown among them is warned of on stderr. Raises CommandError."""
    from ringbridge.config import SettingsError, load_settings

    try:
        loaded = load_settings()
    except SettingsError as error:
        raise CommandError(str(error)) from error
    for warning in loaded.warnings:
        typer.echo(f"ringbridge: warning: {warning}", err=True)
    return loaded.settings


def read_pepper(settings: Settings, directory: Administration) -> bytes:
    """The secret that key digests are made with. Raises CommandError."""
    from ringbridge.config import SettingsError, load_pepper

    try:
        return load_pepper(settings.data_dir, has_keys=directory.has_keys())
    except SettingsError as error:
        raise CommandError(str(error)) from error


@contextmanager
def administration(settings: Settings | None = None) -> Iterator[Administration]:
    """What an administrator changes, over `database`. Raises CommandError and StoreUnavailable."""
    from ringbridge.store.administration import Administration

    with database(settings) as engine:
        yield Administration(engine)


@contextmanager
def database(settings: Settings | None = None) -> Iterator[Engine]:
    """The database that the settings name, brought up to date; this process's user acts on it. Raises CommandError and StoreUnavailable."""
    from ringbridge.call.actor import acting_as
    from ringbridge.cli.operator import operator
    from ringbridge.config import unwritable
    from ringbridge.store.database import migrate, open_database

    known = settings or read_settings()
    try:
        known.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(unwritable(known.data_dir, error)) from error
    engine = open_database(known.database_url)
    try:
        migrate(engine)
        with acting_as(operator()):
            yield engine
    finally:
        engine.dispose()


def find_account(directory: Administration, account_id: str) -> Account:
    """The account of that id. Raises NotFound."""
    for account in directory.accounts():
        if account.id == account_id:
            return account
    raise NotFound(f"There is no account {account_id}.")
