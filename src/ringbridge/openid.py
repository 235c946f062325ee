"""An OpenID provider over HTTP: the authorization code flow of OpenID Connect Core 1.0 with PKCE (RFC 7636).

The ID token comes straight from the provider's token endpoint over TLS, which stands in place of its signature (section
3.1.3.7, rule 6); all else that the section asks for is checked.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp

from ringbridge.call.identity import Identity, IdentityRefused, IdentityUnavailable
from ringbridge.service.clock import Clock

TOTAL_SECONDS = 10.0
LONGEST_ANSWER = 1_000_000
METADATA_SECONDS = 3600.0

# Clocks differ a little.
_LEEWAY_SECONDS = 60.0
_AGAIN_SECONDS = 300.0


class OpenIdProvider:
    """IdentityProvider at `issuer`, which knows this server as `client_id`."""

    def __init__(self, *, issuer: str, client_id: str, client_secret: str, name: str, clock: Clock) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._name = name
        self._clock = clock
        self._metadata: Mapping[str, Any] = {}
        self._read_at = 0.0

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    async def sign_in_url(
        self, *, redirect_uri: str, state: str, nonce: str, verifier: str, again: bool
    ) -> str:
        """Where the browser goes to sign in. Raises IdentityUnavailable."""
        endpoint = _text(await self._known(), "authorization_endpoint")
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "scope": "openid email",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if again:
            query |= {"prompt": "login", "max_age": "0"}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def identity(
        self, code: str, *, redirect_uri: str, nonce: str, verifier: str, again: bool
    ) -> Identity:
        """Who came back with `code`. Raises IdentityUnavailable and IdentityRefused."""
        metadata = await self._known()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json"}
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" in methods:
            # RFC 6749 section 2.3.1: both are form-encoded first.
            pair = f"{quote(self._client_id, safe='')}:{quote(self._client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        answer = await self._ask("POST", _text(metadata, "token_endpoint"), headers, form)
        claims = _claims(_text(answer, "id_token"))
        self._check(claims, nonce, again=again)
        subject = _text(claims, "sub")
        if "email" not in claims and "userinfo_endpoint" in metadata:
            bearer = {"Authorization": f"Bearer {_text(answer, 'access_token')}"}
            told = await self._ask("GET", _text(metadata, "userinfo_endpoint"), bearer)
            # Section 5.3.2: else somebody else's answer could be put in its place.
            if told.get("sub") != subject:
                raise IdentityRefused("the user info is of somebody else")
            claims = told
        # Some say it as a word.
        is_verified = claims.get("email_verified") in (True, "true")
        email = claims.get("email")
        return Identity(subject, email.strip().lower() if is_verified and isinstance(email, str) else "")

    def _check(self, claims: Mapping[str, Any], nonce: str, *, again: bool) -> None:
        """Section 3.1.3.7. Raises IdentityRefused."""
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        utc_now = self._clock.utc_now()
        # Asked for by `max_age`, so it has to be there (section 2): a page may have left out `prompt` and `max_age`.
        expires_at, signed_in_at = claims.get("exp"), claims.get("auth_time")
        for is_right, what in (
            (claims.get("iss") == self._issuer, "issuer"),
            (self._client_id in audiences, "audience"),
            (claims.get("azp", self._client_id) == self._client_id, "authorized party"),
            (claims.get("nonce") == nonce, "nonce"),
            (isinstance(expires_at, int | float) and utc_now < expires_at + _LEEWAY_SECONDS, "expiry"),
            (
                not again
                or (isinstance(signed_in_at, int | float) and utc_now - signed_in_at < _AGAIN_SECONDS),
                "time of signing in",
            ),
        ):
            if not is_right:
                raise IdentityRefused(f"the ID token has another {what}")

    async def _known(self) -> Mapping[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0), read once an hour."""
        now = self._clock.now()
        if not self._metadata or now - self._read_at > METADATA_SECONDS:
            url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            metadata = await self._ask("GET", url, {})
            if metadata.get("issuer") != self._issuer:
                raise IdentityUnavailable(f"{url} is of another issuer: {metadata.get('issuer')!r}")
            self._metadata, self._read_at = metadata, now
        return self._metadata

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """The JSON object that is answered. Raises IdentityUnavailable, and IdentityRefused for what is answered with 4xx."""
        if urlsplit(url).scheme != urlsplit(self._issuer).scheme:
            raise IdentityUnavailable(f"{url} is not over TLS as the issuer is")
        timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(method, url, headers=headers, data=form, allow_redirects=False) as answer,
            ):
                body = await _body(answer)
                if 400 <= answer.status < 500:
                    raise IdentityRefused(f"{url} answers {answer.status}: {body[:200]!r}")
                if answer.status != 200:
                    raise IdentityUnavailable(f"{url} answers {answer.status}")
                found = json.loads(body)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise IdentityUnavailable(f"{url}: {type(error).__name__} {error}") from error
        if not isinstance(found, dict):
            raise IdentityUnavailable(f"{url} answers no JSON object")
        return found


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """All that comes, in however many pieces. Raises IdentityUnavailable for more than LONGEST_ANSWER octets."""
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > LONGEST_ANSWER:
            raise IdentityUnavailable(f"{answer.url.origin()} answers with more than {LONGEST_ANSWER} octets")
    return bytes(body)


def _claims(id_token: str) -> Mapping[str, Any]:
    """What is in the token (RFC 7519). Raises IdentityRefused."""
    try:
        _, payload, _ = id_token.split(".")
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError as error:
        raise IdentityRefused("the ID token is none") from error
    if not isinstance(found, dict):
        raise IdentityRefused("the ID token has no claims")
    return found


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise IdentityUnavailable(f"the provider's answer has no {name}")
    return value
