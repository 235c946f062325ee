"""`ringbridge key`: what an account's programs prove themselves with."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ringbridge.cli.errors import CommandError
from ringbridge.cli.moment import utc_seconds
from ringbridge.cli.output import counted, moment, show
from ringbridge.cli.workspace import administration, find_account, read_pepper, read_settings
from ringbridge.demo.curl import http_url
from ringbridge.service.example import (
    EXAMPLE_DESTINATION_LINE,
    EXAMPLE_USER_LINE,
    authorization,
    curl_command,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringbridge.call.key import ApiKey
    from ringbridge.config import Settings
    from ringbridge.store.administration import Administration

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="API keys.")

AccountOption = Annotated[str, typer.Option("--account", help="The account's id.")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The key's id, or the whole key.")]


@app.command("create")
def create(
    account: AccountOption,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "default",
    scopes: Annotated[
        list[str] | None, typer.Option("--scope", help="One thing that it may do; again for more.")
    ] = None,
    lines: Annotated[
        list[str] | None, typer.Option("--line", help="A line that it may call from; again for more.")
    ] = None,
    networks: Annotated[
        list[str] | None,
        typer.Option("--network", help="An address or network that it is used from; again for more."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=730, help="How long it lives.")] = 365,
    from_day: Annotated[
        str | None, typer.Option("--from", help="When it begins to open, as 2027-01-31 or 2027-01-31T08:00Z.")
    ] = None,
    is_test: Annotated[bool, typer.Option("--test", help="Its calls are simulated: no phone rings.")] = False,
) -> None:
    """Make a key and print it, once, with the header and a command that use it.

    Without --scope a key places, reads and ends calls. With it, it does what is named and nothing else:

    \b
    calls:create     place calls
    calls:read       see calls and follow their events
    calls:cancel     end calls
    calls:control    hold, send digits, transfer
    records:read     list and export records
    records:erase    erase what is kept of a number
    lines:write      make, change and remove lines with extensions
    limits:write     make limits tighter
    lines:read, trunks:read, limits:read, usage:read
    webhooks:read, webhooks:write
    keys:read, keys:write
    tokens:create    make tokens for browsers
    audit:read       see who changed what

    Without --line it may call from every line of the account; without --network it opens from anywhere. An account
    has at most twenty keys that are valid (ringbridge limits set keys=...).

    \b
    Examples:
      ringbridge key create --account 1009683 --name "CRM"
      ringbridge key create --account 1009683 --name "Ann's desk" --line +18175629656 --scope calls:create
      ringbridge key create --account 1009683 --name "reports" --scope records:read --network 203.0.113.0/24
      ringbridge key create --account 1009683 --name "CI" --test
    """
    from ringbridge.call.key import ACCOUNT_SCOPES, parse_networks, parse_scopes
    from ringbridge.cli.name import shown_name
    from ringbridge.cli.number import line_number
    from ringbridge.service.clock import Clock
    from ringbridge.service.credential import DAY_SECONDS, LONGEST_LIFE_DAYS, new_key

    settings = read_settings()
    with administration(settings) as directory:
        country = find_account(directory, account).country
        own_lines = {line.number for line in directory.lines(account)}
        bound_to = tuple(dict.fromkeys(line_number(line, country) for line in lines or ()))
        _require_lines(account, bound_to, own_lines)
        wanted_scopes = parse_scopes(scopes or [])
        if bound_to and (
            beyond := sorted(scope.value for scope in (wanted_scopes or frozenset()) & ACCOUNT_SCOPES)
        ):
            raise CommandError(
                f"A key with --line cannot have what concerns the whole account: {', '.join(beyond)}."
            )
        now_utc = Clock().utc_now()
        begins_at = None if from_day is None else utc_seconds(from_day)
        if begins_at is not None and begins_at > now_utc + LONGEST_LIFE_DAYS * DAY_SECONDS:
            raise CommandError("--from takes a time within two years from now")
        key, text = new_key(
            read_pepper(settings, directory),
            account,
            shown_name(name),
            now_utc,
            secrets.token_bytes,
            is_test=is_test,
        )
        key = replace(
            key,
            scopes=wanted_scopes,
            lines=bound_to,
            networks=parse_networks(networks or []),
            not_before=begins_at,
            expires_at=max(now_utc, begins_at or 0.0) + days * DAY_SECONDS,
        )
        directory.add_key(key)
        _show_once(settings, directory, key, text)


@app.command("rotate")
def rotate(
    key: KeyArgument,
    overlap_hours: Annotated[
        float, typer.Option("--overlap-hours", min=0.0, max=720.0, help="How long the old one still opens.")
    ] = 24.0,
) -> None:
    """Make a key that may do what an older one may, print it once, and let the old one end after a while.

    \b
    Example:
      ringbridge key rotate 0G3kZr81Qa --overlap-hours 48
    """
    from ringbridge.service.clock import Clock
    from ringbridge.service.credential import renewed_key

    settings = read_settings()
    with administration(settings) as directory:
        old = directory.key(_key_id(key))
        now_utc = Clock().utc_now()
        new, text = renewed_key(read_pepper(settings, directory), old, now_utc, secrets.token_bytes)
        directory.exchange_key(old.id, new, old_until=now_utc + overlap_hours * 3600.0)
        _show_once(settings, directory, new, text)


@app.command("list")
def list_keys(
    account: AccountOption,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the account's keys, without their secrets. last_used_at is true to the minute."""
    with administration() as directory:
        uses = directory.key_uses(account)
        rows = []
        for key in directory.keys(account):
            use = uses.get(key.id)
            rows.append(
                {
                    "id": key.id,
                    "name": key.name,
                    "test": key.is_test,
                    "scopes": None if key.scopes is None else _words(scope.value for scope in key.scopes),
                    "lines": _words(key.lines) or None,
                    "networks": _words(key.networks) or None,
                    "created_at": moment(key.created_at),
                    "not_before": moment(key.not_before),
                    "expires_at": moment(key.expires_at),
                    "revoked_at": moment(key.revoked_at),
                    "last_used_at": None if use is None else moment(use.used_at),
                    "last_used_from": None if use is None else use.address,
                }
            )
    show(rows, as_json=as_json, empty=f"no keys yet: ringbridge key create --account {account}")


