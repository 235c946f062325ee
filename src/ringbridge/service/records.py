"""The records of calls: what the front doors may ask for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from ringbridge.call.errors import InvalidOption
from ringbridge.call.number import InvalidNumber, normalise_line
from ringbridge.call.record import (
    Erasure,
    FoundRecords,
    Record,
    RecordFilter,
    RecordPlace,
    RecordStore,
)
from ringbridge.service.authentication import Caller

# An export holds so many records in memory, however many there are.
_BATCH = 500

SHORTEST_PART = 2
LONGEST_PART = 40


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
        if caller.key.is_test and wanted.is_test is False:
            return []
        bound = _bound(caller, wanted)
        return await asyncio.to_thread(self._records.page, caller.account.id, bound, after, limit)

    async def search(
        self, caller: Caller, wanted: RecordFilter, after: RecordPlace | None, limit: int
    ) -> FoundRecords:
        """As `page`, in a time that does not grow with the account's records: it may stop before all were looked at."""
        bound = _bound(caller, wanted)
        return await asyncio.to_thread(self._records.search, caller.account.id, bound, after, limit)

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


def of_number(wanted: RecordFilter, text: str, country: str) -> RecordFilter:
    """The filter, of calls with a number too: a whole one as people in `country` write it, or a few digits of one.

    Raises InvalidOption.
    """
    digits = "".join(filter(str.isdecimal, text))
    try:
        number = normalise_line(text, country)
    except InvalidNumber as error:
        if len(digits) < SHORTEST_PART or len(text) > LONGEST_PART:
            raise InvalidOption("number", "too_few_digits") from error
        return replace(wanted, number_part=digits)
    # An extension is as long as what people remember of a number.
    return replace(wanted, number=number) if number.startswith("+") else replace(wanted, number_part=number)


def _bound(caller: Caller, wanted: RecordFilter) -> RecordFilter:
    """The filter, of those lines only that the caller's key is bound to, and of test calls only for a test key."""
    own = caller.key.lines
    if caller.key.is_test:
        wanted = replace(wanted, is_test=True)
    if not own:
        return wanted
    chosen = tuple(line for line in wanted.lines if line in own)
    return replace(wanted, lines=chosen or own)
