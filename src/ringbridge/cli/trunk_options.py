"""The options of a trunk, which `trunk add` and `trunk set` both take."""

from enum import Enum
from typing import Any

import typer


def _pem_file(help_text: str) -> Any:
    return typer.Option(help=help_text, exists=True, dir_okay=False, readable=True, resolve_path=True)


URI = typer.Option(help="Where its calls go: sip:HOST:PORT;transport=udp, tcp or tls.")
USERNAME = typer.Option(help="For digest authentication.")
PASSWORD = typer.Option(help="For digest authentication.")
REGISTER = typer.Option("--register/--no-register", help="Register at it, as a phone would.")
PREFIX = typer.Option(help="Carry only numbers that begin so, such as +44. May be repeated.")
POSITION = typer.Option(
    min=0, help="Its place among those with an equally long prefix; a new one is the last."
)
WEIGHT = typer.Option(min=1, max=1000, help="Its share among those at the same position.")
CHANNELS = typer.Option(min=1, help="Calls at once that it takes.")
CALLS_PER_SECOND = typer.Option(min=1, help="New calls in a second.")
NUMBER_FORMAT = typer.Option(help="How numbers are written: +15125292329, 15125292329 or 5125292329.")
NUMBER_PREFIX = typer.Option(help="What is dialled in front of every number.")
CALLER_ID = typer.Option(
    help="The caller's number in From; asserted besides, in P-Asserted-Identity; or only there."
)
SRTP = typer.Option(help="Encrypt audio; needs TLS.")
NAT = typer.Option("--nat/--no-nat", help="Its audio may come from elsewhere than it says.")
TLS_CA = _pem_file("Trust this authority (PEM) in place of those of the system.")
TLS_CERTIFICATE = _pem_file("Show this certificate (PEM) to a carrier that asks for one.")
TLS_KEY = _pem_file("Its private key (PEM).")


class Optional(Enum):
    """What a trunk can do without, by its field."""

    USERNAME = "username"
    PASSWORD = "password"  # noqa: S105 - the name of an option
    PREFIXES = "prefix"
    CHANNELS = "channels"
    CALLS_PER_SECOND = "calls-per-second"
    NUMBER_PREFIX = "number-prefix"
    TLS_CA = "tls-ca"
    TLS_CERTIFICATE = "tls-certificate"
    TLS_KEY = "tls-key"
