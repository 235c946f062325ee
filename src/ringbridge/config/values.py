"""What settings can be: kinds of values, each with how it is read from text. What is none of that kind raises ValueError."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from ringbridge.notify.address import Network, parse_networks


class PortRange(NamedTuple):
    """UDP ports from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


class ControlAddress(NamedTuple):
    """Where another program is told what to do."""

    host: str
    port: int


def _path(value: object) -> object:
    return Path(value).expanduser().absolute() if isinstance(value, str) and value else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def is_host(text: str) -> bool:
    """Whether it is an IP address, or a name that a resolver can be asked about."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        pass
    else:
        return True
    try:
        # Empty and overlong labels are what this refuses.
        text.encode("idna")
    except UnicodeError:
        return False
    # Digits and dots alone would be an address.
    return re.fullmatch(r"(?![0-9.]*\Z)[0-9A-Za-z_.\-]{1,253}", text) is not None


def _host(value: object) -> str:
    if isinstance(value, str) and is_host(value):
        return value
    raise ValueError


def _origins(value: object) -> object:
    """Scheme, host and port of web pages, as browsers write them (RFC 6454 section 6.2)."""
    if not isinstance(value, str):
        return value
    origins = tuple(origin.strip() for origin in value.split(",") if origin.strip())
    if not all(re.fullmatch(r"https?://[0-9A-Za-z.:\[\]\-]{1,260}", origin) for origin in origins):
        raise ValueError
    return origins


def _words(value: object) -> object:
    return tuple(word.strip() for word in value.split(",")) if isinstance(value, str) else value


def _own_address(value: object) -> str:
    """An address of this machine as others see it: it is written into SIP messages and session descriptions."""
    address = ipaddress.ip_address(value if isinstance(value, str) else "")
    if address.is_unspecified or address.is_multicast:
        raise ValueError
    return str(address)


def _database_url(value: object) -> str:
    if isinstance(value, str) and re.match(r"(sqlite|postgres|postgresql|postgresql\+psycopg)://.", value):
        return value
    raise ValueError


def _issuer(value: object) -> str:
    """The address of an OpenID provider: over TLS, or on this machine."""
    pattern = r"https://[^\s?#]{1,500}|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/[^\s?#]{0,500})?"
    if isinstance(value, str) and re.fullmatch(pattern, value):
        return value
    raise ValueError


def _control_address(value: object) -> ControlAddress:
    if isinstance(value, ControlAddress):
        return value
    text = value if isinstance(value, str) else ""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z.\-]{1,253})):([0-9]{1,5})", text)
    if match is None or not 0 < int(match[3]) <= 65_535:
        raise ValueError
    return ControlAddress(match[1] or match[2], int(match[3]))


def _port_range(value: object) -> PortRange:
    if isinstance(value, PortRange):
        return value
    match = re.fullmatch(r"\s*([0-9]{1,5})\s*-\s*([0-9]{1,5})\s*", value if isinstance(value, str) else "")
    if match is None:
        raise ValueError
    ports = PortRange(int(match[1]), int(match[2]))
    # A call needs two ports for audio and two for RTCP.
    if ports.first < 1024 or ports.last > 65_535 or ports.last < ports.first + 3:
        raise ValueError
    return ports


Port = Annotated[int, Field(ge=0, le=65_535)]
FileOrFolder = Annotated[Path, BeforeValidator(_path)]
DatabaseUrl = Annotated[str, BeforeValidator(_database_url)]
Host = Annotated[str, BeforeValidator(_host)]
OwnAddress = Annotated[str, BeforeValidator(_own_address)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)]
DigestAlgorithms = Annotated[tuple[Literal["MD5", "SHA-256"], ...], NoDecode, BeforeValidator(_words)]
Ports = Annotated[PortRange, NoDecode, BeforeValidator(_port_range)]
Control = Annotated[ControlAddress, NoDecode, BeforeValidator(_control_address)]
Issuer = Annotated[str, BeforeValidator(_issuer)]
Relay = Annotated[Literal["rtpio", "rtpengine"], BeforeValidator(_lower)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(parse_networks)]
SecondFactorPolicy = Annotated[Literal["offered", "required"], BeforeValidator(_lower)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
LogFormat = Annotated[Literal["auto", "console", "json"], BeforeValidator(_lower)]
