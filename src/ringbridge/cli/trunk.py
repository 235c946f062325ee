"""`ringbridge trunk`: ways to the public network."""

import secrets
from typing import Annotated

import typer

from ringbridge.call.directory import Trunk
from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import show
from ringbridge.cli.workspace import administration

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Ways to the public network.")


@app.command("add")
def add(
    name: Annotated[str, typer.Option(help="What the trunk is called.")],
    uri: Annotated[str, typer.Option(help="Where its calls go, for example sip:192.0.2.1:5060.")],
    username: Annotated[str | None, typer.Option(help="For digest authentication.")] = None,
    password: Annotated[str | None, typer.Option(help="For digest authentication.")] = None,
    register: Annotated[bool, typer.Option("--register", help="Not built yet.")] = False,
) -> None:
    """Add a trunk; the first one carries whatever names no trunk.

    \b
    Examples:
      ringbridge trunk add --name carrier --uri "sip:192.0.2.1:5060;transport=udp"
      ringbridge trunk add --name backup --uri sip:192.0.2.2 --username 1009683 --password s3cret
    """
    from ringbridge.cli.target import sip_uri

    if register:
        raise CommandError(
            "--register is not built yet: use a trunk that knows this server by its address, or by digest "
            "authentication (--username and --password)"
        )
    if (username is None) != (password is None):
        raise CommandError("--username and --password go together")
    with administration() as directory:
        directory.add_trunk(
            Trunk(
                id=secrets.token_hex(8),
                name=name,
                uri=sip_uri(uri),
                username=username,
                password=password,
            )
        )


@app.command("list")
def list_trunks(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List all trunks, the default one first."""
    with administration() as directory:
        rows = [
            {"name": trunk.name, "uri": trunk.uri, "username": trunk.username} for trunk in directory.trunks()
        ]
    show(
        rows, as_json=as_json, empty="no trunks yet: ringbridge trunk add --name carrier --uri sip:192.0.2.1"
    )


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="The trunk's name.")]) -> None:
    """Remove a trunk; calls that it carries go on."""
    with administration() as directory:
        directory.remove_trunk(name)
