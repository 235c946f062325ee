"""Whose pages may place calls through this server: with a browser's token, or by the dialler in a frame."""

import asyncio

from ringbridge.call.errors import NotFound
from ringbridge.call.origin import AllowedOrigin, OriginStore, require_origin
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock


class OriginService:
    """The origins that the caller's account allows. All methods raise StoreUnavailable."""

    def __init__(self, store: OriginStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def all(self, caller: Caller) -> list[AllowedOrigin]:
        """In the order of the alphabet."""
        return await self.of_account(caller.account.id)

    async def of_account(self, account_id: str) -> list[AllowedOrigin]:
        """The same where nobody is signed in, as in a frame on another site."""
        return await asyncio.to_thread(self._store.origins, account_id)

    async def allow(self, caller: Caller, text: str) -> None:
        """Allow the origin that somebody wrote, if with capitals or a slash behind it. Raises InvalidOption, TooManyOrigins."""
        origin = require_origin(text.strip().lower().removesuffix("/"))
        allowed = AllowedOrigin(origin, self._clock.utc_now())
        await asyncio.to_thread(self._store.allow_origin, caller.account.id, allowed)

    async def forbid(self, caller: Caller, origin: str) -> None:
        """Allow it no more; tokens that it has go on until they end. Raises NotFound."""
        if not await asyncio.to_thread(self._store.forbid_origin, caller.account.id, origin):
            raise NotFound("This origin is not allowed anyway.")
