"""Doubles at the ports of the service: no SIP, no database. What they do is what the test says, and no more.

The real ones are held to the same ports by tests/engines, tests/store and tests/scenarios.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from ringbridge.call.directory import Account, AccountLimits, Device, Line, LineKind, Phone, Trunk
from ringbridge.call.errors import StoreUnavailable
from ringbridge.call.event import Effect, Event
from ringbridge.call.history import CallEvent, CallFilter, CallHistory, CallPlace, StoredCall, StoredEvent
from ringbridge.call.idempotency import IdempotencyKey, KeptKey
from ringbridge.call.key import ApiKey
from ringbridge.call.model import Call
from ringbridge.call.ports import EventHandler
from ringbridge.call.user import User
from ringbridge.service.authentication import Caller

ACCOUNT = Account(id="1009683", name="Example Inc", main_number="+18175620000")
OTHER_ACCOUNT = Account(id="2000000", name="Other Ltd")
KEY = ApiKey(id="k", account_id="1009683", name="crm", secret_digest="", created_at=0.0, expires_at=9e9)
CALLER = Caller(ACCOUNT, KEY)
TESTER = Caller(ACCOUNT, replace(KEY, is_test=True))
STRANGER = Caller(OTHER_ACCOUNT, KEY)
PHONE = Line(id="l1", account_id="1009683", number="+18175629657", kind=LineKind.URI, uri="sip:ann@192.0.2.7")
MOBILE = Line(id="l3", account_id="1009683", number="+18175629658", kind=LineKind.TRUNK, trunk="carrier")
EXTENSION = Line(id="l2", account_id="1009683", number="204", kind=LineKind.URI, uri="sip:204@192.0.2.7")


class ScriptedEngine:
    """An engine whose legs do what the test tells. `performed` are the effects so far."""

    def __init__(self) -> None:
        self.performed: list[tuple[str, Effect]] = []
        self.reserved: list[str] = []
        self.registered: dict[str, list[Phone]] = {}
        self.released: list[str] = []
        self.is_healthy = True
        self.is_full = False
        self.breaks_at: type[Effect] | None = None
        self._changed = asyncio.Event()
        self._on_event: EventHandler

    def listen(self, on_event: EventHandler) -> None:
        self._on_event = on_event

    def perform(self, call: Call, effect: Effect) -> None:
        if self.breaks_at is not None and isinstance(effect, self.breaks_at):
            raise RuntimeError("the engine has a fault")
        self.performed.append((call.id, effect))
        self._changed.set()

    def release(self, call_id: str) -> None:
        self.released.append(call_id)
        self._changed.set()

    def healthy(self) -> bool:
        return self.is_healthy

    def phones(self, line_id: str) -> list[Phone]:
        return self.registered.get(line_id, [])

    def reserve(self, call: Call) -> bool:
        if not self.is_full:
            self.reserved.append(call.id)
        return not self.is_full

    def tell(self, call_id: str, event: Event) -> None:
        """Something happens to a leg of the call."""
        self._on_event(call_id, event)

    async def until(self, condition: Callable[["ScriptedEngine"], bool]) -> None:
        """Wait until the condition holds, looked at after each thing the engine is asked for."""
        async with asyncio.timeout(5):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()


class MemoryStore:
    """A store that keeps what it is given in lists."""

    def __init__(self) -> None:
        self.accepted: list[Call] = []
        self.blocked: list[Call] = []
        self.saved: list[tuple[Call, CallEvent]] = []
        self.open: list[str] = []
        self.interrupted: list[str] = []
        self.found: dict[tuple[str, str], StoredCall] = {}
        self.keys: dict[tuple[str, str], KeptKey] = {}
        self.histories: dict[str, CallHistory] = {}
        self.is_written = asyncio.Event()
        self.is_written.set()
        self.asked_since: list[tuple[float, CallPlace | None]] = []
        self.asked: list[tuple[str, CallFilter, CallPlace | None, int]] = []
        self.fails = False
        self.gate: asyncio.Event | None = None

    async def accept(self, call: Call, event: CallEvent, key: IdempotencyKey | None = None) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise StoreUnavailable("the database is not available")
        self.accepted.append(call)
        if key is not None:
            self.keys[call.account_id, key.text] = KeptKey(key.body_digest, call.id, call.accepted_utc)

    async def key(self, account_id: str, text: str) -> KeptKey | None:
        return self.keys.get((account_id, text))

    def save(self, call: Call, event: CallEvent) -> None:
        self.saved.append((call, event))

    def write(self, call_id: str, *events: StoredEvent) -> None:
        """These lines of a call's history are in the database from now on."""
        place = CallPlace(events[0].at, call_id)
        history = self.histories.get(call_id) or CallHistory(place, "1", False, None, None, ())
        self.histories[call_id] = history._replace(events=history.events + events)

    async def written(self) -> None:
        if self.fails:
            raise StoreUnavailable("the database is not available")
        await self.is_written.wait()

    def block(self, call: Call) -> None:
        self.blocked.append(call)

    async def open_calls(self) -> list[str]:
        return self.open

    async def close_interrupted(self, call_id: str, *, ended_at: float) -> None:
        self.interrupted.append(call_id)

    async def find(self, account_id: str, call_id: str) -> StoredCall | None:
        return self.found.get((account_id, call_id))

    async def histories_since(
        self, account_id: str, since: float, after: CallPlace | None, limit: int
    ) -> list[CallHistory]:
        if self.fails:
            raise StoreUnavailable("the database is not available")
        self.asked_since.append((since, after))
        return [
            history._replace(events=tuple(event for event in history.events if event.at >= since))
            for history in sorted(self.histories.values())
            if history.events[-1].at >= since and (after is None or history.place > after)
        ][:limit]

    async def has_calls_between(self, account_id: str, start: float, end: float) -> bool:
        return any(
            history.events[-1].at >= start and history.place.accepted_at < end
            for history in self.histories.values()
        )

    async def page(
        self, account_id: str, wanted: CallFilter, after: CallPlace | None, limit: int
    ) -> list[StoredCall]:
        self.asked.append((account_id, wanted, after, limit))
        return [call for (owner, _), call in self.found.items() if owner == account_id][:limit]

    def healthy(self) -> bool:
        return not self.fails


