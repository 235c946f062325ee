"""`ringbridge doctor`: looks at everything that a call needs, and says how to mend what is amiss."""

import asyncio
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ringbridge.call.directory import Line, LineKind, RegisteredDevice, Srtp, Trunk
from ringbridge.call.errors import CallError
from ringbridge.call.key import ApiKey, KeyUse
from ringbridge.cli.errors import CommandError
from ringbridge.cli.finding import Finding, Level, fail, ok, warn
from ringbridge.cli.output import counted, host_and_port, show
from ringbridge.cli.target import goes_over_tls
from ringbridge.cli.workspace import administration

if TYPE_CHECKING:
    from ringbridge.config import Settings
    from ringbridge.engines.native.tls import TlsContexts
    from ringbridge.store.administration import Administration

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Check settings, ports, database, media, trunks, phones and clock; exit status 1 if calls cannot work.

    It may run beside the server, and changes nothing but the version of the database's tables. It reads settings and
    certificates as the server will at its next SIGHUP or start.

    \b
    Example:
      ringbridge doctor
    """
    findings = []
    for finding in _examine():
        findings.append(finding)
        if not as_json:
            level = typer.style(f"{finding.level.value:<5}", fg=_COLOURS[finding.level])
            typer.echo(f"{level} {finding.subject:<20} {finding.found}")
            if finding.mend:
                typer.echo(f"{'':<26} -> {finding.mend}")
    if as_json:
        show(
            [asdict(finding) | {"level": finding.level.value} for finding in findings], as_json=True, empty=""
        )
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(1)


def _examine() -> Iterator[Finding]:
    """The findings in the order in which a call meets what they are about."""
    from ringbridge.cli import machine
    from ringbridge.cli.trunk_state import trunk_states
    from ringbridge.config import SettingsError, load_settings
    from ringbridge.demo.curl import http_url

    try:
        settings, file, warnings = load_settings()
    except SettingsError as error:
        yield fail("settings", str(error), "correct it and run the doctor again")
        return
    yield ok(
        "settings", f"from the environment and {file}" if file else "from the environment and the defaults"
    )
    for warning in warnings:
        yield warn("settings", warning, "correct or remove it")
    yield machine.python_build(sys.base_prefix, sysconfig.get_config_var("CONFIG_ARGS"))
    yield machine.clock()
    yield machine.data_folder(settings.data_dir)
    yield from machine.tls_files(_tls(settings))
    yield from _database(settings)
    is_running, http = machine.http_port(settings.http_host, settings.http_port)
    yield http
    if is_running:
        url = http_url(settings.http_host, settings.http_port)
        yield from machine.server_state(url)
        yield from trunk_states(url)
    yield from machine.sip_ports(settings.sip_host, _ports(settings), is_running=is_running)
    if settings.media_relay == "rtpengine":
        yield asyncio.run(machine.rtpengine(*settings.rtpengine))
    else:
        yield machine.rtpio()
        yield machine.media_ports(settings.media_host, settings.media_ports, is_running=is_running)
    yield machine.receive_buffer()


def _ports(settings: "Settings") -> dict[str, int]:
    """Where the server takes SIP, by transport."""
    ports = {"UDP": settings.sip_port, "TCP": settings.sip_port}
    if settings.sip_tls_certificate is not None:
        ports |= {"TLS": settings.sip_tls_port, "WSS": settings.sip_wss_port}
    return ports


def _tls(settings: "Settings") -> "TlsContexts":
    from ringbridge.engines.native.tls import TlsContexts

    return TlsContexts(
        ca=settings.sip_tls_ca, certificate=settings.sip_tls_certificate, key=settings.sip_tls_key
    )


def _database(settings: "Settings") -> Iterator[Finding]:
    """Whether it can be read, what is missing in it for a first call, and who of those in it can be reached."""
    from ringbridge.cli.key_state import key_findings
    from ringbridge.cli.reachability import probe
    from ringbridge.engines.native.trunks import tls_peers
    from ringbridge.service.clock import Clock

    with ExitStack() as resources:
        try:
            directory = resources.enter_context(administration(settings))
            accounts, trunks = directory.accounts(), directory.trunks()
            lines = [line for account in accounts for line in directory.lines(account.id)]
            utc_now = Clock().utc_now()
            devices = directory.registered_devices(utc_now)
            has_key = directory.has_keys()
            of_keys = [
                finding
                for account in accounts
                for key, use in _keys(directory, account.id)
                for finding in key_findings(key, use, utc_now)
            ]
        except (CallError, CommandError) as error:
            yield fail("database", str(error), "correct RINGBRIDGE_DATABASE_URL, or start the database")
            return
    sizes = counted(len(accounts), "account"), counted(len(lines), "line"), counted(len(trunks), "trunk")
    yield ok("database", ", ".join(sizes))
    if not accounts:
        yield warn("accounts", "there is none", 'ringbridge account add --name "Blue Bottle"')
    elif not has_key:
        yield warn("keys", "there is none", f"ringbridge key create --account {accounts[0].id}")
    if has_key:
        yield from _pepper(settings)
    yield from of_keys
    if accounts and not lines:
        yield warn(
            "lines", "there is none", f"ringbridge line add --account {accounts[0].id} --number ... --uri ..."
        )
    if not trunks:
        yield warn("trunks", "there is none: no call can be placed without one", "ringbridge trunk add")
    for line in lines:
        if line.kind is LineKind.DEVICE:
            yield _device(line, devices.get(line.id, []))
    yield from _encryption(settings, trunks, lines, devices)
    wanted = {f"trunk {trunk.name}": trunk.uri for trunk in trunks}
    wanted |= {f"line {line.number}": line.uri for line in lines if line.uri is not None}
    yield from _way_back(settings, wanted)
    yield from asyncio.run(probe(wanted, settings.sip_host, _tls(settings), tls_peers(trunks)))


def _keys(directory: "Administration", account_id: str) -> Iterator[tuple[ApiKey, KeyUse | None]]:
    """The account's keys, and when each was used last."""
    uses = directory.key_uses(account_id)
    for key in directory.keys(account_id):
        yield key, uses.get(key.id)


