"""Passkeys: how users add them to their profile, and sign in by them in place of password and second factor.

The authenticator has verified who holds it (by a PIN, a finger, a face), so there are two factors in one: the device, and that.
A passkey opens only at the address where it was made, so a site that looks like ours gets nothing that is worth anything.
"""

import asyncio
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import structlog

from ringbridge.call.passkey import Passkey, PasskeyRefused, PasskeyStore, Place
from ringbridge.call.user import User
from ringbridge.call.user_ports import SessionStore
from ringbridge.service.challenges import CHALLENGE_SECONDS, Challenges
from ringbridge.service.clock import Clock
from ringbridge.service.details import checked_name
from ringbridge.service.failed_sign_ins import Failure
from ringbridge.service.passkey_proof import Claim, challenge_of_new, claim_of, new_credential, proven_count
from ringbridge.service.sign_in import SignedIn, SignInService, Visitor

log = structlog.get_logger()

# Of COSE: Ed25519, ECDSA with P-256, and RSA for those of Windows that have nothing else.
_ALGORITHMS = (-8, -7, -257)


class PasskeyService:
    """Passkeys of the portal's users. All methods that are asynchronous raise StoreUnavailable."""

    def __init__(
        self, passkeys: PasskeyStore, sessions: SessionStore, sign_in: SignInService, clock: Clock
    ) -> None:
        self._passkeys = passkeys
        self._sessions = sessions
        self._sign_in = sign_in
        self._clock = clock
        self._challenges = Challenges(clock)

    async def of_user(self, user: User) -> list[Passkey]:
        """The user's, the oldest first."""
        return await asyncio.to_thread(self._passkeys.of_user, user.id)

    async def options_to_add(self, by: SignedIn, place: Place) -> dict[str, Any]:
        """What `navigator.credentials.create()` takes (section 5.4), octets in base64url."""
        return {
            "rp": {"id": place.name, "name": "ringbridge"},
            "user": {
                "id": _base64url(by.user.id.encode()),
                "name": by.user.login,
                "displayName": by.user.name,
            },
            "challenge": _base64url(self._challenges.issue(_adding(by))),
            "pubKeyCredParams": [{"type": "public-key", "alg": each} for each in _ALGORITHMS],
            "timeout": int(CHALLENGE_SECONDS * 1000),
            "excludeCredentials": _named(await self.of_user(by.user)),
            # Discoverable, so that nobody has to type who they are; verified, so that it is two factors.
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "attestation": "none",
        }

    async def add(self, by: SignedIn, name: str, answer: str, place: Place) -> Passkey:
        """Keep what the browser made. Raises InvalidOption, PasskeyRefused, AlreadyExists and TooManyPasskeys."""
        name = checked_name(name)
        challenge = await asyncio.to_thread(challenge_of_new, answer)
        if not self._challenges.is_open(challenge, _adding(by)):
            raise PasskeyRefused("too late, used, or not for this session")
        made = await asyncio.to_thread(new_credential, answer, challenge, place)
        if not self._challenges.take(challenge, _adding(by)):
            raise PasskeyRefused("used")
        passkey = Passkey(
            id=secrets.token_hex(8),
            user_id=by.user.id,
            name=name,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            origin=place.origin,
            created_at=self._clock.utc_now(),
        )
        await asyncio.to_thread(self._passkeys.add, passkey)
        log.info("user.passkey_added", user=by.user.id, passkey=passkey.id)
        return passkey

    async def remove(self, by: SignedIn, passkey_id: str) -> bool:
        """Forget one of one's own, and end one's other sessions: it may have begun them. False where there is none such."""
        removed = await asyncio.to_thread(self._passkeys.remove, by.user.id, passkey_id)
        if removed:
            await asyncio.to_thread(self._sessions.end_sessions, by.user.id, but=by.session.token_digest)
            log.info("user.passkey_removed", user=by.user.id, passkey=passkey_id)
        return removed

    async def options_to_sign_in(self, place: Place, again: SignedIn | None) -> dict[str, Any]:
        """What `navigator.credentials.get()` takes (section 5.5). `again`: who is to prove that it is them."""
        return {
            "rpId": place.name,
            "challenge": _base64url(self._challenges.issue(_opening(again))),
            "timeout": int(CHALLENGE_SECONDS * 1000),
            "allowCredentials": [] if again is None else _named(await self.of_user(again.user)),
            "userVerification": "required",
        }

    async def sign_in(
        self, answer: str, place: Place, visitor: Visitor, *, again: SignedIn | None, old_token: str | None
    ) -> str:
        """The token of a whole session in place of `old_token`. Raises PasskeyRefused and TooManyGuesses."""
        claim = await asyncio.to_thread(claim_of, answer)
        named = None if again is None else again.user
        # By which passkey they are: else anybody behind the same address could lock out all others' there.
        self._sign_in.count_guess(visitor.address, claim.credential_id, visitor, named)
        try:
            passkey, user = await self._proven(claim, answer, place, again)
        except PasskeyRefused as error:
            raise self._sign_in.refusal(
                Failure.WRONG_PASSKEY, visitor, named, detail=str(error), kind=PasskeyRefused
            ) from error
        self._sign_in.take_back_guess(visitor.address, claim.credential_id)
        log.info("portal.signed_in", user=user.id, address=visitor.address, passkey=passkey.id)
        created_at = None if again is None else again.session.created_at
        return await self._sign_in.begin(user, visitor, old_token, created_at=created_at)

    async def _proven(
        self, claim: Claim, answer: str, place: Place, again: SignedIn | None
    ) -> tuple[Passkey, User]:
        """The passkey that has signed, and whose it is (section 7.2). Raises PasskeyRefused."""
        purpose = _opening(again)
        if not self._challenges.is_open(claim.challenge, purpose):
            raise PasskeyRefused("not readable, too late, used, or not for this session")
        found = await asyncio.to_thread(self._passkeys.find, claim.credential_id)
        if found is None:
            raise PasskeyRefused("unknown passkey")
        passkey, user = found
        if passkey.origin != place.origin:
            raise PasskeyRefused(f"passkey of {passkey.origin}")
        # Some leave it out where they were told which passkey is wanted.
        if claim.user_id != user.id and not (again is not None and not claim.user_id):
            raise PasskeyRefused("passkey of another user")
        sign_count = await asyncio.to_thread(proven_count, answer, claim.challenge, place, passkey)
        if user.disabled:
            raise PasskeyRefused("disabled")
        if again is not None and again.user.id != user.id:
            raise PasskeyRefused("somebody else than who is signed in")
        if not self._challenges.take(claim.challenge, purpose):
            raise PasskeyRefused("used")
        if not await asyncio.to_thread(self._passkeys.use, passkey.id, sign_count, self._clock.utc_now()):
            # Section 7.2 step 22: there are two of it, and nobody can say which one this is.
            log.warning("portal.passkey_copied", user=user.id, passkey=passkey.id)
            raise PasskeyRefused("the signature count went back")
        return passkey, user


def _adding(by: SignedIn) -> str:
    return f"add {by.session.id}"


def _opening(again: SignedIn | None) -> str:
    return "sign in" if again is None else f"again {again.session.id}"


def _named(passkeys: Sequence[Passkey]) -> list[dict[str, str]]:
    return [{"type": "public-key", "id": each.credential_id} for each in passkeys]


def _base64url(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")
