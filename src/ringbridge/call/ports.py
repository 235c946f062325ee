"""What the service asks of the back doors. Each Protocol has several implementations and one contract test suite."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from ringbridge.call.directory import Account, AccountLimits, Device, Line, Phone, RegisteredDevice, Trunk
from ringbridge.call.event import Effect, Event
from ringbridge.call.history import CallEvent, CallFilter, CallHistory, CallPlace, StoredCall
from ringbridge.call.idempotency import IdempotencyKey, KeptKey
from ringbridge.call.key import ApiKey
from ringbridge.call.model import Call
from ringbridge.call.usage import PastCall

EventHandler = Callable[[str, Event], None]


class Engine(Protocol):
    """Carries the legs of calls.

    `perform` never blocks and never raises for what the far end does: whatever comes of an effect arrives as an
    event at the handler given to `listen`. Two clauses that every engine must keep:
    a HangUp is final, whatever crosses it on the wire; a HangUp of a leg that is gone already succeeds.
    An engine that starts releases the legs that an earlier process left, and never dials them again.
    """

    def listen(self, on_event: EventHandler) -> None:
        """Say who hears events: on_event(call id, event)."""
        ...

    def perform(self, call: Call, effect: Effect) -> None:
        """Carry out one effect for one call."""
        ...

    def release(self, call_id: str) -> None:
        """The call is over and its last effects were given: free everything that belongs to it once its legs are gone.

        Of a call of an earlier process, free what that may have left outside of itself.
        """
        ...

    def healthy(self) -> bool:
        """Whether a new call could be carried now."""
        ...

    def phones(self, line_id: str) -> Sequence[Phone]:
        """The phones that are registered for a line of kind device, and would ring."""
        ...

    def reserve(self, call: Call) -> bool:
        """Keep what both legs of this new call will take of the trunks, until `release`.

        False, and nothing is kept, if the trunks that lead to its parties carry all that they may.
        """
        ...


class CallStore(Protocol):
    """Keeps calls, their events and records. Writes keep their order."""

    async def accept(self, call: Call, event: CallEvent, key: IdempotencyKey | None = None) -> None:
        """Store a new call, its first event and the key of its request; durable on return.

        Raises StoreUnavailable, and then nothing is stored.
        """
        ...

    async def key(self, account_id: str, text: str) -> KeptKey | None:
        """What is known of a key that a request of the account had before. Raises StoreUnavailable."""
        ...

    def save(self, call: Call, event: CallEvent) -> None:
        """Store a change and its event, in one transaction; with an ended call also its record, once. Not awaited."""
        ...

    async def written(self) -> None:
        """Return when all that was saved before is durable. Raises StoreUnavailable when that takes longer than usual."""
        ...

    def block(self, call: Call) -> None:
        """Store a request that was refused, as a call that has its end, with its record. Not awaited."""
        ...

    async def open_calls(self) -> list[str]:
        """The ids of calls that an earlier process left without an end, in the order of their acceptance."""
        ...

    async def close_interrupted(self, call_id: str, *, ended_at: float) -> None:
        """Give a call of an earlier process its end, `interrupted`, with event, record and cost; no-op if it has one.

        `ended_at` is UTC seconds since 1970; the end is never told to be before the last event.
        """
        ...

    async def find(self, account_id: str, call_id: str) -> StoredCall | None:
        """The account's call with everything stored of it so far. Raises StoreUnavailable."""
        ...

    async def histories_since(
        self, account_id: str, since: float, after: CallPlace | None, limit: int
    ) -> list[CallHistory]:
        """What happened from `since` on, UTC seconds since 1970, to the account's calls that were not over by then.

        The calls behind the place `after` (None: from the first), the oldest first, `limit` at most, without blocked ones.
        Raises StoreUnavailable.
        """
        ...

    async def has_calls_between(self, account_id: str, start: float, end: float) -> bool:
        """Whether something happened to a call of the account after `start` that was accepted before `end`, both UTC.

        Raises StoreUnavailable.
        """
        ...

    async def page(
        self, account_id: str, wanted: CallFilter, after: CallPlace | None, limit: int
    ) -> list[StoredCall]:
        """The account's calls behind the place `after` (None: from the first), the newest first, `limit` at most.

        Without their histories. Raises StoreUnavailable.
        """
        ...

    def healthy(self) -> bool:
        """Whether a new call would be taken, by what is known of the last write."""
        ...


class Usage(Protocol):
    """What accounts did before now. Points in time are UTC seconds since 1970. All methods raise StoreUnavailable."""

    async def calls_since(self, utc: float) -> list[PastCall]:
        """The calls accepted since then, the oldest first; without those that were blocked."""
        ...

    async def short_calls_since(self, utc: float, seconds: float) -> list[PastCall]:
        """The calls that ended since then, less than `seconds` after the destination's answer, the oldest first.

        Without those whose destination was erased: nobody knows any more where they went.
        """
        ...

    async def spent_within(self, start: float, end: float) -> dict[str, int]:
        """What calls accepted, and thirds asked for, from `start` and before `end` cost or may cost, in millionths, by account."""
        ...

    async def outcomes_since(self, account_id: str, is_test: bool, utc: float) -> dict[str | None, int]:
        """How many of the account's live or test calls accepted since then had which outcome; None for those that are not over."""
        ...


