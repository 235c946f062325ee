"""How far an account is on its way to its first call. Asked of what there is, so whoever comes back goes on where they were."""

import asyncio
from enum import Enum
from typing import NamedTuple

from ringbridge.call.directory import LineKind
from ringbridge.call.history import CallFilter
from ringbridge.call.ports import TrunkStore
from ringbridge.service.calls import CallService
from ringbridge.service.keys import KeyService
from ringbridge.service.line_book import LineBook, SeenLine
from ringbridge.service.phone_test import PhoneTests
from ringbridge.service.sign_in import SignedIn

MOST_LINES = 20
"""Whoever has more has no need of a guide."""
MOST_CALLS = 20
"""The same."""


class FirstStep(Enum):
    """What there is to do, in this order."""

    ACCOUNT = "account"
    TRUNK = "trunk"
    LINE = "line"
    PHONE = "phone"
    CALL = "call"
    KEY = "key"


class Progress(NamedTuple):
    """done: the steps that are. lines: the first lines of the account, with their phones."""

    done: frozenset[FirstStep]
    lines: list[SeenLine]

    @property
    def next(self) -> FirstStep | None:
        """The first step that is still to do; None when all are done."""
        return next((step for step in FirstStep if step not in self.done), None)


class FirstSteps:
    """Looks at what there is. All methods raise StoreUnavailable."""

    def __init__(
        self,
        lines: LineBook,
        trunks: TrunkStore,
        calls: CallService,
        keys: KeyService,
        tests: PhoneTests,
    ) -> None:
        self._lines = lines
        self._trunks = trunks
        self._calls = calls
        self._keys = keys
        self._tests = tests

    async def progress(self, by: SignedIn) -> Progress:
        """How far the account of `by` is."""
        lines = await self._lines.page(by, None, MOST_LINES)
        calls = await self._calls.reader.page(by.caller, CallFilter(), None, MOST_CALLS)
        # To look for one that was completed among a million that were not would take seconds.
        has_called = len(calls) == MOST_CALLS or any(call.outcome == "completed" for call in calls)
        is_there = {
            # Whoever made the owner has said what the company is called.
            FirstStep.ACCOUNT: True,
            FirstStep.TRUNK: bool(await asyncio.to_thread(self._trunks.trunks)),
            FirstStep.LINE: bool(lines),
            # A phone that took part in a call needs no test.
            FirstStep.PHONE: has_called or self._tests.has_worked(by.account.id),
            FirstStep.CALL: has_called,
            FirstStep.KEY: bool(await self._keys.page(by.caller, None, 1, ended=False)),
        }
        return Progress(frozenset(step for step, is_done in is_there.items() if is_done), lines)


def has_phone(seen: SeenLine) -> bool:
    """Whether the line could ring now, as far as is known."""
    return seen.line.kind is not LineKind.DEVICE or bool(seen.phones)
