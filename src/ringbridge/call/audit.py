"""The audit log as values: what an entry tells of a change, and the chain in which each one seals those before it. Pure.

An entry is never changed, so what must be forgotten some day must not be in it: no secret, no whole telephone number
(docs/decisions/0015-audit-log.md).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from ringbridge.call.actor import Actor, ActorKind
from ringbridge.call.errors import CallError

FIRST_HASH = "0" * 64
"""What stands in place of the hash before the first entry."""

_SECRETS = frozenset(
    {
        "password",
        "secret",
        "previous_secret",
        "secret_digest",
        "device_digests",
        "password_hash",
        "totp_seed",
    }
)

# Known by the entry's other fields; the last code that was taken is no change of anybody's.
_LEFT_OUT = frozenset({"id", "account_id", "totp_step"})

# E.164 has at most 15 digits, and fewer than seven are an extension.
_NUMBER = re.compile(r"\+?(?<!\d)\d{3,11}(\d{4})(?!\d)")


class Action(Enum):
    """What was done. The word before the dot is the kind of thing that it was done to."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_SUSPENDED = "account.suspended"
    ACCOUNT_RESUMED = "account.resumed"
    KEY_CREATED = "key.created"
    KEY_EXCHANGED = "key.exchanged"
    KEY_REVOKED = "key.revoked"
    LINE_CREATED = "line.created"
    LINE_IMPORTED = "line.imported"
    LINE_CHANGED = "line.changed"
    LINE_REMOVED = "line.removed"
    TRUNK_CREATED = "trunk.created"
    TRUNK_CHANGED = "trunk.changed"
    TRUNK_REMOVED = "trunk.removed"
    LIMITS_CHANGED = "limits.changed"
    RATES_IMPORTED = "rates.imported"
    DO_NOT_CALL_ADDED = "do_not_call.added"
    DO_NOT_CALL_REMOVED = "do_not_call.removed"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_REMOVED = "webhook.removed"
    WEBHOOK_DISABLED = "webhook.disabled"
    ORIGIN_ALLOWED = "origin.allowed"
    ORIGIN_FORBIDDEN = "origin.forbidden"
    PROMPT_REPLACED = "prompt.replaced"
    PROMPT_RESTORED = "prompt.restored"
    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    USER_LINK_MADE = "user.link_made"
    USER_PASSWORD_SET = "user.password_set"  # noqa: S105
    USER_SECOND_FACTOR_BEGUN = "user.second_factor_begun"
    USER_SECOND_FACTOR_ENDED = "user.second_factor_ended"
    USER_RECOVERY_CODE_USED = "user.recovery_code_used"
    USER_PASSKEY_ADDED = "user.passkey_added"
    USER_PASSKEY_REMOVED = "user.passkey_removed"
    USER_SIGNED_IN = "user.signed_in"
    USER_SIGN_IN_FAILED = "user.sign_in_failed"
    USER_SESSIONS_ENDED = "user.sessions_ended"
    RECORDS_ERASED = "records.erased"
    RECORDS_RETAINED = "records.retained"
    CONFIG_RELOADED = "config.reloaded"
    CONFIG_REFUSED = "config.refused"


class BrokenChain(CallError):
    """The log is not as it was written; the text says from where on."""

    code = "broken_chain"


class AuditEntry(NamedTuple):
    """One change. `at` is UTC seconds since 1970, to the millisecond; account_id: whose it was, None for the server's.

    target_id: what was changed, None where there is only one. before, after: JSON of what differs; None for nothing.
    hash: SHA-256 in hexadecimal over the hash of the entry before and the other fields.
    """

    sequence: int
    at: float
    actor: Actor
    account_id: str | None
    action: str
    target_id: str | None
    before: str | None
    after: str | None
    hash: str

    @property
    def target_kind(self) -> str:
        """The kind of thing that was changed."""
        return self.action.partition(".")[0]

    @property
    def is_idle(self) -> bool:
        """Whether what was done made no difference."""
        return self.before == self.after == "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What an entry is made of: `before` and `after` as rows have it, also what may not be told; a number as target is masked."""

    action: Action
    account_id: str | None = None
    target_id: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


