"""Signing in to the portal: passwords, second factors, and the sessions that come of them.

One answer for every reason to refuse, after the same work; the reason is for the log. Wrong guesses are slowed down by
where they come from, as those at API keys are, and here a source that is too fast is not looked at at all: a password is
no 256 random bits.
"""

import asyncio
import hashlib
import secrets
from dataclasses import replace
from typing import NamedTuple

import structlog

from ringbridge.call.actor import Actor, ActorKind, acting_as
from ringbridge.call.directory import Account
from ringbridge.call.user import LONGEST_LOGIN, Session, SignInRefused, User
from ringbridge.call.user_ports import SessionStore, UserStore
from ringbridge.service.authentication import Caller, GuessThrottle
from ringbridge.service.clock import Clock
from ringbridge.service.failed_sign_ins import FailedSignIns, Failure
from ringbridge.service.passwords import Passwords
from ringbridge.service.second_factor import SecondFactor

log = structlog.get_logger()

IDLE_SECONDS = 15 * 60.0
LONGEST_SECONDS = 12 * 3600.0
CODE_SECONDS = 5 * 60.0
FRESH_SECONDS = 10 * 60.0
SEEN_SECONDS = 60.0

_LONGEST_AGENT = 200


class TooManyGuesses(SignInRefused):
    """Too many wrong ones came from there. `retry_after_seconds` is when another is looked at."""

    code = "too_many_guesses"

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("too many wrong guesses from this address")
        self.retry_after_seconds = retry_after_seconds


class Visitor(NamedTuple):
    """Where a request comes from: its address, and what the browser calls itself."""

    address: str
    agent: str


class SignedIn(NamedTuple):
    """A session, whose it is, and their account."""

    session: Session
    user: User
    account: Account

    @property
    def caller(self) -> Caller:
        """As whom the services know them."""
        return Caller(self.account, self.user.acting_key())


def user_actor(user: User, visitor: Visitor) -> Actor:
    """Whom the audit log names for what `user` does from there."""
    return Actor(ActorKind.USER, user.id, visitor.address)


