"""One-time links: the first owner, and everybody's first or new password."""

import asyncio
import secrets
from dataclasses import replace

import structlog

from ringbridge.call.actor import acting_as
from ringbridge.call.directory import Account
from ringbridge.call.errors import InvalidOption
from ringbridge.call.user import LinkPurpose, LinkUnusable, OneTimeLink, Role, User
from ringbridge.call.user_ports import SessionStore, UserStore
from ringbridge.service.clock import Clock
from ringbridge.service.details import UserDetails, checked_account, checked_login, checked_name
from ringbridge.service.passwords import Passwords
from ringbridge.service.profile import ProfileService
from ringbridge.service.sign_in import Visitor, token_digest, user_actor

log = structlog.get_logger()

OWNER_LINK_SECONDS = 10 * 60.0
INVITATION_SECONDS = 24 * 3600.0


class LinkService:
    """Follows links; whoever has one need not be signed in. All methods raise StoreUnavailable."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        profiles: ProfileService,
        passwords: Passwords,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._profiles = profiles
        self._passwords = passwords
        self._clock = clock

    async def link_user(self, link_token: str) -> User | None:
        """Whose password a link sets; None for the link that makes the first owner. Raises LinkUnusable."""
        link = await asyncio.to_thread(
            self._sessions.find_link, token_digest(link_token), self._clock.utc_now()
        )
        return await self._user_of(link)

    async def follow_link(self, link_token: str, password: str, visitor: Visitor) -> User:
        """Set the password of whom the link is for. Raises LinkUnusable and UnusablePassword, which leaves the link as it is."""
        user = await self.link_user(link_token)
        if user is None:
            raise LinkUnusable
        await self._passwords.require_usable(password, login=user.login)
        await self._take(link_token)
        with acting_as(user_actor(user, visitor)):
            return await self._profiles.put_password(user, password)

    async def first_owner(
        self, link_token: str, details: UserDetails, password: str, account: Account, visitor: Visitor
    ) -> User:
        """Make the owner who runs the server, of one of the accounts, or of `account` as the first one.

        Raises LinkUnusable, InvalidOption, UnusablePassword, and then the link still works.
        """
        if await self.link_user(link_token) is not None:
            raise LinkUnusable
        login, name = checked_login(details.login), checked_name(details.name)
        await self._passwords.require_usable(password, login=login)
        known = {one.id: one for one in await asyncio.to_thread(self._users.accounts)}
        if known and account.id not in known:
            raise InvalidOption("account", "unknown_account")
        account = known[account.id] if known else checked_account(account)
        if await asyncio.to_thread(self._users.by_login, login) is not None:
            raise InvalidOption("login", "already_exists")
        await self._take(link_token)
        user = User(
            id=secrets.token_hex(8),
            account_id=account.id,
            login=login,
            name=name,
            role=Role.OWNER,
            runs_server=True,
            created_at=self._clock.utc_now(),
            password_hash=await self._passwords.hash(password),
        )
        with acting_as(user_actor(user, visitor)):
            if not known:
                account = await asyncio.to_thread(
                    self._users.add_account,
                    account.name,
                    country=account.country,
                    language=account.language,
                    main_number=account.main_number,
                )
            user = replace(user, account_id=account.id)
            await asyncio.to_thread(self._users.add, user)
        log.info("user.first_owner", user=user.id, account=account.id)
        return user

    async def accounts(self) -> list[Account]:
        """All accounts: for whoever holds the link of the first owner."""
        return await asyncio.to_thread(self._users.accounts)

    async def owner_link(self) -> str | None:
        """The token of a link that makes the first owner; None when there is one."""
        if await asyncio.to_thread(self._users.owner_exists):
            return None
        return await asyncio.to_thread(new_link, self._sessions, None, self._clock.utc_now())

    async def _take(self, link_token: str) -> None:
        """Raises LinkUnusable: of two who follow it at once, for the second."""
        taken = await asyncio.to_thread(
            self._sessions.take_link, token_digest(link_token), self._clock.utc_now()
        )
        if taken is None:
            raise LinkUnusable

    async def _user_of(self, link: OneTimeLink | None) -> User | None:
        if link is None:
            raise LinkUnusable
        if link.user_id is None:
            if await asyncio.to_thread(self._users.owner_exists):
                raise LinkUnusable
            return None
        user = await asyncio.to_thread(self._users.find, link.user_id)
        if user is None or user.disabled:
            raise LinkUnusable
        return user


def new_link(sessions: SessionStore, user_id: str | None, utc_now: float) -> str:
    """The token of a new link for the password of a user, or without one for the first owner. Blocks."""
    token = secrets.token_urlsafe(32)
    purpose = LinkPurpose.FIRST_OWNER if user_id is None else LinkPurpose.INVITATION
    life_seconds = OWNER_LINK_SECONDS if user_id is None else INVITATION_SECONDS
    sessions.add_link(
        OneTimeLink(
            token_digest=token_digest(token),
            purpose=purpose,
            user_id=user_id,
            expires_at=utc_now + life_seconds,
        )
    )
    return token
