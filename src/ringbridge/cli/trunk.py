"""`ringbridge trunk`: ways to the public network."""

import re
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer

from ringbridge.call.directory import CallerIdPolicy, NumberFormat, Srtp, Trunk
from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import show
from ringbridge.cli.workspace import administration, read_settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Ways to the public network.")

# No country has a number that begins with a zero (ITU-T E.164 section 6.2.1).
_PREFIX = re.compile(r"\+?([1-9][0-9]{0,14})")
_NUMBER_PREFIX = re.compile(r"[0-9*#]{0,16}")


def _pem_file(help_text: str) -> Any:
    return typer.Option(help=help_text, exists=True, dir_okay=False, readable=True, resolve_path=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Option(help="What the trunk is called.")],
    uri: Annotated[str, typer.Option(help="Where its calls go: sip:HOST:PORT;transport=udp, tcp or tls.")],
    username: Annotated[str | None, typer.Option(help="For digest authentication.")] = None,
    password: Annotated[str | None, typer.Option(help="For digest authentication.")] = None,
    register: Annotated[bool, typer.Option("--register", help="Register at it, as a phone would.")] = False,
    prefix: Annotated[
        list[str] | None, typer.Option(help="Carry only numbers that begin so, such as +44. May be repeated.")
    ] = None,
    position: Annotated[
        int | None,
        typer.Option(min=0, help="Its place among those with an equally long prefix; else the last."),
    ] = None,
    weight: Annotated[
        int, typer.Option(min=1, max=1000, help="Its share among those at the same position.")
    ] = 1,
    channels: Annotated[int | None, typer.Option(min=1, help="Calls at once that it takes.")] = None,
    calls_per_second: Annotated[int | None, typer.Option(min=1, help="New calls in a second.")] = None,
    number_format: Annotated[
        NumberFormat, typer.Option(help="How numbers are written: +15125292329, 15125292329 or 5125292329.")
    ] = NumberFormat.E164_PLUS,
    number_prefix: Annotated[str, typer.Option(help="What is dialled in front of every number.")] = "",
    caller_id: Annotated[
        CallerIdPolicy,
        typer.Option(
            help="The caller's number in From; asserted besides, in P-Asserted-Identity; or only there."
        ),
    ] = CallerIdPolicy.FROM,
    srtp: Annotated[Srtp, typer.Option(help="Encrypt audio; needs TLS.")] = Srtp.OFF,
    nat: Annotated[
        bool, typer.Option("--nat", help="Its audio may come from elsewhere than it says.")
    ] = False,
    tls_ca: Annotated[
        Path | None, _pem_file("Trust this authority (PEM) in place of those of the system.")
    ] = None,
    tls_certificate: Annotated[
        Path | None, _pem_file("Show this certificate (PEM) to a carrier that asks for one.")
    ] = None,
    tls_key: Annotated[Path | None, _pem_file("Its private key (PEM).")] = None,
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
    from ringbridge.cli.target import goes_over_tls, sip_uri, warn_of_other_family

    if name.strip() == SIMULATED:
        raise CommandError(f"the name {SIMULATED} is kept for the calls of test keys: give another one")
    if (username is None) != (password is None):
        raise CommandError("--username and --password go together")
    if register and username is None:
        raise CommandError("--register needs --username and --password")
    if (tls_certificate is None) != (tls_key is None):
        raise CommandError("--tls-certificate and --tls-key go together")
    if not _NUMBER_PREFIX.fullmatch(number_prefix):
        raise CommandError(f"--number-prefix takes up to 16 of 0123456789*#, not {number_prefix!r}")
    if number_prefix and number_format is NumberFormat.E164_PLUS:
        raise CommandError("a plus comes first: --number-prefix goes with --number-format e164 or national")
    needs_tls = srtp is not Srtp.OFF or tls_ca is not None or tls_certificate is not None
    if needs_tls and not goes_over_tls(sip_uri(uri)):
        raise CommandError("--srtp and --tls-... need TLS: write --uri sip:HOST;transport=tls")
    settings = read_settings()
    with administration(settings) as directory:
        directory.add_trunk(
            Trunk(
                id=secrets.token_hex(8),
                name=shown_name(name),
                uri=sip_uri(uri),
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
            ),
            position=position,
        )
    warn_of_other_family([uri], settings.sip_host)


@app.command("list")
def list_trunks(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List all trunks, the default one first; --json says everything but the passwords."""
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


def _prefix(text: str) -> str:
    match = _PREFIX.fullmatch(text.strip())
    if match is None:
        raise CommandError(
            f"{text!r} is no beginning of a number: write it with its country code, such as +44"
        )
    return f"+{match[1]}"


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)
