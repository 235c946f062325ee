"""The audit log: what an account may ask of it."""

import asyncio

from ringbridge.call.actor import ActorKind
from ringbridge.call.audit import AuditEntry, AuditLog
from ringbridge.service.authentication import Caller


class AuditService:
    """The log of the caller's account. All methods raise StoreUnavailable."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    async def page(self, caller: Caller, before: int | None, limit: int) -> list[AuditEntry]:
        """The entries before number `before` (None: from the last), the newest first, `limit` at most.

        Of those who look after the server an account learns neither name nor address.
        """
        found = await asyncio.to_thread(self._log.page, caller.account.id, before, limit)
        return [_for_account(entry) for entry in found]


def _for_account(entry: AuditEntry) -> AuditEntry:
    if entry.actor.kind in (ActorKind.API_KEY, ActorKind.USER):
        return entry
    return entry._replace(actor=entry.actor._replace(id=None, address=None))
