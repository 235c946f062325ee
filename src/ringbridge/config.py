"""Settings of the server and the commands, and the secret beside its data.

A setting comes from the environment (`RINGBRIDGE_HTTP_PORT`), else from `ringbridge.toml` (`http_port`), else from its
default. One file is read: the one in the working directory, or else the one in the data folder. Whatever is wrong
with a setting becomes a SettingsError, whose text is one sentence for the administrator.
"""

import difflib
import errno
import ipaddress
import os
import re
import secrets
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from ringbridge.notify.address import Network, parse_networks

PREFIX = "RINGBRIDGE_"
FILE_NAME = "ringbridge.toml"
PEPPER_OCTETS = 32

CLIENT_VARIABLES = ("RINGBRIDGE_URL", "RINGBRIDGE_ACCOUNT", "RINGBRIDGE_KEY")
"""What `ringbridge call` reads besides the settings: the options of one command, not of the server."""


class SettingsError(Exception):
    """A setting, or a folder that one names, is not usable; the text says which and what to do."""


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


def default_data_dir(user_id: int) -> Path:
    """Where the data of that user lives unless RINGBRIDGE_DATA_DIR says otherwise.

    Root runs a service of the machine, whose state belongs in /var/lib (FHS 5.8) and must not depend on HOME, which
    service managers leave unset. Anybody else may write only below their home (XDG base directories).
    """
    if user_id == 0:
        return Path("/var/lib/ringbridge")
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "ringbridge"


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
PORT_TAKES = "a port number from 0 to 65535 (0 is any free port)"
ADDRESS_TAKES = "the IP address of this machine that phones and trunks reach, not a name and not 0.0.0.0"


class Settings(BaseSettings):
    """Every setting. Each description says what the setting takes, and is part of the sentence when it is wrong."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    data_dir: Annotated[Path, BeforeValidator(_path)] = Field(
        default_factory=lambda: default_data_dir(os.geteuid()),
        description="a folder that the server may write",
    )
    database_url: Annotated[str, BeforeValidator(_database_url)] = Field(
        default_factory=lambda earlier: f"sqlite:///{earlier['data_dir']}/ringbridge.db",
        description="sqlite:////absolute/path.db or postgresql://user:password@host/database",
        repr=False,
    )
    http_host: Annotated[str, BeforeValidator(_host)] = Field(
        default="127.0.0.1", description="the IP address or name to listen on for HTTP"
    )
    http_port: Port = Field(default=8080, description=PORT_TAKES)
    insecure_http: bool = Field(default=False, description="true or false")
    sip_host: Annotated[str, BeforeValidator(_own_address)] = Field(
        default="127.0.0.1", description=ADDRESS_TAKES
    )
    sip_port: Port = Field(default=5060, description=PORT_TAKES)
    sip_tls_port: Port = Field(default=5061, description=PORT_TAKES)
    sip_tls_certificate: Annotated[Path | None, BeforeValidator(_path)] = Field(
        default=None,
        description="a file with this server's certificate and those between it and the root, PEM",
    )
    sip_tls_key: Annotated[Path | None, BeforeValidator(_path)] = Field(
        default=None, description="a file with the certificate's key, PEM, without a password"
    )
    sip_tls_ca: Annotated[Path | None, BeforeValidator(_path)] = Field(
        default=None, description="a file with certificates of authorities, PEM"
    )
    sip_wss_port: Port = Field(default=7443, description=PORT_TAKES)
    sip_wss_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = Field(
        default=(), description="origins of web pages parted by commas, for example https://crm.example.com"
    )
    sip_digest_algorithms: Annotated[
        tuple[Literal["MD5", "SHA-256"], ...], NoDecode, BeforeValidator(_words)
    ] = Field(
        default=("MD5",), description="MD5, SHA-256, or both parted by a comma, the preferred one first"
    )
    trunk_ping_seconds: float = Field(
        default=30.0, ge=0.0, le=3600.0, description="seconds from 0 (never) to 3600"
    )
    media_host: Annotated[str, BeforeValidator(_own_address)] = Field(
        default_factory=lambda earlier: earlier["sip_host"], description=ADDRESS_TAKES
    )
    media_ports: Annotated[PortRange, NoDecode, BeforeValidator(_port_range)] = Field(
        default=PortRange(20_000, 29_999),
        description="FIRST-LAST with at least four ports from 1024 to 65535, for example 20000-29999",
    )
    media_relay: Annotated[Literal["rtpio", "rtpengine"], BeforeValidator(_lower)] = Field(
        default="rtpio", description="rtpio or rtpengine"
    )
    rtpengine: Annotated[ControlAddress, NoDecode, BeforeValidator(_control_address)] = Field(
        default=ControlAddress("127.0.0.1", 2223),
        description="HOST:PORT of rtpengine's --listen-tcp-ng, for example 127.0.0.1:2223 or [::1]:2223",
    )
    webhook_private: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(parse_networks)] = Field(
        default=(), description="true, or networks parted by commas, for example 10.0.0.0/8"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        default="info", description="debug, info, warning or error"
    )
    log_format: Annotated[Literal["auto", "console", "json"], BeforeValidator(_lower)] = Field(
        default="auto", description="console, json or auto (console on a terminal, else json)"
    )
    drain_seconds: float = Field(default=10.0, ge=0.0, le=3600.0, description="seconds from 0 to 3600")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before what is given, which is what the file says."""
        return env_settings, init_settings

    @property
    def http_is_open(self) -> bool:
        """Whether other machines can reach the HTTP side."""
        if self.http_host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.http_host).is_loopback
        except ValueError:
            return True


