"""`ringbridge trunk`: ways to the public network."""

import secrets
from pathlib import Path
from typing import Annotated, Any

import typer

from ringbridge.call.directory import CallerIdPolicy, NumberFormat, Srtp, Trunk
from ringbridge.call.errors import InvalidOption
from ringbridge.call.provisioning import check_trunk, number_beginning
from ringbridge.cli import trunk_options as options
from ringbridge.cli.change import changed
from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import show
from ringbridge.cli.workspace import administration, read_settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Ways to the public network.")

_SENTENCES = {
    "username_and_password": "--username and --password go together",
    "registers_without_username": "--register needs --username and --password",
    "certificate_and_key": "--tls-certificate and --tls-key go together",
    "invalid_number_prefix": "--number-prefix takes up to 16 of 0123456789*#, not {trunk.number_prefix!r}",
    "prefix_before_plus": "a plus comes first: --number-prefix goes with --number-format e164 or national",
    "needs_tls": "--srtp and --tls-... need TLS: write --uri sip:HOST;transport=tls",
}


@app.command("add")
def add(
    name: Annotated[str, typer.Option(help="What the trunk is called.")],
    uri: Annotated[str, options.URI],
    username: Annotated[str | None, options.USERNAME] = None,
    password: Annotated[str | None, options.PASSWORD] = None,
    register: Annotated[bool, options.REGISTER] = False,
    prefix: Annotated[list[str] | None, options.PREFIX] = None,
    position: Annotated[int | None, options.POSITION] = None,
    weight: Annotated[int, options.WEIGHT] = 1,
    channels: Annotated[int | None, options.CHANNELS] = None,
    calls_per_second: Annotated[int | None, options.CALLS_PER_SECOND] = None,
    number_format: Annotated[NumberFormat, options.NUMBER_FORMAT] = NumberFormat.E164_PLUS,
    number_prefix: Annotated[str, options.NUMBER_PREFIX] = "",
    caller_id: Annotated[CallerIdPolicy, options.CALLER_ID] = CallerIdPolicy.FROM,
    srtp: Annotated[Srtp, options.SRTP] = Srtp.OFF,
    nat: Annotated[bool, options.NAT] = False,
    tls_ca: Annotated[Path | None, options.TLS_CA] = None,
    tls_certificate: Annotated[Path | None, options.TLS_CERTIFICATE] = None,
    tls_key: Annotated[Path | None, options.TLS_KEY] = None,
) -> None:
    """Add a trunk.

    A call tries up to three of them: those with the longest fitting prefix first, then by position, then by weight.
    The next one is tried only when a carrier fails, never when somebody refuses.

    \b
    Examples:
      A carrier that knows this server by its address:
        ringbridge trunk add --name carrier --uri sip:192.0.2.1
      One with an account, that wants numbers without plus, for Britain and France only:
        ringbridge trunk add --name europe --uri "sip:sip.example.net;transport=tls" --srtp required \\
          --username 1009683 --password s3cret --register --number-format e164 --prefix +44 --prefix +33
      Two that share the calls 3 to 1:
        ringbridge trunk add --name a --uri sip:192.0.2.1 --position 1 --weight 3
        ringbridge trunk add --name b --uri sip:192.0.2.2 --position 1 --weight 1
    """
    from ringbridge.call.simulation import SIMULATED
    from ringbridge.cli.name import shown_name
    from ringbridge.cli.target import warn_of_other_family

    if name.strip() == SIMULATED:
        raise CommandError(f"the name {SIMULATED} is kept for the calls of test keys: give another one")
    trunk = Trunk(
        id=secrets.token_hex(8),
        name=shown_name(name),
        uri=uri,
        username=username,
        password=password,
        registers=register,
        prefixes=tuple(map(_prefix, prefix or ())),
        weight=weight,
        channels=channels,
        calls_per_second=calls_per_second,
        number_format=number_format,
        number_prefix=number_prefix,
        caller_id=caller_id,
        srtp=srtp,
        nat=nat,
        tls_ca=_path(tls_ca),
        tls_certificate=_path(tls_certificate),
        tls_key=_path(tls_key),
    )
    _check(trunk)
    settings = read_settings()
    with administration(settings) as directory:
        directory.add_trunk(trunk, position=position)
    warn_of_other_family([uri], settings.sip_host)


