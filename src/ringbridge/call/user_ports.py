"""What the service asks of those who keep users, their sessions and their one-time links."""

from collections.abc import Callable, Iterable
from typing import Protocol

from ringbridge.call.directory import Account
from ringbridge.call.user import OneTimeLink, Session, User


class UserStore(Protocol):
    """Keeps users. Its methods block: call them in threads. All raise StoreUnavailable."""

    def owner_exists(self) -> bool:
        """Whether there is an owner, of any account, who has a password."""
        ...

    def find(self, user_id: str) -> User | None:
        """The user with this id."""
        ...

    def by_login(self, login: str) -> User | None:
        """The user who signs in under this name."""
        ...

    def of_account(self, account_id: str, after: str | None, limit: int) -> list[User]:
        """The account's users behind the login `after` (None: from the first), by login, `limit` at most."""
        ...

    def add(self, user: User) -> None:
        """Keep a new user. Raises AlreadyExists, and NotFound when there is no such account."""
        ...

    def change(self, user_id: str, change: Callable[[User], User]) -> User:
        """Put what `change` makes of a user in their place, and return it; what that raises leaves all as it was.

        Raises NotFound, and LastOwner where an account would be left without an owner who can sign in.
        """
        ...

    def take_step(self, user_id: str, step: int) -> bool:
        """Note that the code of this time step was taken; False if that step or a later one was taken before."""
        ...

    def put_recovery_codes(self, user_id: str, digests: Iterable[str]) -> None:
        """Put these in place of all the user's recovery codes."""
        ...

    def take_recovery_code(self, user_id: str, digest: str) -> bool:
        """Use one up; False where there is none such."""
        ...

    def count_recovery_codes(self, user_id: str) -> int:
        """How many are left."""
        ...

    def accounts(self) -> list[Account]:
        """All accounts, by id."""
        ...

    def add_account(self, name: str, *, country: str, language: str, main_number: str | None) -> Account:
        """A new account with an id of its own choosing."""
        ...


class SessionStore(Protocol):
    """Keeps sessions and one-time links. Its methods block: call them in threads. All raise StoreUnavailable."""

    def find_session(self, token_digest: str) -> tuple[Session, User, Account] | None:
        """The session of this token, whose it is, and their account."""
        ...

    def begin_session(self, session: Session, *, in_place_of: str | None, signs_in: bool) -> None:
        """Keep a new session; the one with the token digest `in_place_of` ends with it.

        signs_in: somebody has just come, with all that is asked of them; the audit log tells of it.
        """
        ...

    def see_session(self, token_digest: str, seen_at: float) -> None:
        """Note when a session was last used."""
        ...

    def sessions(self, user_id: str) -> list[Session]:
        """The user's sessions, the latest used first."""
        ...

    def end_session(self, user_id: str, session_id: str) -> bool:
        """End one of the user's sessions; False where there is none such."""
        ...

    def end_sessions(self, user_id: str, *, but: str | None = None) -> None:
        """End all of the user's sessions, `but` the one with this token digest."""
        ...

    def sweep(self, *, seen_before: float, created_before: float, expired_before: float) -> None:
        """Forget sessions that were last seen or created before these times, and links that expired before."""
        ...

    def add_link(self, link: OneTimeLink) -> None:
        """Keep a link; earlier ones for the same purpose and user stop working."""
        ...

    def find_link(self, token_digest: str, now_utc: float) -> OneTimeLink | None:
        """The link of this token, unless it is too old."""
        ...

    def take_link(self, token_digest: str, now_utc: float) -> OneTimeLink | None:
        """The same, and it works no more."""
        ...
