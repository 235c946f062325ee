"""`ringbridge line`: the numbers of an account and how their phones are reached."""

import secrets
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbridge.call.directory import Line, LineKind, Srtp
from ringbridge.call.errors import InvalidOption
from ringbridge.call.provisioning import check_line, sip_username
from ringbridge.cli.change import changed
from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import counted, host_and_port, show
from ringbridge.cli.workspace import administration, find_account, read_settings

if TYPE_CHECKING:
    from ringbridge.config import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Numbers, and their phones.")

AccountOption = Annotated[str, typer.Option("--account", help="The account's id.")]


_NAME = typer.Option(help="Whose line it is.")
_URI = typer.Option(help="The phone is always at this SIP address.")
_DEVICE = typer.Option("--device", help="The phone registers to this server.")
_TRUNK = typer.Option(help="The phone is reached over this trunk.")
_CONFIRM = typer.Option(
    "--confirm/--no-confirm",
    help="Whoever answers must press 1 before the destination is dialled; else only over a trunk.",
)
_AUTO_ANSWER = typer.Option("--auto-answer/--no-auto-answer", help="Ask the phone to pick up by itself.")
_SRTP = typer.Option(help="Encrypt audio; needs TLS.")
_NAT = typer.Option("--nat/--no-nat", help="Audio may come from elsewhere than it says.")


_SENTENCES = {
    "own_phones_only": "--auto-answer, --srtp and --nat are for phones of your own: --uri or --device",
    "needs_tls": "--srtp needs TLS: write --uri sip:USER@HOST;transport=tls",
}


class Optional(Enum):
    """What a line can do without."""

    NAME = "name"
    CONFIRM = "confirm"


