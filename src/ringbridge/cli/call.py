"""`ringbridge call`: places a call through the HTTP API of a running server and tells how it goes."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from ringbridge.cli.errors import CommandError
from ringbridge.cli.workspace import read_settings

if TYPE_CHECKING:
    from rich.console import Console

    from ringbridge.client import AsyncClient, ClientError
    from ringbridge.demo.timeline import Timeline


def call(
    user_line: Annotated[str, typer.Option("--from", help="The user's line, rung first.")],
    destination_line: Annotated[str, typer.Option("--to", help="The number to join it with.")],
    account: Annotated[str, typer.Option(envvar="RINGBRIDGE_ACCOUNT", help="The account's id.")],
    key: Annotated[str, typer.Option(envvar="RINGBRIDGE_KEY", help="An API key of the account.")],
    url: Annotated[
        str | None,
        typer.Option(
            envvar="RINGBRIDGE_URL", help="The server, if it is not the one that the settings name."
        ),
    ] = None,
) -> None:
    """Place a call and follow it; exit status 0 if the two talked, 1 if not. Ctrl-C hangs up.

    \b
    Examples:
      export RINGBRIDGE_ACCOUNT=1009683 RINGBRIDGE_KEY=c2c_live_...
      ringbridge call --from +18175629656 --to "+1 (512) 529-2329"
      ringbridge call --from 201 --to 15125292329 --url http://192.0.2.10:8080
    """
    from ringbridge.client import ClientError
    from ringbridge.client.operation import server_url
    from ringbridge.demo.curl import http_url

    if url is None:
        settings = read_settings()
        url = http_url(settings.http_host, settings.http_port)
    try:
        server_url(url)
    except ValueError as error:
        raise CommandError(f"--url (or RINGBRIDGE_URL) takes http://HOST:PORT, not {url!r}") from error
    try:
        is_joined = asyncio.run(_follow_call(url, account, key, user_line, destination_line))
    except ClientError as error:
        raise CommandError(_sentence(error)) from error
    if not is_joined:
        raise typer.Exit(1)


def _sentence(error: "ClientError") -> str:
    """Why the server did not do it, and what to do."""
    from ringbridge.client import NotAllowed, Refused, ServerBusy, TooMany

    match error:
        case NotAllowed(code="invalid_credentials"):
            return "the server does not accept this account and key"
        case TooMany():
            return f"{error} Try again in {error.retry_after_seconds or 1.0:g} s."
        case ServerBusy():
            return f"the server cannot place calls now ({error.code}): `ringbridge doctor` may say why"
        case Refused():
            return f"the server refused ({error.code}): {error}"
        case _:
            return f"{error}: start one with `ringbridge serve`, or name another one"


async def _follow_call(url: str, account: str, key: str, user_line: str, destination_line: str) -> bool:
    """Whether both sides were joined. Raises ClientError."""
    from rich.console import Console

    from ringbridge.client import AsyncClient, ClientError
    from ringbridge.demo.timeline import Timeline
    from ringbridge.service.clock import Clock

    console = Console(highlight=False)
    clock = Clock()
    timeline = Timeline(console, clock.utc_now())
    async with AsyncClient(url, account, key) as client:
        timeline.tell(clock.utc_now(), "click", f"{user_line} wants {destination_line}")
        try:
            call_id = (await client.place(user_line, destination_line)).id
        finally:
            timeline.flush()
        try:
            await _tell_history(client, call_id, timeline)
        except asyncio.CancelledError:
            timeline.tell(clock.utc_now(), "click", "hangs up")
            timeline.flush()
            # It may have ended by itself just now.
            with suppress(ClientError):
                await client.hang_up(call_id)
            await _tell_outcome(client, call_id, console)
            raise
        return await _tell_outcome(client, call_id, console) == "completed"


async def _tell_history(client: "AsyncClient", call_id: str, timeline: "Timeline") -> None:
    try:
        async for event in client.follow(call_id):
            timeline.tell_event(event.at.timestamp(), event.name, event.state)
    finally:
        timeline.flush()


async def _tell_outcome(client: "AsyncClient", call_id: str, console: "Console") -> str:
    over = await client.wait(call_id)
    console.print(
        f"{over.id}: {over.outcome} ({over.cause}, ended by {over.ended_by}), {over.talk_seconds:.1f} s of talk",
        soft_wrap=True,
    )
    return str(over.outcome)