class SignInService:
    """Begins, finds and ends sessions. All methods raise StoreUnavailable."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        passwords: Passwords,
        second_factor: SecondFactor,
        failed: FailedSignIns,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._second_factor = second_factor
        self._failed = failed
        self._clock = clock
        self._throttle = GuessThrottle()

    async def sign_in(self, login: str, password: str, visitor: Visitor, old_token: str | None) -> str:
        """The token of a new session. Raises SignInRefused and TooManyGuesses.

        It may wait for a code: see `Session.awaits_code`. `old_token` is of the session that ends with it.
        """
        login = login.strip().lower()[:LONGEST_LOGIN]
        self.count_guess(visitor.address, login, visitor)
        user = await asyncio.to_thread(self._users.by_login, login)
        is_right = await self._passwords.verify(password, None if user is None else user.password_hash)
        if user is None or not is_right:
            failure = Failure.WRONG_PASSWORD if user else Failure.UNKNOWN_USER
            raise self.refusal(failure, visitor, user, whom=login)
        if user.disabled:
            raise self.refusal(Failure.DISABLED, visitor, user)
        self.take_back_guess(visitor.address, login)
        log.info(
            "portal.signed_in", user=user.id, address=visitor.address, awaits_code=user.totp_seed is not None
        )
        return await self.begin(user, visitor, old_token, awaits_code=user.totp_seed is not None)

    async def give_code(self, signed_in: SignedIn, code: str, visitor: Visitor, token: str) -> str:
        """The token of the whole session after the half one of `token`. Raises SignInRefused and TooManyGuesses."""
        user = signed_in.user
        # By whom they are guessed of, wherever the guesses come from: there are few codes, and who guesses has the password.
        self.count_guess(user.id, user.id, visitor, user)
        if not await self._second_factor.verify(user, code):
            raise self.refusal(Failure.WRONG_CODE, visitor, user)
        self.take_back_guess(user.id, user.id)
        return await self.begin(user, visitor, token)

    async def renew(self, signed_in: SignedIn, password: str, visitor: Visitor, token: str) -> str:
        """The token of a session that is fresh, in place of `token`. Raises SignInRefused and TooManyGuesses."""
        user = signed_in.user
        self.count_guess(visitor.address, user.id, visitor, user)
        if not await self._passwords.verify(password, user.password_hash):
            raise self.refusal(Failure.WRONG_PASSWORD, visitor, user)
        self.take_back_guess(visitor.address, user.id)
        return await self.begin(user, visitor, token, created_at=signed_in.session.created_at)

    async def begin(
        self,
        user: User,
        visitor: Visitor,
        old_token: str | None,
        *,
        awaits_code: bool = False,
        created_at: float | None = None,
    ) -> str:
        """The token of a new session of somebody who has proven who they are, in place of `old_token`."""
        token = secrets.token_urlsafe(32)
        utc_now = self._clock.utc_now()
        session = Session(
            id=secrets.token_hex(8),
            token_digest=token_digest(token),
            user_id=user.id,
            created_at=utc_now if created_at is None else created_at,
            seen_at=utc_now,
            fresh_at=utc_now,
            awaits_code=awaits_code,
            address=visitor.address,
            agent=_shown(visitor.agent),
        )
        await self._sweep(utc_now)
        old = None if old_token is None else token_digest(old_token)
        with acting_as(user_actor(user, visitor)):
            await asyncio.to_thread(
                self._sessions.begin_session,
                session,
                in_place_of=old,
                signs_in=not awaits_code and created_at is None,
            )
        return token

    async def find(self, token: str, *, counts: bool = True) -> SignedIn | None:
        """Whose session this is, if it is not over; it then counts as used, unless nobody need be there for what asks."""
        digest = token_digest(token)
        found = await asyncio.to_thread(self._sessions.find_session, digest)
        if found is None:
            return None
        session, user, account = found
        utc_now = self._clock.utc_now()
        if self._is_over(session, utc_now) or user.disabled:
            return None
        # Written once a minute at most: pages that follow calls ask far more often.
        if counts and utc_now - session.seen_at >= SEEN_SECONDS:
            await asyncio.to_thread(self._sessions.see_session, digest, utc_now)
            session = replace(session, seen_at=utc_now)
        return SignedIn(session, user, account)

    def is_fresh(self, session: Session, *, grace_seconds: float = 0.0) -> bool:
        """Whether the password was given within ten minutes (and `grace_seconds`)."""
        return self._clock.utc_now() - session.fresh_at < FRESH_SECONDS + grace_seconds

    async def sign_out(self, token: str) -> None:
        """End the session of this token, if there is one."""
        found = await asyncio.to_thread(self._sessions.find_session, token_digest(token))
        if found is not None:
            session, user, _ = found
            await asyncio.to_thread(self._sessions.end_session, user.id, session.id)

    async def sessions(self, user: User) -> list[Session]:
        """The user's sessions that are not over, the latest used first."""
        utc_now = self._clock.utc_now()
        kept = await asyncio.to_thread(self._sessions.sessions, user.id)
        return [session for session in kept if not self._is_over(session, utc_now)]

    async def end(self, user: User, session_id: str) -> bool:
        """End one of the user's sessions; False where there is none such."""
        return await asyncio.to_thread(self._sessions.end_session, user.id, session_id)

    async def _sweep(self, utc_now: float) -> None:
        """Forget sessions and links that are over. Often enough when somebody signs in: nobody else makes any."""
        await asyncio.to_thread(
            self._sessions.sweep,
            seen_before=utc_now - IDLE_SECONDS,
            created_before=utc_now - LONGEST_SECONDS,
            expired_before=utc_now,
        )

    def _is_over(self, session: Session, utc_now: float) -> bool:
        life = CODE_SECONDS if session.awaits_code else LONGEST_SECONDS
        return utc_now - session.seen_at >= IDLE_SECONDS or utc_now - session.created_at >= life

    def count_guess(self, source: str, whom: str, visitor: Visitor, user: User | None = None) -> None:
        """Before it is looked at, so that many at once are many. Raises TooManyGuesses for one that is not looked at.

        user: whom it is of, where that is known; else `whom` is what they sign in under.
        """
        now = self._clock.now()
        wait_seconds = self._throttle.wait(source, whom, now)
        if wait_seconds > 0.0:
            if user is None:
                self._failed.count_unlooked(whom, Failure.TOO_MANY_GUESSES, visitor.address)
            else:
                self._failed.count(user, Failure.TOO_MANY_GUESSES, visitor.address)
            raise TooManyGuesses(wait_seconds)
        self._throttle.fail(source, whom, now)

    def take_back_guess(self, source: str, whom: str) -> None:
        """What was counted was right."""
        self._throttle.take_back(source, whom)

    def refusal(
        self,
        failure: Failure,
        visitor: Visitor,
        user: User | None,
        *,
        whom: str = "",
        detail: str = "",
        kind: type[SignInRefused] = SignInRefused,
    ) -> SignInRefused:
        """The error of one answer for every `failure`, which both logs are told.

        user: who was named; where nobody knows, `whom` is what they were called. detail: more for the server's log.
        """
        log.info(
            "portal.sign_in_refused",
            reason=_shown(detail) or failure.value,
            user=_shown(whom)[:64] if user is None else user.id,
            address=visitor.address,
        )
        self._failed.count(user, failure, visitor.address)
        return kind("sign-in refused")


def token_digest(token: str) -> str:
    """What is kept of the token of a session or a link: 256 random bits need no slow digest."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _shown(text: str) -> str:
    """What came from outside, as a column and a log line take it."""
    return "".join(character for character in text[:_LONGEST_AGENT] if character.isprintable())
