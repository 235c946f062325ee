"""Signing in with what an OpenID provider says: only those come in who were invited under the e-mail address that it has verified.

It makes no users: who may come in, an owner of the account says.
"""

import asyncio
import secrets
from typing import NamedTuple

import structlog

from ringbridge.call.identity import IdentityProvider, IdentityRefused
from ringbridge.call.user import SignInRefused, User
from ringbridge.call.user_ports import UserStore
from ringbridge.service.clock import Clock
from ringbridge.service.failed_sign_ins import Failure
from ringbridge.service.sign_in import SignedIn, SignInService, Visitor

log = structlog.get_logger()

# As long as somebody may take at the provider.
PENDING_SECONDS = 600.0


class Pending(NamedTuple):
    """A sign-in that is at the provider: what the browser keeps meanwhile, and nobody else may know.

    user_id: who proves again that it is them; '' for somebody who comes.
    """

    state: str
    nonce: str
    verifier: str
    begun_at: float
    user_id: str


class SingleSignOn:
    """Sends people to the provider, and takes them back. All methods raise IdentityUnavailable and StoreUnavailable."""

    def __init__(
        self, provider: IdentityProvider, users: UserStore, sign_in: SignInService, clock: Clock
    ) -> None:
        self._provider = provider
        self._users = users
        self._sign_in = sign_in
        self._clock = clock

    @property
    def name(self) -> str:
        """What people call the provider."""
        return self._provider.name

    async def begin(self, redirect_uri: str, again: SignedIn | None) -> tuple[str, Pending]:
        """Where to send the browser, and what it is to bring back. `again`: who is to prove that it is them."""
        pending = Pending(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            begun_at=self._clock.utc_now(),
            user_id="" if again is None else again.user.id,
        )
        url = await self._provider.sign_in_url(
            redirect_uri=redirect_uri,
            state=pending.state,
            nonce=pending.nonce,
            verifier=pending.verifier,
            again=again is not None,
        )
        return url, pending

    async def finish(
        self,
        pending: Pending,
        *,
        state: str,
        code: str,
        redirect_uri: str,
        visitor: Visitor,
        signed_in: SignedIn | None,
        old_token: str | None,
    ) -> str:
        """The token of a session, which may wait for a code. Raises IdentityRefused."""
        named = None if signed_in is None or signed_in.user.id != pending.user_id else signed_in.user

        def refused(why: str, user: User | None = named) -> SignInRefused:
            return self._sign_in.refusal(
                Failure.REFUSED_IDENTITY, visitor, user, detail=why, kind=IdentityRefused
            )

        if not secrets.compare_digest(pending.state.encode(), state.encode("utf-8", "replace")):
            raise refused("another state")
        if not 0.0 <= self._clock.utc_now() - pending.begun_at < PENDING_SECONDS:
            raise refused("too late")
        try:
            identity = await self._provider.identity(
                code,
                redirect_uri=redirect_uri,
                nonce=pending.nonce,
                verifier=pending.verifier,
                again=pending.user_id != "",
            )
        except IdentityRefused as error:
            raise refused(str(error)) from error
        user = await asyncio.to_thread(self._users.by_login, identity.email) if identity.email else None
        if user is None:
            raise refused("nobody was invited under the verified e-mail address")
        if user.disabled:
            raise refused("disabled", user)
        if not pending.user_id:
            log.info("portal.signed_in", user=user.id, address=visitor.address, provider=self.name)
            awaits_code = user.totp_seed is not None
            return await self._sign_in.begin(user, visitor, old_token, awaits_code=awaits_code)
        if signed_in is None or not user.id == signed_in.user.id == pending.user_id:
            raise refused("somebody else than who is signed in")
        created_at = signed_in.session.created_at
        return await self._sign_in.begin(user, visitor, old_token, created_at=created_at)
