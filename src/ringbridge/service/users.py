"""The people of an account: who they are, what they may do, and the links by which they set their first password."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import phonenumbers
import structlog

from ringbridge.call.directory import Account
from ringbridge.call.errors import InvalidOption, NotFound
from ringbridge.call.number import InvalidNumber, normalise, normalise_line
from ringbridge.call.ports import Directory
from ringbridge.call.user import (
    LONGEST_LOGIN,
    LONGEST_NAME,
    LinkPurpose,
    LinkUnusable,
    OneTimeLink,
    Right,
    Role,
    User,
)
from ringbridge.call.user_ports import SessionStore, UserStore
from ringbridge.service.clock import Clock
from ringbridge.service.passwords import Passwords, require_usable
from ringbridge.service.second_factor import SecondFactor
from ringbridge.service.sign_in import SignedIn, token_digest

log = structlog.get_logger()

OWNER_LINK_SECONDS = 10 * 60.0
INVITATION_SECONDS = 24 * 3600.0


class RightMissing(InvalidOption):
    """The role of whoever asks does not go so far."""

    def __init__(self) -> None:
        super().__init__("role", "right_missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDetails:
    """What is said of a user, as it was typed. `line` is a number of the account's, or nothing."""

    login: str
    name: str
    role: Role
    line: str = ""


class UserService:
    """Users of the account of whoever asks. All methods raise StoreUnavailable; those of another account are NotFound."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        directory: Directory,
        passwords: Passwords,
        second_factor: SecondFactor,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._directory = directory
        self._passwords = passwords
        self._second_factor = second_factor
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
        before = await self.find(by.user, user_id)
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
        await self.find(by.user, user_id)
        user = await self._change(user_id, lambda user: replace(user, disabled=disabled))
        await asyncio.to_thread(self._sessions.end_sessions, user_id)
        log.info("user.disabled" if disabled else "user.enabled", user=user_id, by=by.user.id)
        return user

    async def reset(self, by: SignedIn, user_id: str) -> str:
        """The token of a link for a new password; following it also ends the second factor and all sessions. Raises NotFound."""
        _require(by.user, Right.CHANGE_USERS)
        user = await self.find(by.user, user_id)
        log.info("user.link_made", user=user_id, by=by.user.id)
        return await self._link(user)

    async def link_user(self, link_token: str) -> User | None:
        """Whose password a link sets; None for the link that makes the first owner. Raises LinkUnusable."""
        link = await asyncio.to_thread(
            self._sessions.find_link, token_digest(link_token), self._clock.utc_now()
        )
        return await self._user_of(link)

    async def follow_link(self, link_token: str, password: str) -> User:
        """Set the password of whom the link is for. Raises LinkUnusable and UnusablePassword, which leaves the link as it is."""
        user = await self.link_user(link_token)
        if user is None:
            raise LinkUnusable
        require_usable(password, login=user.login)
        await self._take(link_token)
        return await self._put_password(user, password, keeps_second_factor=False)

    async def first_owner(
        self, link_token: str, details: UserDetails, password: str, account: Account
    ) -> User:
        """Make the owner who runs the server, of one of the accounts, or of `account` as the first one.

        Raises LinkUnusable, InvalidOption, UnusablePassword, and then the link still works.
        """
        if await self.link_user(link_token) is not None:
            raise LinkUnusable
        login, name = checked_login(details.login), checked_name(details.name)
        require_usable(password, login=login)
        known = {one.id: one for one in await asyncio.to_thread(self._users.accounts)}
        if known and account.id not in known:
            raise InvalidOption("account", "unknown_account")
        account = known[account.id] if known else _checked(account)
        if await asyncio.to_thread(self._users.by_login, login) is not None:
            raise InvalidOption("login", "already_exists")
        await self._take(link_token)
        if not known:
            account = await asyncio.to_thread(
                self._users.add_account,
                account.name,
                country=account.country,
                language=account.language,
                main_number=account.main_number,
            )
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

    async def set_password(self, by: SignedIn, password: str) -> User:
        """A new password of one's own; other sessions end. Raises UnusablePassword."""
        require_usable(password, login=by.user.login)
        return await self._put_password(by.user, password, keeps_second_factor=True, but=by)

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

    async def _put_password(
        self, user: User, password: str, *, keeps_second_factor: bool, but: SignedIn | None = None
    ) -> User:
        password_hash = await self._passwords.hash(password)

        def put(before: User) -> User:
            after = replace(before, password_hash=password_hash)
            return after if keeps_second_factor else replace(after, totp_seed=None, totp_step=None)

        changed = await self._change(user.id, put)
        kept = None if but is None else but.session.token_digest
        await asyncio.to_thread(self._sessions.end_sessions, user.id, but=kept)
        log.info("user.password_set", user=user.id)
        return changed

    async def _change(self, user_id: str, change: Callable[[User], User]) -> User:
        return await asyncio.to_thread(self._users.change, user_id, change)

    async def _end_others(self, by: SignedIn) -> None:
        await asyncio.to_thread(self._sessions.end_sessions, by.user.id, but=by.session.token_digest)

    async def _link(self, user: User) -> str:
        return await asyncio.to_thread(new_link, self._sessions, user.id, self._clock.utc_now())

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


def _require(user: User, right: Right) -> None:
    if not user.may(right):
        raise RightMissing


def checked_login(text: str) -> str:
    """What somebody signs in with, as it is kept. Raises InvalidOption."""
    login = text.strip().lower()
    if not 2 <= len(login) <= LONGEST_LOGIN or not login.isprintable() or any(map(str.isspace, login)):
        raise InvalidOption("login", "invalid_login")
    return login


def checked_name(text: str, option: str = "name") -> str:
    """Somebody's or something's name, tidied up. Raises InvalidOption."""
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidOption(option, "invalid_name")
    return name


def _checked(account: Account) -> Account:
    """A new account as it was typed, tidied up. Raises InvalidOption."""
    country = account.country.strip().upper()
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidOption("country", "unknown_country")
    return replace(
        account,
        name=checked_name(account.name, "account_name"),
        country=country,
        main_number=_number(account.main_number, country),
    )


def _number(text: str | None, country: str) -> str | None:
    if not text or not text.strip():
        return None
    try:
        return normalise(text, country).e164
    except InvalidNumber as error:
        raise InvalidOption("main_number", error.code) from error
