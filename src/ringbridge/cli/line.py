"""`ringbridge line`: the numbers of an account and how their phones are reached."""

import hashlib
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ringbridge.call.directory import Line, LineKind
from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import show
from ringbridge.cli.workspace import administration, find_account, read_settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Numbers, and their phones.")

AccountOption = Annotated[str, typer.Option("--account", help="The account's id.")]

# What devices are told to answer in the registrar's challenge; part of the stored digests, so it never changes.
DEVICE_REALM = "ringbridge"


@app.command("add")
def add(
    account: AccountOption,
    number: Annotated[str, typer.Option(help="Telephone number, or an extension of 2 to 6 digits.")],
    name: Annotated[str | None, typer.Option(help="Whose line it is.")] = None,
    uri: Annotated[str | None, typer.Option(help="The phone is always at this SIP address.")] = None,
    device: Annotated[bool, typer.Option("--device", help="The phone registers to this server.")] = False,
    trunk: Annotated[str | None, typer.Option(help="The phone is reached over this trunk.")] = None,
) -> None:
    """Add a user's line, reached by one of --uri, --device and --trunk.

    \b
    Examples:
      ringbridge line add --account 1009683 --number +18175629656 --name Ada --uri sip:200@192.0.2.7:5060
      ringbridge line add --account 1009683 --number 201 --device
      ringbridge line add --account 1009683 --number "+1 (817) 562-9657" --trunk carrier
    """
    from ringbridge.cli.number import line_number
    from ringbridge.cli.target import sip_uri

    if (uri is not None) + device + (trunk is not None) != 1:
        raise CommandError("a line is reached by one of --uri, --device and --trunk")
    settings = read_settings()
    with administration(settings) as directory:
        country = find_account(directory, account).country
        line = Line(
            id=secrets.token_hex(8),
            account_id=account,
            number=line_number(number, country),
            name=name,
            kind=LineKind.DEVICE if device else LineKind.TRUNK if trunk is not None else LineKind.URI,
            uri=sip_uri(uri) if uri is not None else None,
            trunk=trunk,
        )
        if not device:
            directory.add_line(line)
            return
        username, password = f"{account}-{line.number.lstrip('+')}", secrets.token_urlsafe(18)
        line = replace(line, sip_username=username)
        directory.add_line(line, device_digests=device_digests(username, password))
    typer.echo(f"registrar: sip:{settings.sip_host}:{settings.sip_port}")
    typer.echo(f"username: {username}")
    typer.echo(f"password: {password}")
    typer.echo(
        "ringbridge: note: this version takes no registrations yet, so the line does not ring; "
        "a phone at a fixed address is added with --uri",
        err=True,
    )


@app.command("list")
def list_lines(
    account: AccountOption,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the account's lines."""
    with administration() as directory:
        rows = [
            {
                "number": line.number,
                "name": line.name,
                "kind": line.kind.value,
                "uri": line.uri,
                "trunk": line.trunk,
                "sip_username": line.sip_username,
            }
            for line in directory.lines(account)
        ]
    empty = f"no lines yet: ringbridge line add --account {account} --number +18175629656 --uri sip:200@HOST"
    show(rows, as_json=as_json, empty=empty)


@app.command("import")
def import_lines(
    account: AccountOption,
    file: Annotated[Path, typer.Argument(help="A CSV file with the columns number, name, uri or trunk.")],
) -> None:
    """Add the lines of a CSV file: all of them, or none if one is wrong.

    \b
    Example of a file:
      number,name,uri
      +18175629656,Ada,sip:200@192.0.2.7:5060
      201,Grace,sip:201@192.0.2.8
    """
    from ringbridge.cli.csv_file import read_lines

    with administration() as directory:
        taken = {line.number for line in directory.lines(account)}
        trunks = {trunk.name for trunk in directory.trunks()}
        lines = read_lines(file, find_account(directory, account), taken, trunks)
        typer.echo(f"{directory.add_lines(lines)} lines added")


@app.command("remove")
def remove(
    account: AccountOption,
    number: Annotated[str, typer.Option(help="The line's number.")],
) -> None:
    """Remove a line; a call that runs on it goes on."""
    from ringbridge.cli.number import line_number

    with administration() as directory:
        directory.remove_line(account, line_number(number, find_account(directory, account).country))


def device_digests(username: str, password: str) -> dict[str, str]:
    """What is stored instead of the password: H(A1) of RFC 7616 section 3.4.2 for each algorithm that a phone may choose."""
    secret = f"{username}:{DEVICE_REALM}:{password}".encode()
    return {
        # MD5 because most phones know nothing else; the password is random, so its weakness gives nothing away.
        "MD5": hashlib.md5(secret, usedforsecurity=False).hexdigest(),
        "SHA-256": hashlib.sha256(secret).hexdigest(),
    }
