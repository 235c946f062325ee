"""The audit log: what an account may ask of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from ringbridge.call.actor import ActorKind
from ringbridge.call.audit import EVERY_ENTRY, AuditEntry, AuditFilter, AuditLog, BrokenChain, Chain
from ringbridge.service.audit_export import AuditForm
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock

# Reading the whole log is dear: whoever asks sooner is told what was found then.
VERIFIED_SECONDS = 60.0

_EXPORTED_ROWS = 500


class Verified(NamedTuple):
    """What was found at `at`, UTC seconds since 1970: where the chain ends, or from where on it is broken."""

    at: float
    end: Chain | None
    fault: str


class AuditService:
    """The log of the caller's account. All methods raise StoreUnavailable."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._verifying = asyncio.Lock()
        self._verified: Verified | None = None

    async def page(
        self, caller: Caller, before: int | None, limit: int, wanted: AuditFilter = EVERY_ENTRY
    ) -> list[AuditEntry]:
        """The entries before number `before` (None: from the last), the newest first, `limit` at most.

        Of those who look after the server an account learns neither name nor address.
        """
        found = await asyncio.to_thread(self._log.page, caller.account.id, before, limit, wanted)
        return [_for_account(entry) for entry in found]

    async def export(self, caller: Caller, form: AuditForm, wanted: AuditFilter) -> AsyncIterator[str]:
        """The text of all entries that are wanted, the newest first, some hundred at a time."""
        before = None
        yield form.head
        while found := await self.page(caller, before, _EXPORTED_ROWS, wanted):
            # In a thread: some hundred entries take longer than a call that is being placed should wait.
            yield await asyncio.to_thread(form.body, found)
            before = found[-1].sequence

    async def verify(self) -> Verified:
        """Whether the whole log of the server is as it was written; found out once a minute at the most."""
        async with self._verifying:
            utc_now = self._clock.utc_now()
            if self._verified is None or not 0.0 <= utc_now - self._verified.at < VERIFIED_SECONDS:
                try:
                    self._verified = Verified(utc_now, await asyncio.to_thread(self._log.verify), "")
                except BrokenChain as broken:
                    self._verified = Verified(utc_now, None, str(broken))
            return self._verified


def _for_account(entry: AuditEntry) -> AuditEntry:
    if entry.actor.kind in (ActorKind.API_KEY, ActorKind.USER):
        return entry
    return entry._replace(actor=entry.actor._replace(id=None, address=None))
