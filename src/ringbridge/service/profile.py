"""What people change of themselves: password, second factor, language."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from ringbridge.call.errors import InvalidOption
from ringbridge.call.passkey import PasskeyStore
from ringbridge.call.user import User
from ringbridge.call.user_ports import SessionStore, UserStore
from ringbridge.service.passwords import Passwords
from ringbridge.service.second_factor import SecondFactor
from ringbridge.service.sign_in import SignedIn

log = structlog.get_logger()


class ProfileService:
    """One's own things. All methods raise StoreUnavailable."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        passwords: Passwords,
        second_factor: SecondFactor,
        passkeys: PasskeyStore,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._second_factor = second_factor
        self._passkeys = passkeys

    async def set_password(self, by: SignedIn, password: str) -> User:
        """A new password of one's own; other sessions end. Raises UnusablePassword."""
        await self._passwords.require_usable(password, login=by.user.login)
        return await self.put_password(by.user, password, by=by)

    async def set_language(self, by: SignedIn, language: str) -> None:
        """The language of one's pages."""
        await self._change(by.user.id, lambda user: replace(user, language=language))

    async def begin_second_factor(self, by: SignedIn, seed: str, code: str) -> list[str]:
        """Ask for codes from now on, if `code` shows that the telephone has the secret of `seed`; the recovery codes.

        Other sessions end. Raises InvalidOption.
        """
        step = self._second_factor.step_of(seed, code)
        if step is None:
            raise InvalidOption("code", "wrong_code")
        user = await self._change(by.user.id, lambda user: replace(user, totp_seed=seed, totp_step=step))
        await self._end_others(by)
        log.info("user.second_factor_begun", user=user.id)
        return await self._second_factor.new_recovery_codes(user)

    async def end_second_factor(self, by: SignedIn) -> None:
        """Ask for no more codes."""
        await self._change(by.user.id, lambda user: replace(user, totp_seed=None, totp_step=None))
        await asyncio.to_thread(self._users.put_recovery_codes, by.user.id, ())
        log.info("user.second_factor_ended", user=by.user.id)

    async def count_recovery_codes(self, by: SignedIn) -> int:
        """How many of one's own are left."""
        return await asyncio.to_thread(self._users.count_recovery_codes, by.user.id)

    async def put_password(self, user: User, password: str, *, by: SignedIn | None = None) -> User:
        """A password that was found usable, in place of an old one; all sessions end but the one of `by`.

        Without `by`, as by a link, second factor and passkeys end, too: whoever lost everything begins anew.
        """
        password_hash = await self._passwords.hash(password)
        if by is None:
            await asyncio.to_thread(self._passkeys.remove_all, user.id)

        def put(before: User) -> User:
            after = replace(before, password_hash=password_hash)
            return replace(after, totp_seed=None, totp_step=None) if by is None else after

        changed = await self._change(user.id, put)
        kept = None if by is None else by.session.token_digest
        await asyncio.to_thread(self._sessions.end_sessions, user.id, but=kept)
        log.info("user.password_set", user=user.id)
        return changed

    async def _change(self, user_id: str, change: Callable[[User], User]) -> User:
        return await asyncio.to_thread(self._users.change, user_id, change)

    async def _end_others(self, by: SignedIn) -> None:
        await asyncio.to_thread(self._sessions.end_sessions, by.user.id, but=by.session.token_digest)