class Chain(NamedTuple):
    """Where the chain ends: with entry `sequence`, which has that hash."""

    sequence: int = 0
    hash: str = FIRST_HASH

    def entry(self, deed: Deed, actor: Actor, at: float) -> AuditEntry:
        """The next entry: what `actor` did at `at`, UTC seconds since 1970."""
        before, after = told(deed.before, deed.after)
        entry = AuditEntry(
            sequence=self.sequence + 1,
            at=round(at, 3),
            actor=actor,
            account_id=deed.account_id,
            action=deed.action.value,
            target_id=deed.target_id,
            before=before,
            after=after,
            hash="",
        )
        return entry._replace(hash=_hash(self.hash, entry))

    def followed_by(self, entry: AuditEntry) -> "Chain":
        """The chain with `entry` behind it. Raises BrokenChain if it was not written there, or changed since."""
        if entry.sequence != self.sequence + 1:
            raise BrokenChain(f"Entry {self.sequence + 1} of the audit log is missing.")
        if entry.hash != _hash(self.hash, entry):
            raise BrokenChain(f"Entry {entry.sequence} of the audit log, or what it follows, was changed.")
        return Chain(entry.sequence, entry.hash)


class AuditFilter(NamedTuple):
    """Which entries are wanted; None is any.

    target_kind: the word before the dot of the action. since, until: UTC seconds since 1970, the latter not included.
    with_server: also what concerns no account, such as trunks and settings.
    """

    target_kind: str | None = None
    actor_kind: ActorKind | None = None
    since: float | None = None
    until: float | None = None
    with_server: bool = False


EVERY_ENTRY = AuditFilter()


class AuditLog(Protocol):
    """Reads the log. Its methods block: call them in threads. All raise StoreUnavailable."""

    def page(
        self, account_id: str, before: int | None, limit: int, wanted: AuditFilter = EVERY_ENTRY
    ) -> list[AuditEntry]:
        """The account's entries with a lower sequence than `before` (None: from the last), the newest first, `limit` at most."""
        ...

    def verify(self) -> Chain:
        """Read the whole log; returns where it ends. Raises BrokenChain if it is not as it was written."""
        ...


class AuditNotes(Protocol):
    """Adds to the log what changes nothing in the database."""

    def note(
        self,
        action: Action,
        *,
        account_id: str | None = None,
        target_id: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """An entry of whoever acts now. It blocks: call it in a thread. Raises StoreUnavailable."""
        ...


def told(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """What an entry tells of a row before and after a change, as JSON: what differs, secrets hidden, numbers masked."""
    if before is not None and after is not None:
        same = {name for name in before if name in after and before[name] == after[name]}
        before, after = (
            {name: value for name, value in row.items() if name not in same} for row in (before, after)
        )
    return _text(before), _text(after)


def masked(text: str) -> str:
    """`text` with no more than the last four digits of each telephone number in it."""
    return _NUMBER.sub(r"…\1", text)


def _text(row: Mapping[str, Any] | None) -> str | None:
    if row is None:
        return None
    shown = {
        name: _shown(name, value)
        for name, value in row.items()
        if value is not None and name not in _LEFT_OUT
    }
    return _canonical(shown)


def _shown(name: str, value: Any) -> Any:
    if name in _SECRETS:
        return "(hidden)"
    if name == "url":
        # Whoever has the rest may have all: receivers take it for a password.
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list | tuple):
        return [_shown("", one) for one in value]
    return value


def _hash(previous: str, entry: AuditEntry) -> str:
    kind, actor_id, address = entry.actor
    fields = [
        previous,
        entry.sequence,
        entry.at,
        kind.value,
        actor_id,
        address,
        entry.account_id,
        entry.action,
        entry.target_id,
        entry.before,
        entry.after,
    ]
    return hashlib.sha256(_canonical(fields).encode()).hexdigest()


def _canonical(value: Any) -> str:
    """JSON written one way: names sorted, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
