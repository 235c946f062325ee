"""Users of the portal as values: who they are, what their role lets them do, and what is kept of their sign-in. Pure.

A user belongs to one account. What is shared by all accounts of a server (trunks, rates) only those may change who run
the server, whatever their role in their account.
"""

from dataclasses import dataclass, field
from enum import Enum

from ringbridge.call.errors import CallError, RequestRefused
from ringbridge.call.key import ApiKey, Scope

LONGEST_LOGIN = 128
LONGEST_NAME = 100


class Role(Enum):
    """What somebody is to an account."""

    OWNER = "owner"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    USER = "user"


class Right(Enum):
    """One thing that somebody may do in the portal. Each page names the one that it takes."""

    DIAL = "dial"
    SEE_CALLS = "see-calls"
    CONTROL_CALLS = "control-calls"
    SEE_STATISTICS = "see-statistics"
    SEE_LINES = "see-lines"
    CHANGE_LINES = "change-lines"
    CHANGE_NUMBERS = "change-numbers"
    """The lines with telephone numbers, which are shown to whoever is called, and those that may cost money to ring."""
    SEE_TRUNKS = "see-trunks"
    CHANGE_TRUNKS = "change-trunks"
    SEE_LIMITS = "see-limits"
    CHANGE_LIMITS = "change-limits"
    RAISE_LIMITS = "raise-limits"
    CHANGE_RATES = "change-rates"
    SUSPEND_ACCOUNT = "suspend-account"
    SEE_DO_NOT_CALL = "see-do-not-call"
    CHANGE_DO_NOT_CALL = "change-do-not-call"
    SEE_PROMPTS = "see-prompts"
    CHANGE_PROMPTS = "change-prompts"
    SEE_KEYS = "see-keys"
    CHANGE_KEYS = "change-keys"
    SEE_WEBHOOKS = "see-webhooks"
    CHANGE_WEBHOOKS = "change-webhooks"
    SEE_USERS = "see-users"
    CHANGE_USERS = "change-users"
    SEE_AUDIT = "see-audit"


# Those who can change what costs money, where the server asks for a second factor.
SECOND_FACTOR_ROLES = frozenset({Role.OWNER, Role.OPERATOR})

_OWN_CALLS = frozenset({Right.DIAL, Right.SEE_CALLS, Right.CONTROL_CALLS})
_READING = frozenset(right for right in Right if right.value.startswith("see-"))
_OPERATING = frozenset(
    {
        Right.CHANGE_LINES,
        Right.CHANGE_NUMBERS,
        Right.CHANGE_TRUNKS,
        Right.CHANGE_DO_NOT_CALL,
        Right.CHANGE_PROMPTS,
        Right.CHANGE_WEBHOOKS,
    }
)

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.OPERATOR: (_READING - {Right.SEE_USERS, Right.SEE_AUDIT}) | _OWN_CALLS | _OPERATING,
    Role.AUDITOR: _READING,
    Role.USER: _OWN_CALLS,
}

# What touches every account of the server, or undoes what the server itself decided.
SERVER_RIGHTS = frozenset(
    {
        Right.CHANGE_NUMBERS,
        Right.CHANGE_TRUNKS,
        Right.CHANGE_PROMPTS,
        Right.CHANGE_RATES,
        Right.RAISE_LIMITS,
        Right.SUSPEND_ACCOUNT,
    }
)

# What the services ask of a key where somebody acts in the portal.
_SCOPES: dict[Right, frozenset[Scope]] = {
    Right.DIAL: frozenset({Scope.CALLS_CREATE}),
    Right.SEE_CALLS: frozenset({Scope.CALLS_READ, Scope.RECORDS_READ}),
    Right.CONTROL_CALLS: frozenset({Scope.CALLS_CANCEL, Scope.CALLS_CONTROL}),
    Right.SEE_STATISTICS: frozenset({Scope.USAGE_READ}),
    Right.SEE_LINES: frozenset({Scope.LINES_READ}),
    Right.CHANGE_LINES: frozenset({Scope.LINES_WRITE}),
    Right.SEE_TRUNKS: frozenset({Scope.TRUNKS_READ}),
    Right.SEE_LIMITS: frozenset({Scope.LIMITS_READ}),
    Right.CHANGE_LIMITS: frozenset({Scope.LIMITS_WRITE}),
    Right.SEE_KEYS: frozenset({Scope.KEYS_READ}),
    # A key hands on no more than it has itself, so who makes keys has all that keys may have.
    Right.CHANGE_KEYS: frozenset(Scope),
    Right.SEE_WEBHOOKS: frozenset({Scope.WEBHOOKS_READ}),
    Right.CHANGE_WEBHOOKS: frozenset({Scope.WEBHOOKS_WRITE}),
}

