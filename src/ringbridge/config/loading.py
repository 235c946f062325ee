"""Where settings come from: the environment, a file, and what is said of those that are wrong."""

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from ringbridge.config.errors import SettingsError
from ringbridge.config.settings import PREFIX, Settings, default_data_dir

FILE_NAME = "ringbridge.toml"

# What is not repeated when it is wrong.
_SECRETS = frozenset({"database_url", "openid_client_secret"})

CLIENT_VARIABLES = ("RINGBRIDGE_URL", "RINGBRIDGE_ACCOUNT", "RINGBRIDGE_KEY")
"""What `ringbridge call` reads besides the settings: the options of one command, not of the server."""


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
    if settings.openid_issuer is not None and not settings.openid_client_id:
        raise SettingsError(
            f"{_source('openid_issuer', file)} is set: {PREFIX}OPENID_CLIENT_ID has to say what the provider knows "
            "this server by"
        )
    return LoadedSettings(settings, file, _unknown_names(values, file))


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
    value = "" if name in _SECRETS else f" is {first['input']!r}, but"
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
