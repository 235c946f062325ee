"""The secret beside the data: what digests of API keys are keyed with."""

import os
import secrets
from pathlib import Path

from ringbridge.config.errors import SettingsError
from ringbridge.config.settings import PREFIX

PEPPER_OCTETS = 32


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