class LimitStore(Protocol):
    """Keeps what accounts may do. Its methods block: call them in threads."""

    def suspend(self, account_id: str) -> None:
        """Let an account place no more calls, by the server's own rules; those that are up go on. Raises as `set_suspended`."""
        ...

    def find(self, account_id: str) -> AccountLimits:
        """The account's limits as they are stored: no earlier answer is remembered. Raises StoreUnavailable."""
        ...

    def set_suspended(self, account_id: str, *, suspended: bool, ends_calls: bool) -> None:
        """Let an account place no more calls, or let it again. Raises NotFound and StoreUnavailable.

        ends_calls: those that are up end, too.
        """
        ...

    def change(self, account_id: str, change: Callable[[AccountLimits], AccountLimits]) -> AccountLimits:
        """Keep what `change` makes of the account's limits; what it raises leaves them as they are.

        Raises NotFound and StoreUnavailable.
        """
        ...


class CallObserver(Protocol):
    """Counts calls; it must neither block nor raise."""

    def accepted(self, call: Call) -> None:
        """A call was stored and is about to be dialled."""
        ...

    def ended(self, call: Call) -> None:
        """A call has its end."""
        ...

    def interrupted(self) -> None:
        """A call of an earlier process was given its end."""
        ...


class Directory(Protocol):
    """Looks up accounts and what they own. Changes made by another process are seen within a second."""

    async def account(self, account_id: str) -> Account | None: ...

    async def limits(self, account_id: str) -> AccountLimits: ...

    async def key(self, key_id: str) -> ApiKey | None: ...

    async def acting_key(self, user_id: str) -> ApiKey | None:
        """As whom a user of the portal acts (`User.acting_key`); None for one who may not come in."""
        ...

    async def line(self, account_id: str, number: str) -> Line | None:
        """The account's line with this number, as E.164 or as an internal extension."""
        ...

    async def device(self, sip_username: str) -> Device | None:
        """The device that registers under this name."""
        ...

    async def device_lines(self) -> list[str]:
        """The ids of all lines whose phones register."""
        ...

    async def trunks(self) -> tuple[Trunk, ...]:
        """All trunks, the default one first."""
        ...

    async def is_barred(self, account_id: str, number: str) -> bool:
        """Whether the E.164 number is on the account's do-not-call list."""
        ...

    async def rates(self) -> Mapping[str, int]:
        """What a minute costs by the beginnings of numbers, in millionths of the currency."""
        ...

    async def peer_places(self) -> list[str]:
        """What stands behind user and `@` in the SIP URIs of all lines and trunks, each once: who is known."""
        ...


class LineStore(Protocol):
    """Keeps an account's lines. Its methods block: call them in threads. All raise StoreUnavailable."""

    def page(self, account_id: str, after: str | None, limit: int, text: str = "") -> list[Line]:
        """The account's lines with a number behind `after` (None: from the first), in its order, `limit` at most.

        text: only those with it in their number or name, in letters of either case.
        """
        ...

    def taken(self, account_id: str, numbers: Collection[str]) -> set[str]:
        """Those of the numbers that are lines of the account already."""
        ...

    def devices(self, line_ids: Collection[str], now_utc: float) -> Mapping[str, Sequence[RegisteredDevice]]:
        """The phones that are registered for these lines at a time in UTC seconds since 1970, by the line's id."""
        ...

    def find(self, account_id: str, line_id: str) -> Line | None:
        """The account's line with this id."""
        ...

    def add(self, line: Line, device_digests: Mapping[str, str] | None) -> None:
        """A new line; with `device_digests`, one whose phone's password is checked against them.

        Raises AlreadyExists, and NotFound where there is no such trunk.
        """
        ...

    def add_all(self, new_lines: Sequence[Line]) -> int:
        """New lines, all or none; returns how many. Raises AlreadyExists and NotFound."""
        ...

    def change(
        self,
        account_id: str,
        line_id: str,
        change: Callable[[Line], Line],
        digests_of: Callable[[Line], Mapping[str, str]] | None = None,
    ) -> Line:
        """Put what `change` makes of a line in its place, and return it; what that raises leaves all as it was.

        digests_of: gives the new ones of the changed line; without it a phone keeps its password. Nobody else changes the
        line meanwhile. Raises NotFound.
        """
        ...

    def remove(self, account_id: str, line_id: str, check: Callable[[Line], object]) -> None:
        """Forget a line, unless `check` raises something. Raises NotFound."""
        ...


class TrunkStore(Protocol):
    """Keeps the trunks of the server. Its methods block: call them in threads. All raise StoreUnavailable."""

    def trunks(self) -> list[Trunk]:
        """All trunks, by position."""
        ...

    def add_trunk(self, trunk: Trunk, *, position: int | None = None) -> Trunk:
        """A new trunk, as it was stored: at `position`, or behind the others. Raises AlreadyExists."""
        ...

    def change_trunk(self, name: str, change: Callable[[Trunk], Trunk]) -> Trunk:
        """Put what `change` makes of a trunk in its place, and return it; what that raises leaves all as it was.

        Raises NotFound.
        """
        ...

    def remove_trunk(self, name: str) -> None:
        """Forget a trunk that no line uses. Raises NotFound and InvalidSetting."""
        ...


class AccountStore(Protocol):
    """Keeps accounts. Its methods block: call them in threads. All raise StoreUnavailable."""

    def change_account(self, account_id: str, change: Callable[[Account], Account]) -> None:
        """Put what `change` makes of an account in its place; what that raises leaves all as it was. Raises NotFound."""
        ...
