"""`ringbridge line`: the numbers of an account and how their phones are reached."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ringbridge.call.directory import Line, LineKind, Srtp
from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import counted, host_and_port, show
from ringbridge.cli.workspace import administration, find_account, read_settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Numbers, and their phones.")

AccountOption = Annotated[str, typer.Option("--account", help="The account's id.")]


@app.command("add")
def add(
    account: AccountOption,
    number: Annotated[str, typer.Option(help="Telephone number, or an extension of 2 to 6 digits.")],
    name: Annotated[str | None, typer.Option(help="Whose line it is.")] = None,
    uri: Annotated[str | None, typer.Option(help="The phone is always at this SIP address.")] = None,
    device: Annotated[bool, typer.Option("--device", help="The phone registers to this server.")] = False,
    trunk: Annotated[str | None, typer.Option(help="The phone is reached over this trunk.")] = None,
    confirm: Annotated[
        bool | None,
        typer.Option(
            "--confirm/--no-confirm",
            help="Whoever answers must press 1 before the destination is dialled; else only over a trunk.",
        ),
    ] = None,
    auto_answer: Annotated[
        bool, typer.Option("--auto-answer", help="Ask the phone to pick up by itself.")
    ] = False,
    srtp: Annotated[Srtp, typer.Option(help="Encrypt audio; needs TLS.")] = Srtp.OFF,
    nat: Annotated[bool, typer.Option("--nat", help="Audio may come from elsewhere than it says.")] = False,
) -> None:
    """Add a user's line, reached by one of --uri, --device and --trunk.

    Over a trunk a mailbox may answer in the user's place, and the destination would talk to it; that is why whoever
    answers there is asked to press 1.

    \b
    Examples:
      ringbridge line add --account 1009683 --number +18175629656 --name Ada --uri sip:200@192.0.2.7:5060
      ringbridge line add --account 1009683 --number 201 --device --auto-answer
      ringbridge line add --account 1009683 --number "+1 (817) 562-9657" --trunk carrier
      ringbridge line add --account 1009683 --number 305 --trunk pbx --no-confirm
    """
    from ringbridge.cli.name import shown_name
    from ringbridge.cli.number import new_line_number
    from ringbridge.cli.target import goes_over_tls, sip_uri, warn_of_other_family
    from ringbridge.sip.registrar import device_digests

    if (uri is not None) + device + (trunk is not None) != 1:
        raise CommandError("a line is reached by one of --uri, --device and --trunk")
    if trunk is not None and (auto_answer or nat or srtp is not Srtp.OFF):
        raise CommandError("--auto-answer, --srtp and --nat are for phones of your own: --uri or --device")
    if uri is not None and srtp is not Srtp.OFF and not goes_over_tls(sip_uri(uri)):
        raise CommandError("--srtp needs TLS: write --uri sip:USER@HOST;transport=tls")
    settings = read_settings()
    with administration(settings) as directory:
        country = find_account(directory, account).country
        line = Line(
            id=secrets.token_hex(8),
            account_id=account,
            number=new_line_number(number, country),
            name=shown_name(name) if name is not None else None,
            kind=LineKind.DEVICE if device else LineKind.TRUNK if trunk is not None else LineKind.URI,
            uri=sip_uri(uri) if uri is not None else None,
            trunk=trunk,
            confirm=confirm,
            auto_answer=auto_answer,
            srtp=srtp,
            nat=nat,
        )
        if not device:
            directory.add_line(line)
            if line.uri is not None:
                warn_of_other_family([line.uri], settings.sip_host)
            return
        username, password = f"{account}-{line.number.lstrip('+')}", secrets.token_urlsafe(18)
        line = replace(line, sip_username=username)
        directory.add_line(line, device_digests=device_digests(username, password))
    typer.echo(f"server address: {host_and_port(settings.sip_host, settings.sip_port)}")
    typer.echo(f"SIP user name: {username}")
    typer.echo(f"password: {password}")


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
                "confirm": line.must_confirm,
                "auto_answer": line.auto_answer,
                "srtp": line.srtp.value,
                "nat": line.nat,
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
    from ringbridge.cli.target import warn_of_other_family

    settings = read_settings()
    with administration(settings) as directory:
        taken = {line.number for line in directory.lines(account)}
        trunks = {trunk.name for trunk in directory.trunks()}
        lines = read_lines(file, find_account(directory, account), taken, trunks)
        typer.echo(f"{counted(directory.add_lines(lines), 'line')} added")
    warn_of_other_family([line.uri for line in lines if line.uri is not None], settings.sip_host)


@app.command("remove")
def remove(
    account: AccountOption,
    number: Annotated[str, typer.Option(help="The line's number.")],
) -> None:
    """Remove a line; a call that runs on it goes on."""
    from ringbridge.cli.number import line_number

    with administration() as directory:
        directory.remove_line(account, line_number(number, find_account(directory, account).country))