class MemoryDirectory:
    """Two accounts, the first with a key, three lines and limits; and one trunk. A test may change them."""

    def __init__(self) -> None:
        self.accounts = {ACCOUNT.id: ACCOUNT, OTHER_ACCOUNT.id: OTHER_ACCOUNT}
        self.keys = {KEY.id: KEY}
        self.users: dict[str, User] = {}
        self.limits_of_all = AccountLimits(concurrent=3, rate=100)
        self.barred: set[str] = set()
        self.all_rates: dict[str, int] = {}
        self.all_trunks: tuple[Trunk, ...] = (Trunk(id="t", name="carrier", uri="sip:192.0.2.1"),)

    async def account(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    async def limits(self, account_id: str) -> AccountLimits:
        return self.limits_of_all

    async def key(self, key_id: str) -> ApiKey | None:
        return self.keys.get(key_id)

    async def acting_key(self, user_id: str) -> ApiKey | None:
        user = self.users.get(user_id)
        return None if user is None else user.acting_key()

    async def line(self, account_id: str, number: str) -> Line | None:
        own = {line.number: line for line in (PHONE, EXTENSION, MOBILE)}
        return own.get(number) if account_id == ACCOUNT.id else None

    async def device(self, sip_username: str) -> Device | None:
        return None

    async def device_lines(self) -> list[str]:
        return []

    async def trunks(self) -> tuple[Trunk, ...]:
        return self.all_trunks

    async def is_barred(self, account_id: str, number: str) -> bool:
        return number in self.barred

    async def rates(self) -> Mapping[str, int]:
        return self.all_rates

    async def peer_places(self) -> list[str]:
        return ["192.0.2.7", "192.0.2.1"]


class CountingObserver:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.accepted_calls: list[Call] = []
        self.ended_calls: list[Call] = []
        self.interrupted_calls = 0

    def accepted(self, call: Call) -> None:
        self.accepted_calls.append(call)

    def ended(self, call: Call) -> None:
        self.ended_calls.append(call)

    def interrupted(self) -> None:
        self.interrupted_calls += 1