def _pepper(settings: "Settings") -> Iterator[Finding]:
    """Whether the secret that the keys were made with is there."""
    from ringbridge.config import SettingsError, load_pepper

    try:
        load_pepper(settings.data_dir, has_keys=True)
    except SettingsError as error:
        found, _, mend = str(error).partition(": ")
        yield fail("pepper", found, mend)


def _encryption(
    settings: "Settings",
    trunks: Sequence[Trunk],
    lines: Sequence[Line],
    devices: "Mapping[str, Sequence[RegisteredDevice]]",
) -> Iterator[Finding]:
    """The trunks and lines that require SRTP and cannot have it, so that no call gets there."""
    from ringbridge.engines.native.encryption import obstacle

    transports = {f"trunk {one.name}": {_transport(one.uri)} for one in trunks if one.srtp is Srtp.REQUIRED}
    for line in lines:
        if line.srtp is Srtp.REQUIRED:
            registered = {device.transport for device in devices.get(line.id, [])}
            transports[f"line {line.number}"] = registered if line.uri is None else {_transport(line.uri)}
    for subject, over in transports.items():
        for transport in sorted(over):
            reason = obstacle(transport, relay_encrypts=settings.media_relay == "rtpengine")
            if reason is not None:
                found, _, mend = reason.partition(": ")
                yield fail(f"{subject} SRTP", f"required, but {found}", mend)


def _way_back(settings: "Settings", wanted: Mapping[str, str]) -> Iterator[Finding]:
    """Whether those that are called over TLS could open a connection of their own to hang up (RFC 3261 section 12.2.1.1)."""
    over_tls = [subject for subject, uri in wanted.items() if goes_over_tls(uri)]
    if over_tls and settings.sip_tls_certificate is None:
        yield warn(
            "way back over TLS",
            f"without a certificate nobody can connect to this server: if {over_tls[0]} hangs up over a new connection, "
            "the call ends only when its silence is noticed",
            "set RINGBRIDGE_SIP_TLS_CERTIFICATE and RINGBRIDGE_SIP_TLS_KEY",
        )


def _transport(uri: str) -> str:
    return "TLS" if goes_over_tls(uri) else "UDP or TCP"


def _device(line: Line, devices: "Sequence[RegisteredDevice]") -> Finding:
    """Whether a line of kind device has a phone, and where."""
    subject = f"line {line.number}"
    if not devices:
        return warn(
            subject,
            f"no phone is registered as {line.sip_username}",
            "enter user name, password and this server's address in the phone (docs/phones.md)",
        )
    places = [f"{host_and_port(one.host, one.port)} over {one.transport}" for one in devices]
    return ok(subject, f"registered from {', '.join(places)}")
