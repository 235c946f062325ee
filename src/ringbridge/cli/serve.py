"""`ringbridge serve`: the server in the foreground, as service managers want it."""

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import host_and_port
from ringbridge.cli.workspace import read_settings
from ringbridge.demo.curl import http_url

if TYPE_CHECKING:
    from ringbridge.bootstrap import Listening
    from ringbridge.config import Settings


def serve(
    as_json: Annotated[bool, typer.Option("--json", help="Say where it listens as one JSON object.")] = False,
) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    It then takes no new calls and lets the running ones end, for RINGBRIDGE_DRAIN_SECONDS at most; a second signal
    ends them at once. Accounts, keys, lines, trunks and limits may be changed while it runs. SIGHUP has it read
    ringbridge.toml, the TLS files and the prompts again; if one is wrong, all stays as it was.

    \b
    Examples:
      ringbridge serve
      RINGBRIDGE_SIP_HOST=192.0.2.10 RINGBRIDGE_HTTP_PORT=8088 ringbridge serve
    """
    import uvloop

    from ringbridge.bootstrap import serve as run_server
    from ringbridge.logs import configure_logging
    from ringbridge.starting import StartError

    settings = read_settings()
    configure_logging(settings.log_level, settings.log_format)

    def announce(listening: "Listening") -> None:
        typer.echo(json.dumps(asdict(listening)) if as_json else _sentence(listening, settings))

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_server(settings, announce=announce))
    except StartError as error:
        raise CommandError(str(error)) from error


def _transports(settings: "Settings") -> str:
    if settings.sip_tls_certificate is None:
        return "over UDP and TCP"
    return f"over UDP and TCP, port {settings.sip_tls_port} over TLS, port {settings.sip_wss_port} for phones in browsers"


def _relay(settings: "Settings") -> str:
    if settings.media_relay == "rtpengine":
        return f"by rtpengine, controlled at {host_and_port(*settings.rtpengine)}"
    return f"{settings.media_host}, UDP ports {settings.media_ports}"


def _sentence(listening: "Listening", settings: "Settings") -> str:
    url = http_url(listening.http_host, listening.http_port)
    lines = [
        f"HTTP  {url} (documentation at {url}/docs)",
        f"SIP   {host_and_port(listening.sip_host, listening.sip_port)} {_transports(settings)}",
        f"RTP   {_relay(settings)}",
        f"data  {settings.data_dir}",
    ]
    if listening.owner_link is not None:
        lines.append(
            f"first {url}/welcome/{listening.owner_link} makes the owner of this server, once, within 10 minutes"
        )
    return "\n".join(lines)
