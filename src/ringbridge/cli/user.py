"""`ringbridge user`: who signs in to the portal, for when nobody can who could do this there."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ringbridge.call.errors import InvalidOption, NotFound
from ringbridge.call.user import Role, User
from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import moment, show
from ringbridge.cli.workspace import administration, database, find_account, read_settings
from ringbridge.demo.curl import http_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ringbridge.config import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who signs in to the portal.")

LoginArgument = Annotated[str, typer.Argument(help="The name or e-mail address that they sign in with.")]


@app.command("add")
def add(
    account: Annotated[str, typer.Option("--account", help="The account's id.")],
    login: Annotated[str, typer.Option(help="A name or an e-mail address to sign in with.")],
    name: Annotated[str, typer.Option(help="What they are called.")],
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.OWNER,
    line: Annotated[str | None, typer.Option(help="The number of their line, for a user.")] = None,
    server: Annotated[
        bool, typer.Option("--server", help="They may change what all accounts share, such as trunks.")
    ] = False,
) -> None:
    """Make a user, and print the link by which they set their password: it works once, within 24 hours.

    \b
    Examples:
      ringbridge user add --account 1009683 --login ann@example.com --name Ann --server
      ringbridge user add --account 1009683 --login bob --name Bob --role user --line +18175629656
    """
    from ringbridge.cli.name import shown_name
    from ringbridge.cli.number import line_number
    from ringbridge.service.details import checked_login
    from ringbridge.store.users import SqlUsers

    try:
        known_login = checked_login(login)
    except InvalidOption:
        raise CommandError(f"--login takes 2 to 128 characters without blanks, not {login!a}") from None
    with administration() as directory:
        country = find_account(directory, account).country
    with database() as engine:
        user = User(
            id=secrets.token_hex(8),
            account_id=account,
            login=known_login,
            name=shown_name(name),
            role=role,
            created_at=time.time(),
            line=None if line is None else line_number(line, country),
            runs_server=server,
        )
        SqlUsers(engine).add(user)
        typer.echo(_new_link(engine, read_settings(), user.id))


@app.command("list")
def list_users(
    account: Annotated[str, typer.Option("--account", help="The account's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the users of an account."""
    from ringbridge.store.users import SqlUsers

    with database() as engine:
        users, after = SqlUsers(engine), None
        rows = []
        while page := users.of_account(account, after, 500):
            rows += [_row(user) for user in page]
            after = page[-1].login
    show(rows, as_json=as_json, empty=f"account {account} has no users yet")


@app.command("link")
def link(
    login: Annotated[
        str | None, typer.Argument(help="Whose password it sets; without, who owns the server.")
    ] = None,
) -> None:
    """Print a new link: for a user's new password, or, while there is no owner, for the first owner (10 minutes)."""
    from ringbridge.store.users import SqlUsers

    settings = read_settings()
    if login is not None:
        with _found(login) as (engine, user):
            typer.echo(_new_link(engine, settings, user.id))
        return
    with database(settings) as engine:
        if SqlUsers(engine).owner_exists():
            raise CommandError("this server has an owner: say whose link it is to be")
        typer.echo(_new_link(engine, settings, None))


@app.command("disable")
def disable(login: LoginArgument) -> None:
    """Sign somebody out everywhere, and let them in no more."""
    _set_disabled(login, disabled=True)


@app.command("enable")
def enable(login: LoginArgument) -> None:
    """Let somebody in again."""
    _set_disabled(login, disabled=False)


def _set_disabled(login: str, *, disabled: bool) -> None:
    from dataclasses import replace

    from ringbridge.store.user_sessions import SqlSessions
    from ringbridge.store.users import SqlUsers

    with _found(login) as (engine, user):
        SqlUsers(engine).change(user.id, lambda before: replace(before, disabled=disabled))
        SqlSessions(engine).end_sessions(user.id)


@contextmanager
def _found(login: str) -> Iterator[tuple[Engine, User]]:
    """The database, and who signs in with `login`. Raises NotFound."""
    from ringbridge.store.users import SqlUsers

    with database() as engine:
        user = SqlUsers(engine).by_login(login.strip().lower())
        if user is None:
            raise NotFound(f"Nobody signs in as {login!a}.")
        yield engine, user


def _new_link(engine: Engine, settings: Settings, user_id: str | None) -> str:
    from ringbridge.service.links import new_link
    from ringbridge.store.user_sessions import SqlSessions

    token = new_link(SqlSessions(engine), user_id, time.time())
    return f"{http_url(settings.http_host, settings.http_port)}/welcome/{token}"


def _row(user: User) -> dict[str, object]:
    return {
        "login": user.login,
        "name": user.name,
        "role": user.role.value,
        "line": user.line,
        "server": user.runs_server,
        "second_factor": user.totp_seed is not None,
        "password": user.password_hash is not None,
        "disabled": user.disabled,
        "created_at": moment(user.created_at),
    }