@app.command("set")
def change(
    name: Annotated[str, typer.Argument(help="The trunk's name.")],
    uri: Annotated[str | None, options.URI] = None,
    username: Annotated[str | None, options.USERNAME] = None,
    password: Annotated[str | None, options.PASSWORD] = None,
    register: Annotated[bool | None, options.REGISTER] = None,
    prefix: Annotated[list[str] | None, options.PREFIX] = None,
    position: Annotated[int | None, options.POSITION] = None,
    weight: Annotated[int | None, options.WEIGHT] = None,
    channels: Annotated[int | None, options.CHANNELS] = None,
    calls_per_second: Annotated[int | None, options.CALLS_PER_SECOND] = None,
    number_format: Annotated[NumberFormat | None, options.NUMBER_FORMAT] = None,
    number_prefix: Annotated[str | None, options.NUMBER_PREFIX] = None,
    caller_id: Annotated[CallerIdPolicy | None, options.CALLER_ID] = None,
    srtp: Annotated[Srtp | None, options.SRTP] = None,
    nat: Annotated[bool | None, options.NAT] = None,
    tls_ca: Annotated[Path | None, options.TLS_CA] = None,
    tls_certificate: Annotated[Path | None, options.TLS_CERTIFICATE] = None,
    tls_key: Annotated[Path | None, options.TLS_KEY] = None,
    unset: Annotated[
        list[options.Optional] | None, typer.Option(help="Do without it. May be repeated.")
    ] = None,
) -> None:
    """Change what is given of a trunk, and leave the rest; a running server knows within a second.

    The prefixes that are given replace those that there were. Calls that are up go on as they are.

    \b
    Examples:
      ringbridge trunk set carrier --username 1009683 --password n3w
      ringbridge trunk set carrier --channels 30 --prefix +44 --prefix +33
      ringbridge trunk set carrier --no-register --unset prefix --unset channels
    """
    from ringbridge.cli.target import warn_of_other_family

    given = {
        "uri": uri,
        "username": username,
        "password": password,
        "registers": register,
        "prefixes": tuple(map(_prefix, prefix)) if prefix else None,
        "position": position,
        "weight": weight,
        "channels": channels,
        "calls_per_second": calls_per_second,
        "number_format": number_format,
        "number_prefix": number_prefix,
        "caller_id": caller_id,
        "srtp": srtp,
        "nat": nat,
        "tls_ca": _path(tls_ca),
        "tls_certificate": _path(tls_certificate),
        "tls_key": _path(tls_key),
    }

    def apply(before: Trunk) -> Trunk:
        after = changed(before, given, unset)
        _check(after)
        return after

    settings = read_settings()
    with administration(settings) as directory:
        after = directory.change_trunk(name, apply)
    warn_of_other_family([after.uri], settings.sip_host)


@app.command("list")
def list_trunks(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List all trunks, by position; --json says everything but the passwords."""
    with administration() as directory:
        trunks = directory.trunks()
    show(
        [_as_json(trunk) if as_json else _as_row(trunk) for trunk in trunks],
        as_json=as_json,
        empty="no trunks yet: ringbridge trunk add --name carrier --uri sip:192.0.2.1",
    )


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="The trunk's name.")]) -> None:
    """Remove a trunk that no line is reached over; calls that it carries go on."""
    with administration() as directory:
        directory.remove_trunk(name)


def _as_row(trunk: Trunk) -> dict[str, Any]:
    """What tells trunks apart at a glance."""
    return {
        "name": trunk.name,
        "uri": trunk.uri,
        "username": trunk.username,
        "registers": trunk.registers,
        "prefixes": " ".join(trunk.prefixes) or None,
        "position": trunk.position,
        "weight": trunk.weight,
    }


def _as_json(trunk: Trunk) -> dict[str, Any]:
    return _as_row(trunk) | {
        "prefixes": trunk.prefixes,
        "channels": trunk.channels,
        "calls_per_second": trunk.calls_per_second,
        "number_format": trunk.number_format.value,
        "number_prefix": trunk.number_prefix,
        "caller_id": trunk.caller_id.value,
        "srtp": trunk.srtp.value,
        "nat": trunk.nat,
        "tls_ca": trunk.tls_ca,
        "tls_certificate": trunk.tls_certificate,
        "tls_key": trunk.tls_key,
    }


def _check(trunk: Trunk) -> None:
    """Whether these options go together. Raises CommandError."""
    from ringbridge.cli.target import goes_over_tls, sip_uri

    try:
        check_trunk(trunk, over_tls=goes_over_tls(sip_uri(trunk.uri)))
    except InvalidOption as error:
        raise CommandError(_SENTENCES[error.code].format(trunk=trunk)) from error


def _prefix(text: str) -> str:
    try:
        return number_beginning(text)
    except InvalidOption as error:
        raise CommandError(
            f"{text!r} is no beginning of a number: write it with its country code, such as +44"
        ) from error


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)
