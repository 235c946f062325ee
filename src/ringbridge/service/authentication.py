"""Who is calling: HTTP Basic credentials (RFC 7617) into an account and its key.

There is one answer for every reason to refuse, after the same work; the reason is for the log only. Wrong guesses
are slowed down by where they come from, never by the account alone: that would let a stranger lock it out. A right
key is never refused for wrong ones beside it.
"""

import base64
import binascii
import hmac
import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import structlog

from ringbridge.call.directory import Account
from ringbridge.call.errors import InvalidCredentials
from ringbridge.call.key import ApiKey, Scope
from ringbridge.call.ports import Directory
from ringbridge.service.clock import Clock
from ringbridge.service.credential import digest, parse_key

log = structlog.get_logger()

# A key has 69 characters and an account id a few; anything much longer is not worth decoding.
LONGEST_HEADER = 512

PAIR_FAILURES_PER_MINUTE = 10
NETWORK_FAILURES_PER_MINUTE = 100
REMEMBERED_SOURCES = 20_000

# Compared with when there is no key with that id, so that it takes as long as a wrong secret.
_NO_DIGEST = "0" * 64


class Caller(NamedTuple):
    """Whose request this is, and by which key. from_page: it came with a browser's token, which the key made."""

    account: Account
    key: ApiKey
    from_page: bool = False

    def require(self, scope: Scope) -> None:
        """Raises MissingScope unless the key may do this."""
        if not self.key.may(scope):
            raise MissingScope(scope)


class MissingScope(InvalidCredentials):
    """The right key, but not for this. `scope` is what it would take."""

    code = "missing_scope"

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"This key does not have the scope {scope.value}.")
        self.scope = scope


class TooManyFailures(InvalidCredentials):
    """Wrong again, and too often from there. `retry_after_seconds` is when a wrong guess is looked at calmly again."""

    code = "too_many_failures"

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("too many wrong credentials from this address")
        self.retry_after_seconds = retry_after_seconds


class Authenticator:
    """Checks credentials against the directory.

    pepper: the key under which secrets were digested. note_use: told of each key that opens, by its id, and from where;
    it neither blocks nor raises.
    """

    def __init__(
        self,
        directory: Directory,
        pepper: bytes,
        clock: Clock,
        *,
        note_use: Callable[[str, str], None] = lambda key_id, address: None,
    ) -> None:
        self._directory = directory
        self._note_use = note_use
        self._pepper = pepper
        self._clock = clock
        self._throttle = GuessThrottle()

    async def authenticate(self, authorization: str | None, address: str) -> Caller:
        """The caller behind an `Authorization` header that came from `address`.

        Raises InvalidCredentials, or TooManyFailures of that family; StoreUnavailable.
        """
        credentials = parse_basic(authorization)
        if credentials is None:
            # No guess, so not counted as one: a browser asks without credentials first.
            log.debug("credentials.missing", address=address)
            raise InvalidCredentials("invalid credentials")
        account_id, text = credentials
        key_text = parse_key(text)
        if key_text is None:
            raise self._refusal("no key", account_id, address)
        key = await self._directory.key(key_text.id)
        account = await self._directory.account(account_id)
        stored_digest = _NO_DIGEST if key is None else key.secret_digest
        right = hmac.compare_digest(digest(self._pepper, key_text.secret), stored_digest)
        if key is None:
            raise self._refusal("unknown key", account_id, address)
        if not right:
            raise self._refusal("wrong secret", account_id, address)
        if account is None:
            raise self._refusal("unknown account", account_id, address)
        if key.account_id != account.id:
            raise self._refusal("key of another account", account_id, address)
        reason = key.refusal(address, self._clock.utc_now())
        if reason is not None:
            raise self._refusal(reason, account_id, address)
        if account.suspended:
            raise self._refusal("suspended", account_id, address)
        self._note_use(key.id, address)
        return Caller(account, key)

    def _refusal(self, reason: str, account_id: str, address: str) -> InvalidCredentials:
        """The error to raise. Throttled guesses are not logged: a flood must not fill the disk."""
        retry_after_seconds = self._throttle.fail(address, account_id, self._clock.now())
        if retry_after_seconds > 0.0:
            return TooManyFailures(retry_after_seconds)
        log.info("credentials.refused", reason=reason, account=account_id[:64], address=address)
        return InvalidCredentials("invalid credentials")


class GuessThrottle:
    """Counts wrong guesses per pair of address and account, and per network (/24 or /64). Bounded in memory.

    Each source may fail so often in a minute; every further failure pushes the next calm one away, up to a minute.
    """

    def __init__(self) -> None:
        self._calm_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._calm_at)

    def fail(self, address: str, account_id: str, now: float) -> float:
        """Count a failure; the seconds until another is looked at calmly, 0.0 when this one still was."""
        return max(
            self._count((address, account_id[:64]), PAIR_FAILURES_PER_MINUTE, now),
            self._count((_network(address), "*"), NETWORK_FAILURES_PER_MINUTE, now),
        )

    def wait(self, address: str, account_id: str, now: float) -> float:
        """The seconds until a guess from there is looked at calmly; 0.0 when it is now. Counts nothing."""
        sources = (address, account_id[:64]), (_network(address), "*")
        return max(0.0, *(self._calm_at.get(source, now) - now - 60.0 for source in sources))

    def take_back(self, address: str, account_id: str) -> None:
        """What was counted with `fail` before it was looked at was right."""
        for source, per_minute in (
            ((address, account_id[:64]), PAIR_FAILURES_PER_MINUTE),
            ((_network(address), "*"), NETWORK_FAILURES_PER_MINUTE),
        ):
            if source in self._calm_at:
                self._calm_at[source] -= 60.0 / per_minute

    def _count(self, source: tuple[str, str], per_minute: int, now: float) -> float:
        """The generic cell rate algorithm of ITU-T I.371 with a burst of one minute."""
        calm_at = max(self._calm_at.get(source, now), now) + 60.0 / per_minute
        self._calm_at[source] = min(calm_at, now + 120.0)
        self._calm_at.move_to_end(source)
        if len(self._calm_at) > REMEMBERED_SOURCES:
            self._calm_at.popitem(last=False)
        return max(0.0, self._calm_at[source] - now - 60.0)


def parse_basic(authorization: str | None) -> tuple[str, str] | None:
    """The user and password of a Basic `Authorization` header, or None.

    The scheme in any case, padding optional; the first colon divides (RFC 7617 section 2).
    """
    if authorization is None or len(authorization) > LONGEST_HEADER:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    token = token.strip().rstrip("=")
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon else None


def _network(address: str) -> str:
    """The network that one guesser is taken to own: a /24 of IPv4, a /64 of IPv6; what is no address stands for itself."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 64), strict=False))
