"""`ringbridge doctor`: looks at everything that a call needs, and says how to mend what is amiss."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated

import typer

from ringbridge.call.errors import CallError
from ringbridge.cli.errors import CommandError
from ringbridge.cli.finding import Finding, Level, fail, ok, warn
from ringbridge.cli.output import show
from ringbridge.cli.workspace import administration

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Check settings, ports, database, media, trunks, phones and clock; exit status 1 if calls cannot work.

    It may run beside the server, and changes nothing but the version of the database's tables.

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
    from ringbridge.config import SettingsError, load_settings

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
    yield machine.clock()
    yield machine.data_folder(settings.data_dir)
    yield from _database()
    is_running, http = machine.http_port(settings.http_host, settings.http_port)
    yield http
    yield machine.sip_port(settings.sip_host, settings.sip_port, is_running=is_running)
    yield machine.media_relay()
    yield machine.media_ports(settings.media_host, settings.media_ports, is_running=is_running)
    yield machine.receive_buffer()


def _database() -> Iterator[Finding]:
    """Whether it can be read, what is missing in it for a first call, and who of those in it can be reached."""
    from ringbridge.cli.reachability import probe

    with ExitStack() as resources:
        try:
            directory = resources.enter_context(administration())
            accounts, trunks = directory.accounts(), directory.trunks()
            lines = [line for account in accounts for line in directory.lines(account.id)]
            has_key = any(directory.keys(account.id) for account in accounts)
        except (CallError, CommandError) as error:
            yield fail("database", str(error), "correct RINGBRIDGE_DATABASE_URL, or start the database")
            return
    yield ok("database", f"{len(accounts)} accounts, {len(lines)} lines, {len(trunks)} trunks")
    if not accounts:
        yield warn("accounts", "there is none", 'ringbridge account add --name "Blue Bottle"')
    elif not has_key:
        yield warn("keys", "there is none", f"ringbridge key create --account {accounts[0].id}")
    if accounts and not lines:
        yield warn(
            "lines", "there is none", f"ringbridge line add --account {accounts[0].id} --number ... --uri ..."
        )
    if not trunks:
        yield warn("trunks", "there is none: lines can call one another only", "ringbridge trunk add")
    wanted = {f"trunk {trunk.name}": trunk.uri for trunk in trunks}
    wanted |= {f"line {line.number}": line.uri for line in lines if line.uri is not None}
    yield from asyncio.run(probe(wanted))
