"""The people of an account, as its owners see and change them."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace

import structlog

from ringbridge.call.directory import Account
from ringbridge.call.errors import CallError, InvalidOption, NotFound
from ringbridge.call.number import InvalidNumber, normalise_line
from ringbridge.call.ports import Directory
from ringbridge.call.user import Right, User
from ringbridge.call.user_ports import SessionStore, UserStore
from ringbridge.service.clock import Clock
from ringbridge.service.details import UserDetails, checked_login, checked_name
from ringbridge.service.links import new_link
from ringbridge.service.sign_in import SignedIn

log = structlog.get_logger()


class RightMissing(CallError):
    """The role of whoever asks does not go so far."""

    code = "right_missing"


class UserService:
    """Users of the account of whoever asks. All methods raise StoreUnavailable; those of another account are NotFound."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        directory: Directory,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._directory = directory
        self._clock = clock

    async def page(self, by: User, after: str | None, limit: int) -> list[User]:
        """The users of the account behind the login `after`, by login."""
        return await asyncio.to_thread(self._users.of_account, by.account_id, after, limit)

    async def find(self, by: User, user_id: str) -> User:
        """One of them. Raises NotFound."""
        user = await asyncio.to_thread(self._users.find, user_id)
        if user is None or user.account_id != by.account_id:
            raise NotFound("There is no user with this id.")
        return user

    async def invite(self, by: SignedIn, details: UserDetails) -> tuple[User, str]:
        """A new user, and the token of the link by which they set their password. Raises InvalidOption and AlreadyExists."""
        _require(by.user, Right.CHANGE_USERS)
        user = User(
            id=secrets.token_hex(8),
            account_id=by.account.id,
            login=checked_login(details.login),
            name=checked_name(details.name),
            role=details.role,
            line=await self._line(by.account, details.line),
            created_at=self._clock.utc_now(),
        )
        await asyncio.to_thread(self._users.add, user)
        log.info("user.invited", user=user.id, role=user.role.value, by=by.user.id)
        return user, await self._link(user)

    async def change(self, by: SignedIn, user_id: str, details: UserDetails) -> User:
        """Change what is said of a user. With another role or line their sessions end. Raises as `invite`, NotFound, LastOwner."""
        _require(by.user, Right.CHANGE_USERS)
        before = await self._within(by.user, user_id)
        name, line = checked_name(details.name), await self._line(by.account, details.line)
        after = await self._change(
            user_id, lambda user: replace(user, name=name, role=details.role, line=line)
        )
        if (before.role, before.line) != (after.role, after.line):
            await asyncio.to_thread(
                self._sessions.end_sessions,
                user_id,
                but=by.session.token_digest if user_id == by.user.id else None,
            )
        log.info("user.changed", user=user_id, role=after.role.value, by=by.user.id)
        return after

    async def disable(self, by: SignedIn, user_id: str, *, disabled: bool) -> User:
        """Let somebody sign in no more, or again; their sessions end. Raises NotFound and LastOwner."""
        _require(by.user, Right.CHANGE_USERS)
        await self._within(by.user, user_id)
        user = await self._change(user_id, lambda user: replace(user, disabled=disabled))
        await asyncio.to_thread(self._sessions.end_sessions, user_id)
        log.info("user.disabled" if disabled else "user.enabled", user=user_id, by=by.user.id)
        return user

    async def reset(self, by: SignedIn, user_id: str) -> str:
        """The token of a link for a new password; following it also ends second factor, passkeys and sessions. Raises NotFound."""
        _require(by.user, Right.CHANGE_USERS)
        user = await self._within(by.user, user_id)
        log.info("user.link_made", user=user_id, by=by.user.id)
        return await self._link(user)

    async def _within(self, by: User, user_id: str) -> User:
        """The user, if `by` may as much as they: else a link for their password would lend its maker their rights."""
        user = await self.find(by, user_id)
        if user.runs_server and not by.runs_server:
            raise RightMissing
        return user

    async def _change(self, user_id: str, change: Callable[[User], User]) -> User:
        return await asyncio.to_thread(self._users.change, user_id, change)

    async def _link(self, user: User) -> str:
        return await asyncio.to_thread(new_link, self._sessions, user.id, self._clock.utc_now())

    async def _line(self, account: Account, text: str) -> str | None:
        if not text.strip():
            return None
        try:
            number = normalise_line(text, account.country)
        except InvalidNumber as error:
            raise InvalidOption("line", error.code) from error
        if await self._directory.line(account.id, number) is None:
            raise InvalidOption("line", "unknown_line")
        return number


def _require(user: User, right: Right) -> None:
    if not user.may(right):
        raise RightMissing
