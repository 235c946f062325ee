"""Making, exchanging and revoking keys through the API. A key hands on no more than it has itself."""

import asyncio
import secrets
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

import structlog

from ringbridge.call.errors import CallError, InvalidOption, InvalidSetting, NotFound
from ringbridge.call.key import ACCOUNT_SCOPES, ApiKey, KeyStore, KnownKey, Scope, parse_networks
from ringbridge.call.number import InvalidNumber, normalise_line
from ringbridge.call.ports import Directory
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.credential import DAY_SECONDS, LONGEST_LIFE_DAYS, new_key, renewed_key

log = structlog.get_logger()


LONGEST_NAME = 100
"""Characters of a key's name."""


class BeyondOwnRights(CallError):
    """A key cannot give what it does not have."""

    code = "beyond_own_rights"


class MadeKey(NamedTuple):
    """A new key, and its text, which cannot be had again."""

    key: ApiKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest:
    """A key that is wanted. Lines and networks are as the client wrote them; none means all that the asking key has.

    is_test: whether its calls are to be simulated; None means like those of the asking key.
    """

    name: str
    scopes: frozenset[Scope]
    lines: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    days: int
    not_before: float | None = None
    is_test: bool | None = None


class KeyService:
    """The keys of the caller's account, of test keys only for one of those. `pepper` is what secrets are digested with.

    All methods raise StoreUnavailable.
    """

    def __init__(self, store: KeyStore, directory: Directory, pepper: bytes, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._pepper = pepper
        self._clock = clock

    async def page(
        self, caller: Caller, after: tuple[float, str] | None, limit: int, *, ended: bool | None = None
    ) -> list[KnownKey]:
        """The keys behind the one made at `after` with that id, the oldest first, `limit` at most.

        ended: only those that open nothing any more, or only the others.
        """
        account_id, now_utc = caller.account.id, self._clock.utc_now()
        return await asyncio.to_thread(
            self._store.key_page,
            account_id,
            after,
            limit,
            ended=ended,
            at=now_utc,
            of_tests=caller.key.is_test,
        )

    async def find(self, caller: Caller, key_id: str) -> KnownKey:
        """The key with this id. Raises NotFound."""
        known = await asyncio.to_thread(self._store.known_key, caller.account.id, key_id)
        if known is None or (caller.key.is_test and not known.key.is_test):
            raise NotFound("There is no key with this id.")
        return known

    async def create(self, caller: Caller, wanted: KeyRequest) -> MadeKey:
        """Make a key. Raises InvalidOption, BeyondOwnRights, TooManyKeys, InvalidCredentials."""
        if not (0 < len(wanted.name) <= LONGEST_NAME and wanted.name.isprintable()):
            raise InvalidOption("name", "invalid_name")
        if not wanted.scopes:
            raise InvalidOption("scopes", "no_scope")
        if not 1 <= wanted.days <= LONGEST_LIFE_DAYS:
            raise InvalidOption("days", "invalid_days")
        now_utc = self._clock.utc_now()
        begins_at = max(now_utc, wanted.not_before or 0.0)
        if begins_at > now_utc + LONGEST_LIFE_DAYS * DAY_SECONDS:
            raise InvalidOption("not_before", "too_late")
        key, text = new_key(
            self._pepper,
            caller.account.id,
            wanted.name,
            now_utc,
            secrets.token_bytes,
            is_test=caller.key.is_test if wanted.is_test is None else wanted.is_test,
        )
        key = replace(
            key,
            scopes=wanted.scopes,
            lines=await self._lines(caller, wanted.lines) or caller.key.lines,
            networks=_networks(wanted.networks) or caller.key.networks,
            not_before=begins_at if begins_at > now_utc else None,
            expires_at=begins_at + wanted.days * DAY_SECONDS,
        )
        if key.lines and wanted.scopes & ACCOUNT_SCOPES:
            raise InvalidOption("scopes", "not_with_lines")
        _require_within(key, caller.key)
        await asyncio.to_thread(self._store.add_key, key, by_key=caller.key.id)
        log.info("key.created", account=caller.account.id, key=key.id, by_key=caller.key.id)
        return MadeKey(key, text)

    async def exchange(self, caller: Caller, key_id: str, overlap_seconds: float) -> MadeKey:
        """Make a key that may what another may, which opens for so many seconds more.

        Raises NotFound where the other is not valid any more, BeyondOwnRights, TooManyKeys, InvalidCredentials.
        """
        old = (await self.find(caller, key_id)).key
        now_utc = self._clock.utc_now()
        _require_within(old, caller.key)
        new, text = renewed_key(self._pepper, old, now_utc, secrets.token_bytes)
        await asyncio.to_thread(
            self._store.exchange_key,
            old.id,
            new,
            old_until=now_utc + overlap_seconds,
            by_key=caller.key.id,
        )
        log.info("key.exchanged", account=caller.account.id, key=old.id, new_key=new.id, by_key=caller.key.id)
        return MadeKey(new, text)

    async def revoke(self, caller: Caller, key_id: str, *, ends_calls: bool) -> None:
        """End a key's validity for good, be it the caller's own, and if asked its calls that are up. Raises NotFound."""
        await self.find(caller, key_id)
        await asyncio.to_thread(
            self._store.revoke_key,
            key_id,
            at=self._clock.utc_now(),
            account_id=caller.account.id,
            ends_calls=ends_calls,
        )
        log.info("key.revoked", account=caller.account.id, key=key_id, by_key=caller.key.id)

    async def _lines(self, caller: Caller, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The numbers of the account's lines that `texts` name."""
        numbers = []
        for text in texts:
            try:
                number = normalise_line(text, caller.account.country)
            except InvalidNumber as exc:
                raise InvalidOption("lines", exc.code) from exc
            if await self._directory.line(caller.account.id, number) is None:
                raise InvalidOption("lines", "unknown_line")
            numbers.append(number)
        return tuple(dict.fromkeys(numbers))


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return parse_networks(list(texts))
    except InvalidSetting as exc:
        raise InvalidOption("networks", "invalid_network") from exc


def _require_within(key: ApiKey, own: ApiKey) -> None:
    """Raises BeyondOwnRights if `key` may more than `own`: another thing, from another line or place."""
    missing = sorted(scope.value for scope in Scope if key.may(scope) and not own.may(scope))
    if missing:
        raise BeyondOwnRights(f"The key that asks does not have {', '.join(missing)} itself.")
    if own.lines and not (key.lines and all(map(own.may_use, key.lines))):
        raise BeyondOwnRights("The key that asks is bound to other lines.")
    if own.networks and not (key.networks and all(_is_part(text, own.networks) for text in key.networks)):
        raise BeyondOwnRights("The key that asks is bound to other networks.")
    if own.is_test and not key.is_test:
        raise BeyondOwnRights("The key that asks is a test key.")


def _is_part(text: str, networks: tuple[str, ...]) -> bool:
    part = ip_network(text)
    return any(_contains(ip_network(network), part) for network in networks)


def _contains(whole: IPv4Network | IPv6Network, part: IPv4Network | IPv6Network) -> bool:
    """subnet_of refuses to compare the two families."""
    return (
        whole.version == part.version and part.network_address in whole and whole.prefixlen <= part.prefixlen
    )
