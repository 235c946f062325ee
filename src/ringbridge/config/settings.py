"""Every setting of the server and the commands, with its default."""

import ipaddress
import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ringbridge.config.values import (
    Control,
    ControlAddress,
    DatabaseUrl,
    DigestAlgorithms,
    FileOrFolder,
    Host,
    Issuer,
    LogFormat,
    LogLevel,
    Networks,
    Origins,
    OwnAddress,
    Port,
    PortRange,
    Ports,
    Relay,
    SecondFactorPolicy,
)

PREFIX = "RINGBRIDGE_"
PORT_TAKES = "a port number from 0 to 65535 (0 is any free port)"
ADDRESS_TAKES = "the IP address of this machine that phones and trunks reach, not a name and not 0.0.0.0"


def default_data_dir(user_id: int) -> Path:
    """Where the data of that user lives unless RINGBRIDGE_DATA_DIR says otherwise.

    Root runs a service of the machine, whose state belongs in /var/lib (FHS 5.8) and must not depend on HOME, which
    service managers leave unset. Anybody else may write only below their home (XDG base directories).
    """
    if user_id == 0:
        return Path("/var/lib/ringbridge")
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "ringbridge"


class Settings(BaseSettings):
    """Every setting. Each description says what the setting takes, and is part of the sentence when it is wrong."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    data_dir: FileOrFolder = Field(
        default_factory=lambda: default_data_dir(os.geteuid()),
        description="a folder that the server may write",
    )
    database_url: DatabaseUrl = Field(
        default_factory=lambda earlier: f"sqlite:///{earlier['data_dir']}/ringbridge.db",
        description="sqlite:////absolute/path.db or postgresql://user:password@host/database",
        repr=False,
    )
    http_host: Host = Field(default="127.0.0.1", description="the IP address or name to listen on for HTTP")
    http_port: Port = Field(default=8080, description=PORT_TAKES)
    insecure_http: bool = Field(default=False, description="true or false")
    sip_host: OwnAddress = Field(default="127.0.0.1", description=ADDRESS_TAKES)
    sip_port: Port = Field(default=5060, description=PORT_TAKES)
    sip_tls_port: Port = Field(default=5061, description=PORT_TAKES)
    sip_tls_certificate: FileOrFolder | None = Field(
        default=None,
        description="a file with this server's certificate and those between it and the root, PEM",
    )
    sip_tls_key: FileOrFolder | None = Field(
        default=None, description="a file with the certificate's key, PEM, without a password"
    )
    sip_tls_ca: FileOrFolder | None = Field(
        default=None, description="a file with certificates of authorities, PEM"
    )
    sip_wss_port: Port = Field(default=7443, description=PORT_TAKES)
    sip_wss_origins: Origins = Field(
        default=(), description="origins of web pages parted by commas, for example https://crm.example.com"
    )
    sip_digest_algorithms: DigestAlgorithms = Field(
        default=("MD5",), description="MD5, SHA-256, or both parted by a comma, the preferred one first"
    )
    trunk_ping_seconds: float = Field(
        default=30.0, ge=0.0, le=3600.0, description="seconds from 0 (never) to 3600"
    )
    media_host: OwnAddress = Field(
        default_factory=lambda earlier: earlier["sip_host"], description=ADDRESS_TAKES
    )
    media_ports: Ports = Field(
        default=PortRange(20_000, 29_999),
        description="FIRST-LAST with at least four ports from 1024 to 65535, for example 20000-29999",
    )
    media_relay: Relay = Field(default="rtpio", description="rtpio or rtpengine")
    rtpengine: Control = Field(
        default=ControlAddress("127.0.0.1", 2223),
        description="HOST:PORT of rtpengine's --listen-tcp-ng, for example 127.0.0.1:2223 or [::1]:2223",
    )
    webhook_private: Networks = Field(
        default=(), description="true, or networks parted by commas, for example 10.0.0.0/8"
    )
    openid_issuer: Issuer | None = Field(
        default=None, description="the address of an OpenID provider, for example https://login.example.com"
    )
    openid_client_id: str = Field(default="", description="what the OpenID provider knows this server by")
    openid_client_secret: str = Field(
        default="", description="the secret that the OpenID provider gave for it", repr=False
    )
    openid_name: str = Field(default="OpenID", description="what people call the OpenID provider")
    second_factor: SecondFactorPolicy = Field(default="offered", description="offered or required")
    log_level: LogLevel = Field(default="info", description="debug, info, warning or error")
    log_format: LogFormat = Field(
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
