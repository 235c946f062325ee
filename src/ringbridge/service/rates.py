"""What calls cost: the table of rates, shown and exchanged."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog

from ringbridge.call.money import parse_amount
from ringbridge.service.authentication import Caller
from ringbridge.service.csv_file import UnusableFile, rows_of

log = structlog.get_logger()

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")


class RateStore(Protocol):
    """Keeps the rates, prefix -> millionths of the currency a minute. Its methods block. All raise StoreUnavailable."""

    def all(self) -> dict[str, int]:
        """Every rate, by prefix."""
        ...

    def replace(self, new_rates: Mapping[str, int]) -> None:
        """These rates, and no others any more."""
        ...


class RateService:
    """One table for all accounts of the server: the page's right says who may exchange it. All methods raise StoreUnavailable."""

    def __init__(self, store: RateStore) -> None:
        self._store = store

    async def all(self) -> dict[str, int]:
        """Every rate in millionths a minute, by prefix."""
        return await asyncio.to_thread(self._store.all)

    async def import_file(self, caller: Caller, data: bytes) -> int:
        """Take the rates of a CSV file in place of all that there are; returns how many. Raises UnusableFile."""
        rates = await asyncio.to_thread(lambda: read_rates(rows_of(data)))
        await asyncio.to_thread(self._store.replace, rates)
        log.info("rates.imported", rates=len(rates), by=caller.key.id)
        return len(rates)


def read_rates(rows: Iterable[list[str]]) -> dict[str, int]:
    """Prefix -> millionths a minute. Raises UnusableFile that names the row."""
    rates: dict[str, int] = {}
    row = 0
    for row, cells in enumerate(rows, start=1):
        texts = [cell.strip() for cell in cells]
        if row == 1:
            if [text.lower() for text in texts] != ["prefix", "per_minute"]:
                raise UnusableFile("rate_columns", row)
            continue
        if not any(texts):
            continue
        # A cell with a comma in it comes from a spreadsheet that writes it before decimals.
        micros = parse_amount(texts[1].replace(",", ".")) if len(texts) == 2 else None
        if micros is None or _PREFIX.fullmatch(texts[0]) is None or not texts[0].isascii():
            raise UnusableFile("invalid_rate", row, texts[0])
        if texts[0] in rates:
            raise UnusableFile("repeated_rate", row, texts[0])
        rates[texts[0]] = micros
    if row == 0:
        raise UnusableFile("empty")
    return rates