class LoadedSettings(NamedTuple):
    """The settings, the file that some of them came from, and a sentence for each name that means nothing."""

    settings: Settings
    file: Path | None
    warnings: tuple[str, ...]


def load_settings(folder: Path | None = None) -> LoadedSettings:
    """Read environment and file; `folder` stands for the working directory. Raises SettingsError."""
    file = _find_file(folder or Path.cwd())
    values = _read_file(file) if file is not None else {}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error, file)) from error
    if settings.http_is_open and not settings.insecure_http:
        raise SettingsError(
            f"{_source('http_host', file)} is {settings.http_host}, and plain HTTP would carry the API keys over the "
            f"network: keep 127.0.0.1 behind a TLS proxy, or set {PREFIX}INSECURE_HTTP=true if that network is yours"
        )
    return LoadedSettings(settings, file, _unknown_names(values, file))


def load_pepper(data_dir: Path, *, has_keys: bool) -> bytes:
    """The secret that API key digests are keyed with; made on first use. Raises SettingsError.

    has_keys: whether the database has keys in force. They were made with a pepper, and a new one would fit none of them.

    Written beside its place and linked into it, so that of two commands started at once both read the same whole
    file. It is not in the database, so that a stolen database alone proves no key.
    """
    path = data_dir / "pepper"
    try:
        if not path.exists():
            if has_keys:
                raise SettingsError(
                    f"{path} is missing, and no API key can be checked without it: restore it from a backup, "
                    "or give up all keys with `ringbridge key revoke --all`"
                )
            _make_pepper(path)
        pepper = path.read_bytes()
    except OSError as error:
        raise SettingsError(unwritable(data_dir, error)) from error
    if len(pepper) != PEPPER_OCTETS:
        raise SettingsError(
            f"{path} is damaged: restore it from a backup, or delete it and give up all keys with "
            "`ringbridge key revoke --all`"
        )
    return pepper


def unwritable(data_dir: Path, error: OSError) -> str:
    """The sentence for a data folder that cannot be used."""
    return (
        f"cannot use the data folder {data_dir} ({error.strerror}): "
        f"set {PREFIX}DATA_DIR to a folder that this user may write"
    )


class Unbindable(NamedTuple):
    """Why nothing can listen on an address, and what to do about it; both are parts of sentences."""

    reason: str
    mend: str


def unbindable(what: str, error: OSError) -> Unbindable:
    """What to say of an address that the settings of `what` (HTTP, SIP, SIP_TLS, SIP_WSS, MEDIA) name and that cannot be listened on."""
    another_host = f"set {PREFIX}{what.partition('_')[0]}_HOST to an address of this machine"
    if isinstance(error, socket.gaierror):
        return Unbindable("the name cannot be looked up", another_host)
    match error.errno:
        case errno.EADDRINUSE:
            return Unbindable("the port is in use", f"set {PREFIX}{what}_PORT to a free one")
        case errno.EACCES:
            return Unbindable(
                "this user may not use so low a port", f"set {PREFIX}{what}_PORT to one from 1024"
            )
        case errno.EADDRNOTAVAIL:
            return Unbindable("this machine has no such address", another_host)
        case _:
            return Unbindable(error.strerror or str(error), another_host)


def _make_pepper(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"pepper.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(PEPPER_OCTETS))
            stream.flush()
            os.fsync(stream.fileno())
        # link refuses to replace: whoever comes second keeps what the first one made.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _find_file(working_directory: Path) -> Path | None:
    here = working_directory / FILE_NAME
    if here.exists():
        return here
    data_dir = os.environ.get(f"{PREFIX}DATA_DIR")
    beside_data = (Path(data_dir).expanduser() if data_dir else default_data_dir(os.geteuid())) / FILE_NAME
    try:
        return beside_data if beside_data.exists() else None
    except OSError:
        # A data folder that may not even be looked into is told of when it is used.
        return None


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{file} is not TOML: {error}") from error


def _sentence(error: ValidationError, file: Path | None) -> str:
    """What is wrong with the first wrong setting."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    field = Settings.model_fields[name]
    value = "" if name == "database_url" else f" is {first['input']!r}, but"
    return f"{_source(name, file)}{value} takes {field.description}"


def _source(name: str, file: Path | None) -> str:
    """Where the administrator wrote the setting `name`."""
    variable = PREFIX + name.upper()
    written = {key.upper() for key, value in os.environ.items() if value}
    return variable if file is None or variable in written else f"{name} in {file}"


def _unknown_names(values: dict[str, Any], file: Path | None) -> tuple[str, ...]:
    variables = [PREFIX + name.upper() for name in Settings.model_fields]
    variables += CLIENT_VARIABLES
    sentences = [
        f"{name} is not a setting{_nearest(name.upper(), variables)}"
        for name in sorted(os.environ)
        if name.upper().startswith(PREFIX) and name.upper() not in variables
    ]
    sentences += [
        f"{name} in {file} is not a setting{_nearest(name, list(Settings.model_fields))}"
        for name in sorted(values.keys() - Settings.model_fields.keys())
    ]
    return tuple(sentences)


def _nearest(name: str, known: list[str]) -> str:
    matches = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {matches[0]}?" if matches else ""
