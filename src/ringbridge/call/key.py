"""API keys as values: what a key may do, over which lines, from where and when. Pure."""

from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple, Protocol

from ringbridge.call.errors import CallError, InvalidSetting

Network = IPv4Network | IPv6Network


class Scope(Enum):
    """One thing that a key may be allowed. What no scope names, no key can do."""

    CALLS_CREATE = "calls:create"
    CALLS_READ = "calls:read"
    CALLS_CANCEL = "calls:cancel"
    CALLS_CONTROL = "calls:control"
    RECORDS_READ = "records:read"
    RECORDS_ERASE = "records:erase"
    LINES_READ = "lines:read"
    LINES_WRITE = "lines:write"
    TRUNKS_READ = "trunks:read"
    LIMITS_READ = "limits:read"
    LIMITS_WRITE = "limits:write"
    USAGE_READ = "usage:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    TOKENS_CREATE = "tokens:create"
    AUDIT_READ = "audit:read"


# What a key could do before there were scopes, and still can when it was given none.
CALL_SCOPES = frozenset({Scope.CALLS_CREATE, Scope.CALLS_READ, Scope.CALLS_CANCEL})


# What concerns all lines of an account: no key that is bound to some of them can do it, whatever it was given.
ACCOUNT_SCOPES = frozenset(
    {
        Scope.RECORDS_ERASE,
        Scope.LIMITS_WRITE,
        Scope.WEBHOOKS_READ,
        Scope.WEBHOOKS_WRITE,
        Scope.KEYS_READ,
        Scope.KEYS_WRITE,
        Scope.AUDIT_READ,
    }
)


# What live calls go by: no test key changes it, whatever it was given.
LIVE_SCOPES = frozenset({Scope.LINES_WRITE, Scope.LIMITS_WRITE})


class TooManyKeys(CallError):
    """The account has as many active keys as it may; the text says what to do."""

    code = "too_many_keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A stored key: `id` is public and finds the row, `secret_digest` is the HMAC-SHA256 of the secret, in hexadecimal.

    Times are UTC seconds since 1970. scopes: what it may do; None means CALL_SCOPES. lines: the numbers of the lines that
    it may place calls for; none means all of the account. networks: where its requests may come from, as CIDR; none
    means anywhere. is_test: its calls are simulated. ends_calls: whether its calls that were
    up ended with its revocation. successor_id: the key that it was exchanged for last.
    """

    id: str
    account_id: str
    name: str
    secret_digest: str = field(repr=False)
    created_at: float
    expires_at: float
    revoked_at: float | None = None
    not_before: float | None = None
    scopes: frozenset[Scope] | None = None
    lines: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    is_test: bool = False
    ends_calls: bool = False
    successor_id: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the key was given `scope`, and is neither bound to lines where that concerns the whole account, nor a
        test key where it concerns live calls.
        """
        if self.lines and scope in ACCOUNT_SCOPES:
            return False
        if self.is_test and scope in LIVE_SCOPES:
            return False
        return scope in (CALL_SCOPES if self.scopes is None else self.scopes)

    def may_use(self, line_number: str) -> bool:
        """Whether the key may place calls of the line with this number."""
        return not self.lines or line_number in self.lines

    def may_see(self, line_number: str, is_test: bool) -> bool:
        """Whether the key may see, change and end a call of that line; a test key knows of test calls only."""
        return self.may_use(line_number) and (is_test or not self.is_test)

    def is_expired(self, utc_now: float) -> bool:
        """Whether its time is over at `utc_now`, and nobody revoked it."""
        return self.revoked_at is None and self.expires_at <= utc_now

    def refusal(self, address: str, utc_now: float) -> str | None:
        """Why the right key does not open at `utc_now` for a request from `address`, in a word for the log; None if it does."""
        if self.revoked_at is not None:
            return "revoked"
        if self.is_expired(utc_now):
            return "expired"
        if self.not_before is not None and utc_now < self.not_before:
            return "not yet valid"
        if self.networks and not _is_within(address, self.networks):
            return "address not allowed"
        return None


class KeyUse(NamedTuple):
    """When a key was used last, in UTC seconds since 1970, to the minute, and from which address."""

    used_at: float
    address: str


class KnownKey(NamedTuple):
    """A key, and when it was used last, if ever."""

    key: ApiKey
    use: KeyUse | None


class KeyStore(Protocol):
    """Keeps keys; `ringbridge.store.keys` says what each method does and raises. Called in threads."""

    def key_page(
        self,
        account_id: str,
        after: tuple[float, str] | None,
        limit: int,
        *,
        ended: bool | None = None,
        at: float = 0.0,
        of_tests: bool = False,
    ) -> list[KnownKey]: ...

    def known_key(self, account_id: str, key_id: str) -> KnownKey | None: ...

    def add_key(self, key: ApiKey, *, by_key: str | None = None) -> None: ...

    def exchange_key(
        self, old_id: str, new: ApiKey, *, old_until: float, by_key: str | None = None
    ) -> None: ...

    def revoke_key(
        self, key_id: str, *, at: float, account_id: str | None = None, ends_calls: bool = False
    ) -> None: ...


def parse_scopes(words: list[str]) -> frozenset[Scope] | None:
    """The scopes that `words` name, None when there is no word. Raises InvalidSetting."""
    known = {scope.value: scope for scope in Scope}
    for word in words:
        if word not in known:
            raise InvalidSetting(f"{word!r} is not a scope. Scopes are: {', '.join(known)}")
    return frozenset(known[word] for word in words) or None


def parse_networks(words: list[str]) -> tuple[str, ...]:
    """The networks that `words` name, as addresses or CIDR, each written one way. Raises InvalidSetting."""
    try:
        return tuple(dict.fromkeys(str(ip_network(word.strip(), strict=False)) for word in words))
    except ValueError as error:
        raise InvalidSetting(
            f"{error}: write an address or a network, for example 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32"
        ) from error


def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether `address` belongs to one of `networks`. A socket for both families shows IPv4 as IPv6 (RFC 4291 section 2.5.5.2)."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in _network(network) for network in networks)


@lru_cache(maxsize=4096)
def _network(text: str) -> Network:
    return ip_network(text)
