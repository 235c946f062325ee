"""`ringbridge demo`: the newcomer's first minute."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ringbridge.cli.errors import CommandError


def demo(
    calls: Annotated[int, typer.Option(min=1, max=100, help="How many calls to place at once.")] = 1,
    once: Annotated[bool, typer.Option("--once", help="Leave when the calls are over.")] = False,
    out: Annotated[Path, typer.Option(help="The folder for what each side heard.")] = Path("demo-out"),
) -> None:
    """Start a server and two phones on this machine, place a call, and keep what each side heard.

    Everything is real (HTTP, SIP, RTP, database) and happens on free ports of 127.0.0.1. The user's phone sounds a
    tone of 440 Hz, the destination's one of 620 Hz. Without --once it keeps running, for calls of your own by curl.
    Exit status 0 if the two were joined and each heard the other.

    \b
    Examples:
      ringbridge demo
      ringbridge demo --once --out /tmp/heard
      ringbridge demo --calls 20
    """
    from ringbridge.demo.errors import DemoFailed
    from ringbridge.demo.show import run

    try:
        is_right = asyncio.run(run(calls=calls, once=once, out=out))
    except DemoFailed as error:
        raise CommandError(str(error)) from error
    if not is_right:
        raise typer.Exit(1)
