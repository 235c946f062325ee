"""Passkeys of the portal's users (Web Authentication, W3C): where one can be used, and what is kept of it. Pure."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from ringbridge.call.errors import CallError
from ringbridge.call.user import SignInRefused, User

MOST_PASSKEYS = 20

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class PasskeyRefused(SignInRefused):
    """A passkey that opens nothing here: unknown, too late, or it does not prove what it should. The text is for the log."""

    code = "passkey_refused"


class TooManyPasskeys(CallError):
    """Somebody has all the passkeys that one may have."""

    code = "too_many_passkeys"


class PlaceUnusable(CallError):
    """No browser makes or uses a passkey at this address; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__("Browsers have no passkeys for this address.")
        self.code = code


class Place(NamedTuple):
    """Where browsers reach the portal. origin: as they name it, `https://calls.example.com`; name: the host of it."""

    origin: str
    name: str


def place_of(scheme: str, host: str) -> Place:
    """The place of a request with this scheme and Host header.

    Raises PlaceUnusable: `passkey_needs_name` for an IP address (Web Authentication section 5.1.3: a domain is needed),
    `passkey_needs_tls` where the browser takes the page for insecure.
    """
    try:
        parts = urlsplit(f"{scheme}://{host.lower()}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        raise PlaceUnusable("passkey_needs_name") from None
    if not _NAME.fullmatch(name) or _is_address(name):
        raise PlaceUnusable("passkey_needs_name")
    # Secure Contexts section 3.1: names of the machine itself are as good as TLS.
    if scheme != "https" and name != "localhost" and not name.endswith(".localhost"):
        raise PlaceUnusable("passkey_needs_tls")
    # Browsers leave out the port that goes without saying; proxies may write it.
    suffix = "" if port in (None, _DEFAULT_PORTS.get(scheme)) else f":{port}"
    return Place(f"{scheme}://{name}{suffix}", name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """What is kept of a passkey. Times are UTC seconds since 1970.

    id: ours; credential_id: the authenticator's, in base64url, unique on the server. public_key: COSE_Key in base64url.
    origin: where it was made, and the only place where it opens. sign_count: as it was told last; 0 from those that do
    not count.
    """

    id: str
    user_id: str
    name: str
    credential_id: str
    public_key: str = field(repr=False)
    sign_count: int
    origin: str
    created_at: float
    used_at: float | None = None


class PasskeyStore(Protocol):
    """Keeps passkeys. Its methods block: call them in threads. All raise StoreUnavailable."""

    def of_user(self, user_id: str) -> list[Passkey]:
        """Those of the user, the oldest first."""
        ...

    def find(self, credential_id: str) -> tuple[Passkey, User] | None:
        """The passkey with this id of its authenticator, and whose it is."""
        ...

    def add(self, passkey: Passkey) -> None:
        """Keep a new one. Raises AlreadyExists, TooManyPasskeys, and NotFound without such a user."""
        ...

    def use(self, passkey_id: str, sign_count: int, used_at: float) -> bool:
        """Note a use; False where the count is none that comes after the last one, or the passkey is gone."""
        ...

    def remove(self, user_id: str, passkey_id: str) -> bool:
        """Forget one of the user's; False where there is none such."""
        ...

    def remove_all(self, user_id: str) -> None:
        """Forget all of the user's."""
        ...