@app.command("revoke")
def revoke(
    key: Annotated[str | None, typer.Argument(help="The key's id, or the whole key.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All keys of all accounts.")] = False,
    end_calls: Annotated[bool, typer.Option("--end-calls", help="End their calls that are up, too.")] = False,
) -> None:
    """Make a key worthless, for good; running servers refuse it within a second. Its calls that are up go on.

    \b
    Examples:
      ringbridge key revoke 0G3kZr81Qa
      ringbridge key revoke 0G3kZr81Qa --end-calls
      The file `pepper` is lost, and every key with it:
        ringbridge key revoke --all
    """
    from ringbridge.service.clock import Clock

    if (key is None) != every:
        raise CommandError("name one key, or --all")
    now = Clock().utc_now()
    with administration() as directory:
        if key is None:
            revoked = directory.revoke_all_keys(at=now, ends_calls=end_calls)
            typer.echo(f"{counted(revoked, 'key')} revoked")
        else:
            directory.revoke_key(_key_id(key), at=now, ends_calls=end_calls)


def _show_once(settings: Settings, directory: Administration, key: ApiKey, text: str) -> None:
    """Print the key with what uses it."""
    lines = key.lines or [line.number for line in directory.lines(key.account_id)]
    header = authorization(key.account_id, text)
    url = http_url(settings.http_host, settings.http_port)
    typer.echo(f"API key {key.id}, shown this once: keep it where passwords are kept.\n")
    typer.echo(f"API key: {text}")
    typer.echo(f"Authorization: {header}\n")
    typer.echo("Place a call:\n")
    typer.echo(curl_command(url, header, lines[0] if lines else EXAMPLE_USER_LINE, EXAMPLE_DESTINATION_LINE))


def _require_lines(account: str, numbers: tuple[str, ...], own: set[str]) -> None:
    from ringbridge.call.errors import NotFound

    for number in numbers:
        if number not in own:
            raise NotFound(f"Account {account} has no line {number}. Add it first.")


def _key_id(text: str) -> str:
    from ringbridge.service.credential import parse_key

    parts = parse_key(text)
    return text if parts is None else parts.id


def _words(values: Iterable[str]) -> str:
    return ",".join(sorted(values))
