"""The tree of commands, and the one place where a failure becomes a sentence and an exit status.

Exit status: 0 done; 1 done, and the answer is no (the call was not connected, the doctor found a fault); 2 could not
be done; 130 stopped from the keyboard.
"""

from collections.abc import Sequence
from typing import Annotated

import typer

from ringbridge import __version__
from ringbridge.call.errors import CallError
from ringbridge.cli import (
    account,
    audit,
    call,
    demo,
    device,
    do_not_call,
    doctor,
    key,
    limits,
    line,
    rates,
    records,
    serve,
    trunk,
    user,
    webhook,
)
from ringbridge.cli.errors import CommandError

app = typer.Typer(
    name="ringbridge",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(account.app, name="account")
app.add_typer(key.app, name="key")
app.add_typer(line.app, name="line")
app.add_typer(device.app, name="device")
app.add_typer(trunk.app, name="trunk")
app.add_typer(limits.app, name="limits")
app.add_typer(rates.app, name="rates")
app.add_typer(do_not_call.app, name="do-not-call")
app.add_typer(records.app, name="records")
app.add_typer(webhook.app, name="webhook")
app.add_typer(audit.app, name="audit")
app.add_typer(user.app, name="user")
app.command("serve")(serve.serve)
app.command("call")(call.call)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"ringbridge {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Self-hosted click-to-call: one POST rings the user's phone, then joins it with the number they clicked.

    \b
    See it work, with two phones of its own:
      ringbridge demo
    \b
    Set up a server:
      ringbridge account add --name "Blue Bottle" --id 1009683
      ringbridge key create --account 1009683
      ringbridge line add --account 1009683 --number +18175629657 --uri sip:200@192.0.2.7:5060
      ringbridge trunk add --name carrier --uri "sip:sip.example.net;transport=udp"
      ringbridge serve
    \b
    Settings come from RINGBRIDGE_... variables or from ringbridge.toml; `ringbridge doctor` checks them.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return the exit status."""
    try:
        status = app(args=list(arguments), prog_name="ringbridge", standalone_mode=False)
    except (CommandError, CallError) as error:
        return _fail(str(error))
    except typer.TyperException as error:
        return _refuse_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    return status if isinstance(status, int) else 0


def _refuse_usage(error: typer.TyperException) -> int:
    """Wrong words on the command line: the whole help for none at all, else one sentence and where to read on."""
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if context is None:
        return _fail(message)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(message)
        return 2
    return _fail(f"{message.rstrip('.')} (see: {context.command_path} --help)")


def _fail(sentence: str) -> int:
    typer.echo(f"ringbridge: {sentence}", err=True)
    return 2
