"""Origins: whose pages an account lets call through this server, in browsers. Pure."""

import re
from typing import NamedTuple, Protocol

from ringbridge.call.errors import CallError, InvalidOption

MOST_ORIGINS = 50
"""How many an account may have: each request of a dialler in a frame looks through them."""

# RFC 6454 section 6.1, as browsers send it: lower case, no path, no default port.
_ORIGIN = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.\-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?")
_LONGEST = 255


class TooManyOrigins(CallError):
    """The account has all the origins that it may have."""

    code = "too_many_origins"


class AllowedOrigin(NamedTuple):
    """An origin, and since when it is allowed, in UTC seconds since 1970."""

    origin: str
    allowed_at: float


class OriginStore(Protocol):
    """Keeps what origins an account allows; called in threads. All methods raise StoreUnavailable."""

    def origins(self, account_id: str) -> list[AllowedOrigin]:
        """Those of the account, in the order of the alphabet."""
        ...

    def allow_origin(self, account_id: str, allowed: AllowedOrigin) -> None:
        """Add one, unless it is there. Raises TooManyOrigins, and NotFound without such an account."""
        ...

    def forbid_origin(self, account_id: str, origin: str) -> bool:
        """Take one away; False where it is not there."""
        ...


def require_origin(text: str) -> str:
    """`text`, if it is an origin as browsers write it. Raises InvalidOption."""
    if len(text) > _LONGEST or not _ORIGIN.fullmatch(text):
        raise InvalidOption("origin", "invalid_origin")
    return text
