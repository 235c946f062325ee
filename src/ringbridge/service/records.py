"""The records of calls: what the front doors may ask for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from ringbridge.call.errors import InvalidOption
from ringbridge.call.number import InvalidNumber, normalise_line
from ringbridge.call.record import Erasure, Record, RecordFilter, RecordPlace, RecordStore
from ringbridge.service.authentication import Caller

# An export holds so many records in memory, however many there are.
_BATCH = 500


class RecordService:
    """The records of the caller's account: of its lines only where its key is bound to some, of test calls only for a test key.

    All methods raise StoreUnavailable.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    async def page(
        self, caller: Caller, wanted: RecordFilter, after: RecordPlace | None, limit: int
    ) -> list[Record]:
        """The records behind the place `after`, the newest first, `limit` at most."""
        bound = replace(wanted, lines=caller.key.lines)
        if caller.key.is_test:
            if wanted.is_test is False:
                return []
            bound = replace(bound, is_test=True)
        return await asyncio.to_thread(self._records.page, caller.account.id, bound, after, limit)

    async def find(self, caller: Caller, call_id: str) -> Record | None:
        """The record of a call that is over."""
        record = await asyncio.to_thread(self._records.find, caller.account.id, call_id)
        if record is None or not caller.key.may_see(record.user_number, record.is_test):
            return None
        return record

    async def erase(self, caller: Caller, number: str) -> Erasure:
        """Forget a number, as people of the account's country write it, in all calls that are over; for a test key in test calls.

        Raises InvalidOption.
        """
        try:
            known = normalise_line(number, caller.account.country)
        except InvalidNumber as error:
            raise InvalidOption("number", error.code) from error
        return await asyncio.to_thread(
            self._records.erase, caller.account.id, known, of_tests=caller.key.is_test
        )

    async def batches(self, caller: Caller, wanted: RecordFilter) -> AsyncIterator[list[Record]]:
        """All records, the newest first, some hundred at a time; at least one list, which may be empty."""
        place = None
        while True:
            batch = await self.page(caller, wanted, place, _BATCH)
            yield batch
            if len(batch) < _BATCH:
                return
            place = batch[-1].place