# An id of a key has ten letters and no underscore: nobody's actions can be taken for a program's.
_ACTING_AS = "user_"


class SignInRefused(RequestRefused):
    """Not signed in: the name, the password or the code is wrong. Never says which."""

    code = "sign_in_refused"


class LinkUnusable(RequestRefused):
    """A one-time link that is used up, too old, or was never made."""

    code = "link_unusable"


class UnusablePassword(CallError):
    """A password that nobody should have; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(f"password: {code}")
        self.code = code


class LastOwner(CallError):
    """The account would be left without anybody who can change its users."""

    code = "last_owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may sign in. `login` is unique on the server and in lower case; times are UTC seconds since 1970.

    line: the number of the line that is theirs, E.164 or an extension; without one a `user` cannot call.
    password_hash: argon2id in its usual text form; None until they have followed their link.
    totp_seed: what their TOTP secret is made from, with the server's pepper; None without a second factor.
    totp_step: the last time step whose code was taken; the same or an earlier one is not taken again.
    """

    id: str
    account_id: str
    login: str
    name: str
    role: Role
    created_at: float
    line: str | None = None
    language: str | None = None
    runs_server: bool = False
    disabled: bool = False
    password_hash: str | None = field(default=None, repr=False)
    totp_seed: str | None = field(default=None, repr=False)
    totp_step: int | None = None

    def may(self, right: Right) -> bool:
        """Whether the role has the right, and where it touches all accounts, whether they run the server."""
        return right in RIGHTS[self.role] and (self.runs_server or right not in SERVER_RIGHTS)

    def acting_key(self) -> ApiKey:
        """What the services know somebody by who acts in the portal: a key that may what their role may, and is stored nowhere.

        A `user` is bound to their own line; without one, to none that there is.
        """
        scopes = frozenset[Scope]().union(
            *(_SCOPES.get(right, frozenset()) for right in Right if self.may(right))
        )
        return ApiKey(
            id=f"{_ACTING_AS}{self.id}",
            account_id=self.account_id,
            name=self.name,
            secret_digest="",
            created_at=self.created_at,
            expires_at=float("inf"),
            scopes=scopes,
            lines=(self.line or "",) if self.role is Role.USER else (),
        )


def acts_in_portal(key: ApiKey) -> bool:
    """Whether the key is that of somebody who acts in the portal (`User.acting_key`), and stored nowhere."""
    return acting_user_id(key.id) is not None


def acting_user_id(key_id: str) -> str | None:
    """Whose acting key has this id; None for that of a key that is stored."""
    return key_id.removeprefix(_ACTING_AS) if key_id.startswith(_ACTING_AS) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is signed in, or half so. Times are UTC seconds since 1970.

    id: public, to list and end sessions by; token_digest: SHA-256 of what the cookie says, in hexadecimal.
    seen_at: the last request, to the minute. fresh_at: when the password was given last.
    awaits_code: the password was right, the second factor is still to come; nothing but that can be done.
    """

    id: str
    token_digest: str = field(repr=False)
    user_id: str
    created_at: float
    seen_at: float
    fresh_at: float
    awaits_code: bool
    address: str
    agent: str


class LinkPurpose(Enum):
    """What a one-time link is for."""

    FIRST_OWNER = "first-owner"
    INVITATION = "invitation"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeLink:
    """A link that works once. `user_id` is whose password it sets; None for the one that makes the first owner."""

    token_digest: str = field(repr=False)
    purpose: LinkPurpose
    user_id: str | None
    expires_at: float
