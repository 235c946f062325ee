"""The numbers that an account must not call: listed, added, read from a file, removed."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import phonenumbers
import structlog

from ringbridge.call.do_not_call import LONGEST_REASON, BarredNumber, BarredNumbers
from ringbridge.call.errors import AlreadyExists, InvalidOption, NotFound
from ringbridge.call.number import InvalidNumber, normalise
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.csv_file import UnusableFile, rows_of

log = structlog.get_logger()

MOST_IMPORTED = 100_000
"""Numbers of one file: reading more takes the calls' own time for too long. The command line takes longer ones."""

# So many are written at a time, and calls that are being placed have the database to themselves in between.
BATCH = 2_000
_PAUSE_SECONDS = 0.1

_NOT_A_DIGIT = re.compile(r"[^0-9]")


class Imported(NamedTuple):
    """How many numbers of a file were added, and how many of it were on the list already."""

    added: int
    known: int


class DoNotCallService:
    """The list of the caller's account. All methods raise StoreUnavailable."""

    def __init__(self, list_of: Callable[[str], BarredNumbers], clock: Clock) -> None:
        self._list_of = list_of
        self._clock = clock

    async def page(self, caller: Caller, search: str, after: str | None, limit: int) -> list[BarredNumber]:
        """Numbers of the list behind `after` that begin with what is searched for, in order, `limit` at most."""
        beginning = _beginning(search, caller.account.country)
        if beginning is None:
            return []
        return await asyncio.to_thread(self._list(caller).page, beginning, after or "", limit)

    async def add(self, caller: Caller, text: str, reason: str) -> str:
        """Put a number on the list, and return it as E.164. Raises InvalidOption and AlreadyExists."""
        try:
            number = barred_number(text, caller.account.country)
        except InvalidNumber as error:
            raise InvalidOption("number", error.code) from error
        known_reason = _checked_reason(reason)
        if await self._add(caller, {number: known_reason}) == 0:
            raise AlreadyExists(f"{number} is on the list already.")
        return number

    async def import_file(self, caller: Caller, data: bytes) -> Imported:
        """Put the numbers of a CSV file on the list: none if one is wrong. Raises UnusableFile.

        What was added before a StoreUnavailable stays: the same file may be sent again.
        """
        country = caller.account.country
        numbers = await asyncio.to_thread(lambda: read_numbers(_within_bounds(rows_of(data)), country))
        if not numbers:
            raise UnusableFile("empty")
        items, added = list(numbers.items()), 0
        for first in range(0, len(items), BATCH):
            if first:
                await asyncio.sleep(_PAUSE_SECONDS)  # noqa: TID251
            added += await self._add(caller, dict(items[first : first + BATCH]))
        return Imported(added, len(numbers) - added)

    async def remove(self, caller: Caller, number: str) -> None:
        """Take a number off the list. Raises NotFound."""
        if not await asyncio.to_thread(self._list(caller).remove, number):
            raise NotFound("This number is not on the list.")
        log.info("do_not_call.removed", account=caller.account.id, by=caller.key.id)

    async def _add(self, caller: Caller, numbers: dict[str, str | None]) -> int:
        utc_now = self._clock.utc_now()
        added = await asyncio.to_thread(lambda: self._list(caller).add(numbers, at=utc_now))
        log.info("do_not_call.added", account=caller.account.id, numbers=added, by=caller.key.id)
        return added

    def _list(self, caller: Caller) -> BarredNumbers:
        return self._list_of(caller.account.id)


def _within_bounds(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    """The rows. Raises UnusableFile behind the last that is taken."""
    for row, cells in enumerate(rows, start=1):
        if row > MOST_IMPORTED:
            raise UnusableFile("too_many_numbers", row)
        yield cells


def barred_number(text: str, country: str) -> str:
    """A number of the list as E.164. Raises InvalidNumber."""
    number = normalise(text, country)
    if number.digits_after_answer:
        raise InvalidNumber
    return number.e164


def read_numbers(rows: Iterable[list[str]], country: str) -> dict[str, str | None]:
    """The numbers in the first column, with their reasons. Raises UnusableFile that names the row.

    A first row that begins with `number` names the columns; the one that is called `reason` has the reasons.
    """
    numbers: dict[str, str | None] = {}
    reason_at: int | None = None
    for row, cells in enumerate(rows, start=1):
        text = cells[0].strip() if cells else ""
        if row == 1 and text.lower() == "number":
            names = [name.lower() for name in cells]
            reason_at = names.index("reason") if "reason" in names else None
            continue
        if not text:
            continue
        try:
            number = barred_number(text, country)
            reason = cells[reason_at] if reason_at is not None and reason_at < len(cells) else ""
            numbers.setdefault(number, _checked_reason(reason))
        except InvalidNumber as error:
            raise UnusableFile(error.code, row, text) from error
        except InvalidOption as error:
            raise UnusableFile(error.code, row, text) from error
    return numbers


def _checked_reason(text: str) -> str | None:
    """Raises InvalidOption."""
    reason = text.strip()
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise InvalidOption("reason", "invalid_reason")
    return reason or None


def _beginning(search: str, country: str) -> str | None:
    """What the numbers that are searched for begin with; None where no number does. All do with nothing."""
    text = search.strip()
    if not text:
        return ""
    try:
        return normalise(text, country).e164
    except InvalidNumber:
        digits = _NOT_A_DIGIT.sub("", text)
    if not digits:
        return None
    if text.startswith("+"):
        return f"+{digits}"
    return f"+{phonenumbers.country_code_for_region(country)}{digits}"
