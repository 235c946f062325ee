"""Who may ask version 2: the dependency that every one of its routes has."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request

from ringbridge.call.key import Scope
from ringbridge.service.authentication import Authenticator, Caller

SECURITY: dict[str, Any] = {"security": [{"basic": []}]}
"""What OpenAPI says of a route that asks for credentials."""


class Access:
    """Tells whose request it is. `Depends(access.needs(Scope.CALLS_READ))` in a route."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def caller(self, request: Request) -> Caller:
        """The account and the key behind the request's credentials. Raises InvalidCredentials, StoreUnavailable."""
        address = request.client.host if request.client is not None else ""
        return await self._authenticator.authenticate(request.headers.get("authorization"), address)

    def needs(self, scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
        """The dependency of a route that takes a key with `scope`. It raises MissingScope too."""

        async def allowed(request: Request) -> Caller:
            caller = await self.caller(request)
            caller.require(scope)
            return caller

        return allowed
