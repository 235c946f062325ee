"""`ringbridge device`: the phones that register."""

from typing import Annotated

import typer

from ringbridge.cli.output import host_and_port, moment, show
from ringbridge.cli.workspace import administration

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Phones that register.")


@app.command("list")
def list_devices(
    account: Annotated[str, typer.Option("--account", help="The account's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the phones that are registered now, and where they are.

    \b
    Example:
      ringbridge device list --account 1009683
    """
    from ringbridge.service.clock import Clock

    with administration() as directory:
        devices = directory.registered_devices(Clock().utc_now())
        rows = [
            {
                "number": line.number,
                "sip_username": line.sip_username,
                "from": host_and_port(device.host, device.port),
                "transport": device.transport,
                "user_agent": device.user_agent,
                "expires_at": moment(device.expires_at),
            }
            for line in directory.lines(account)
            for device in devices.get(line.id, ())
        ]
    show(rows, as_json=as_json, empty="no phone is registered: docs/phones.md says how to set one up")
