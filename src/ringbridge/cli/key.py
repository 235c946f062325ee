"""`ringbridge key`: what an account's programs prove themselves with."""

import secrets
from typing import Annotated

import typer

from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import counted, moment, show
from ringbridge.cli.workspace import administration, find_account, read_pepper, read_settings
from ringbridge.demo.curl import (
    EXAMPLE_DESTINATION_LINE,
    EXAMPLE_USER_LINE,
    authorization,
    curl_command,
    http_url,
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="API keys.")

AccountOption = Annotated[str, typer.Option("--account", help="The account's id.")]


@app.command("create")
def create(
    account: AccountOption,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "default",
) -> None:
    """Make a key and print it, once, with the header and a command that use it.

    \b
    Example:
      ringbridge key create --account 1009683 --name "CRM"
    """
    from ringbridge.cli.name import shown_name
    from ringbridge.service.clock import Clock
    from ringbridge.service.credential import new_key

    settings = read_settings()
    with administration(settings) as directory:
        find_account(directory, account)
        pepper, created_at = read_pepper(settings, directory), Clock().utc_now()
        key, text = new_key(pepper, account, shown_name(name), created_at, secrets.token_bytes)
        directory.add_key(key)
        lines = directory.lines(account)
    header = authorization(account, text)
    url = http_url(settings.http_host, settings.http_port)
    user_line = lines[0].number if lines else EXAMPLE_USER_LINE
    typer.echo(f"API key {key.id}, shown this once: keep it where passwords are kept.\n")
    typer.echo(f"API key: {text}")
    typer.echo(f"Authorization: {header}\n")
    typer.echo("Place a call:\n")
    typer.echo(curl_command(url, header, user_line, EXAMPLE_DESTINATION_LINE))


@app.command("list")
def list_keys(
    account: AccountOption,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the account's keys, without their secrets."""
    with administration() as directory:
        rows = [
            {
                "id": key.id,
                "name": key.name,
                "created_at": moment(key.created_at),
                "expires_at": moment(key.expires_at),
                "revoked_at": moment(key.revoked_at),
            }
            for key in directory.keys(account)
        ]
    show(rows, as_json=as_json, empty=f"no keys yet: ringbridge key create --account {account}")


@app.command("revoke")
def revoke(
    key: Annotated[str | None, typer.Argument(help="The key's id, or the whole key.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All keys of all accounts.")] = False,
) -> None:
    """Make a key worthless, for good; running servers refuse it within a second.

    \b
    Examples:
      ringbridge key revoke 0G3kZr81Qa
      The file `pepper` is lost, and every key with it:
        ringbridge key revoke --all
    """
    from ringbridge.service.clock import Clock
    from ringbridge.service.credential import parse_key

    if (key is None) != every:
        raise CommandError("name one key, or --all")
    now = Clock().utc_now()
    with administration() as directory:
        if key is None:
            typer.echo(f"{counted(directory.revoke_all_keys(at=now), 'key')} revoked")
            return
        parts = parse_key(key)
        directory.revoke_key(parts.id if parts is not None else key, at=now)
