"""Who may ask version 2: the dependency that every one of its routes has."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request

from ringbridge.api.cors import allow_origin
from ringbridge.api.v2.query import require_known_parameters
from ringbridge.call.actor import Actor, ActorKind, act
from ringbridge.call.errors import InvalidCredentials
from ringbridge.call.key import Scope
from ringbridge.service.authentication import Authenticator, Caller
from ringbridge.service.tokens import Tokens

SECURITY: dict[str, Any] = {"security": [{"basic": []}]}
"""What OpenAPI says of a route that asks for credentials."""

TOKEN_SECURITY: dict[str, Any] = {"security": [{"basic": []}, {"token": []}]}
"""The same of one that takes a browser's token, too."""


class Access:
    """Tells whose request it is. `Depends(access.needs(Scope.CALLS_READ))` in a route."""

    def __init__(self, authenticator: Authenticator, tokens: Tokens) -> None:
        self._authenticator = authenticator
        self._tokens = tokens

    async def caller(self, request: Request) -> Caller:
        """The account and the key behind the request's credentials, which acts from now on.

        Raises InvalidCredentials, StoreUnavailable and, for those whose credentials are right, UnknownParameter.
        """
        address = _address(request)
        caller = await self._authenticator.authenticate(request.headers.get("authorization"), address)
        require_known_parameters(request)
        act(Actor(ActorKind.API_KEY, caller.key.id, address))
        return caller

    def needs(self, scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
        """The dependency of a route that takes a key with `scope`. It raises MissingScope too."""

        async def allowed(request: Request) -> Caller:
            caller = await self.caller(request)
            caller.require(scope)
            return caller

        return allowed

    async def placing(self, request: Request) -> Caller:
        """Who may place calls: a key with that scope, or a page of the origin that a token was made for. Raises as `needs`."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return await self.needs(Scope.CALLS_CREATE)(request)
        token = self._tokens.read(text.strip())
        if token is None or request.headers.get("origin") != token.origin:
            raise InvalidCredentials("invalid credentials")
        # From here on the page may read why it is refused, and get itself a new token.
        allow_origin(request, token.origin)
        require_known_parameters(request)
        return await self._tokens.caller(token, _address(request))


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""