@app.command("add")
def add(
    account: AccountOption,
    number: Annotated[str, typer.Option(help="Telephone number, or an extension of 2 to 6 digits.")],
    name: Annotated[str | None, _NAME] = None,
    uri: Annotated[str | None, _URI] = None,
    device: Annotated[bool, _DEVICE] = False,
    trunk: Annotated[str | None, _TRUNK] = None,
    confirm: Annotated[bool | None, _CONFIRM] = None,
    auto_answer: Annotated[bool, _AUTO_ANSWER] = False,
    srtp: Annotated[Srtp, _SRTP] = Srtp.OFF,
    nat: Annotated[bool, _NAT] = False,
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
    from ringbridge.cli.target import warn_of_other_family

    if (uri is not None) + device + (trunk is not None) != 1:
        raise CommandError("a line is reached by one of --uri, --device and --trunk")
    settings = read_settings()
    with administration(settings) as directory:
        line = Line(
            id=secrets.token_hex(8),
            account_id=account,
            number=new_line_number(number, find_account(directory, account).country),
            name=shown_name(name) if name is not None else None,
            kind=LineKind.URI,
            confirm=confirm,
            auto_answer=auto_answer,
            srtp=srtp,
            nat=nat,
        )
        line = _reached_by(line, uri, trunk)
        _check(line)
        password = secrets.token_urlsafe(18) if device else None
        directory.add_line(line, device_digests=_digests(line.sip_username, password))
    if line.uri is not None:
        warn_of_other_family([line.uri], settings.sip_host)
    if password is not None:
        _tell_device(line, password, settings)


@app.command("set")
def change(
    account: AccountOption,
    number: Annotated[str, typer.Option(help="The line's number, which stays.")],
    name: Annotated[str | None, _NAME] = None,
    uri: Annotated[str | None, _URI] = None,
    device: Annotated[bool, _DEVICE] = False,
    trunk: Annotated[str | None, _TRUNK] = None,
    confirm: Annotated[bool | None, _CONFIRM] = None,
    auto_answer: Annotated[bool | None, _AUTO_ANSWER] = None,
    srtp: Annotated[Srtp | None, _SRTP] = None,
    nat: Annotated[bool | None, _NAT] = None,
    unset: Annotated[list[Optional] | None, typer.Option(help="Do without it. May be repeated.")] = None,
) -> None:
    """Change what is given of a line, and leave the rest; a running server knows within a second.

    With --device a phone gets a new password, which is printed; the old one is worthless.

    \b
    Examples:
      ringbridge line set --account 1009683 --number +18175629656 --uri sip:200@192.0.2.8
      ringbridge line set --account 1009683 --number 201 --device
      ringbridge line set --account 1009683 --number 305 --no-auto-answer --unset confirm
    """
    from ringbridge.cli.name import shown_name
    from ringbridge.cli.number import line_number
    from ringbridge.cli.target import warn_of_other_family

    is_moved = uri is not None or trunk is not None or device
    if (uri is not None) + device + (trunk is not None) > 1:
        raise CommandError("a line is reached by one of --uri, --device and --trunk")
    given = {
        "name": None if name is None else shown_name(name),
        "confirm": confirm,
        "auto_answer": auto_answer,
        "srtp": srtp,
        "nat": nat,
        # So that a line that only moves is one that changes.
        "kind": LineKind.DEVICE if is_moved else None,
    }

    def apply(before: Line) -> Line:
        after = changed(before, given, unset)
        if is_moved:
            after = _reached_by(after, uri, trunk)
        _check(after)
        return after

    settings = read_settings()
    password = secrets.token_urlsafe(18) if device else None
    with administration(settings) as directory:
        known = line_number(number, find_account(directory, account).country)
        digests = _digests(sip_username(account, known), password)
        after = directory.change_line(account, known, apply, device_digests=digests)
    if after.uri is not None:
        warn_of_other_family([after.uri], settings.sip_host)
    if password is not None:
        _tell_device(after, password, settings)


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
    """Add the lines of a CSV file: none if one is wrong. A running server's calls get their turn in between.

    \b
    Example of a file:
      number,name,uri
      +18175629656,Ada,sip:200@192.0.2.7:5060
      201,Grace,sip:201@192.0.2.8
    """
    from ringbridge.cli.batches import write_in_batches
    from ringbridge.cli.csv_file import read_lines
    from ringbridge.cli.target import warn_of_other_family

    settings = read_settings()
    with administration(settings) as directory:
        taken = {line.number for line in directory.lines(account)}
        trunks = {trunk.name for trunk in directory.trunks()}
        lines = read_lines(file, find_account(directory, account), taken, trunks)
        what_next = "take them out of it and import the rest"
        added = write_in_batches(lines, directory.add_lines, "line", what_next)
    typer.echo(f"{counted(added, 'line')} added")
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


def _reached_by(line: Line, uri: str | None, trunk: str | None) -> Line:
    """The line, reached at that URI, over that trunk or, without either, where its phone registers."""
    kind = LineKind.URI if uri is not None else LineKind.TRUNK if trunk is not None else LineKind.DEVICE
    username = sip_username(line.account_id, line.number) if kind is LineKind.DEVICE else None
    return replace(line, kind=kind, uri=uri, trunk=trunk, sip_username=username)


def _check(line: Line) -> None:
    """Whether these options go together. Raises CommandError."""
    from ringbridge.cli.target import goes_over_tls, sip_uri

    try:
        check_line(line, over_tls=line.uri is not None and goes_over_tls(sip_uri(line.uri)))
    except InvalidOption as error:
        raise CommandError(_SENTENCES[error.code]) from error


def _digests(username: str | None, password: str | None) -> dict[str, str] | None:
    from ringbridge.sip.registrar import device_digests

    return None if username is None or password is None else device_digests(username, password)


def _tell_device(line: Line, password: str, settings: "Settings") -> None:
    """Say, once, what is entered in the phone."""
    is_over_tls = line.srtp is not Srtp.OFF
    port = settings.sip_tls_port if is_over_tls else settings.sip_port
    typer.echo(f"server address: {host_and_port(settings.sip_host, port)}")
    if is_over_tls:
        typer.echo("transport: TLS")
        if settings.sip_tls_certificate is None:
            typer.echo(
                "ringbridge: warning: the server takes TLS only with a certificate: set RINGBRIDGE_SIP_TLS_CERTIFICATE",
                err=True,
            )
    typer.echo(f"SIP user name: {line.sip_username}")
    typer.echo(f"password: {password}")
