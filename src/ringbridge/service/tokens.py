"""Tokens for browsers: one line, one origin, some minutes, placing calls and nothing else.

    c2c_token_ <what it says, as JSON in base64url> . <HMAC-SHA256 of that, in base64url>

Nothing is stored of a token. It says which key made it and ends with that key: revoked, expired or suspended, it opens
nothing more. Networks that the key is bound to do not bind its tokens: browsers are elsewhere.
"""

import asyncio
import binascii
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from typing import NamedTuple

import structlog

from ringbridge.call.errors import InvalidCredentials, InvalidOption, InvalidUserLine
from ringbridge.call.key import Scope
from ringbridge.call.number import InvalidNumber, normalise_line
from ringbridge.call.origin import OriginStore, require_origin
from ringbridge.call.ports import Directory
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.keys import BeyondOwnRights

log = structlog.get_logger()

PREFIX = "c2c_token_"
LONGEST_TOKEN = 1024
LONGEST_LIFE_SECONDS = 3600.0

# So that what signs tokens signs nothing else that the pepper is good for.
_PURPOSE = b"ringbridge token"


class Token(NamedTuple):
    """What a token says. `expires_at` is UTC seconds since 1970."""

    key_id: str
    line: str
    origin: str
    expires_at: float


class Tokens:
    """Makes tokens and reads them back.

    origins: of an account that allows some, no others get tokens. pepper: the secret that they are signed under.
    """

    def __init__(self, directory: Directory, origins: OriginStore, pepper: bytes, clock: Clock) -> None:
        self._directory = directory
        self._origins = origins
        self._signing_key = hmac.digest(pepper, _PURPOSE, "sha256")
        self._clock = clock

    async def create(
        self, caller: Caller, user_line: str, origin: str, life_seconds: float
    ) -> tuple[str, Token]:
        """A token for pages of `origin` to place calls of one line, and what it says.

        Raises InvalidUserLine, InvalidOption, BeyondOwnRights, StoreUnavailable.
        """
        if not caller.key.may(Scope.CALLS_CREATE):
            raise BeyondOwnRights("The key that asks does not have calls:create itself.")
        allowed = await asyncio.to_thread(self._origins.origins, caller.account.id)
        if require_origin(origin) not in (each.origin for each in allowed) and allowed:
            raise InvalidOption("origin", "origin_not_allowed")
        try:
            number = normalise_line(user_line, caller.account.country)
        except InvalidNumber as exc:
            raise InvalidUserLine(exc.code) from exc
        line = await self._directory.line(caller.account.id, number)
        if line is None or not caller.key.may_use(line.number):
            raise InvalidUserLine("unknown_line")
        expires_at = min(self._clock.utc_now() + life_seconds, caller.key.expires_at)
        token = Token(caller.key.id, line.number, origin, expires_at)
        said = _encoded(json.dumps(token, separators=(",", ":")).encode())
        return f"{PREFIX}{said}.{self._signature(said)}", token

    def read(self, text: str) -> Token | None:
        """What a token says, be it in time or not; None for what was not signed here."""
        if not text.startswith(PREFIX) or len(text) > LONGEST_TOKEN or not text.isascii():
            return None
        said, _, signature = text.removeprefix(PREFIX).partition(".")
        if not hmac.compare_digest(signature, self._signature(said)):
            return None
        try:
            return Token(*json.loads(urlsafe_b64decode(said + "=" * (-len(said) % 4))))
        except (binascii.Error, ValueError, TypeError):  # pragma: no cover - nothing else was ever signed
            return None

    async def caller(self, token: Token, address: str) -> Caller:
        """Whose request with this token it is: its account, and its key as far as the token goes.

        Raises InvalidCredentials, StoreUnavailable.
        """
        utc_now = self._clock.utc_now()
        key = await self._directory.key(token.key_id)
        account = None if key is None else await self._directory.account(key.account_id)
        if key is None or account is None:
            reason: str | None = "unknown key"
        elif token.expires_at <= utc_now:
            reason = "expired token"
        elif account.suspended:
            reason = "suspended"
        else:
            key = replace(key, networks=())
            reason = key.refusal(address, utc_now)
            if reason is None and key.may(Scope.CALLS_CREATE) and key.may_use(token.line):
                # What goes on beyond the request, such as a wait for the call's end, ends with the token.
                expires_at = min(token.expires_at, key.expires_at)
                scopes = frozenset({Scope.CALLS_CREATE})
                bound = replace(key, scopes=scopes, lines=(token.line,), expires_at=expires_at)
                return Caller(account, bound, from_page=True)
        log.info("token.refused", reason=reason or "key may do less", key=token.key_id, address=address)
        raise InvalidCredentials("invalid credentials")

    def _signature(self, said: str) -> str:
        return _encoded(hmac.digest(self._signing_key, said.encode(), "sha256"))


def _encoded(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")
