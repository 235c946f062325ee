"""Which scheduled call is looked at next, with a clock that is turned by hand."""

import asyncio

from ringbridge.service.agenda import Agenda
from ringbridge.service.clock import Clock
from ringbridge.service.ledger import Ledger

NOW = 1_790_000_000.0
ACCOUNT = Ledger("a")
LINE = (ACCOUNT, "+18175629657")


class StoppedClock(Clock):
    """A clock that stands."""

    at = NOW

    def utc_now(self) -> float:
        return self.at


async def due(agenda: Agenda) -> list[str]:
    """What is due now, in its order."""
    found: list[str] = []
    while True:
        looking = asyncio.create_task(agenda.next())
        # What is due is found without waiting.
        for _ in range(3):
            await asyncio.wait([looking], timeout=0)
        if not looking.done():
            looking.cancel()
            await asyncio.wait([looking])
            return found
        found.append(looking.result())


async def test_what_is_due_comes_in_its_order_and_once() -> None:
    clock = StoppedClock()
    agenda = Agenda(clock)
    agenda.put(NOW + 1, "later")
    agenda.put(NOW - 1, "second")
    agenda.put(NOW - 2, "first")
    assert await due(agenda) == ["first", "second"]
    clock.at = NOW + 1
    assert await due(agenda) == ["later"]


async def test_what_is_put_off_is_looked_at_then_only() -> None:
    clock = StoppedClock()
    agenda = Agenda(clock)
    agenda.put(NOW, "one")
    agenda.put(NOW + 60, "one")
    assert await due(agenda) == []
    clock.at = NOW + 60
    assert await due(agenda) == ["one"]
    agenda.put(NOW, "one")
    agenda.drop("one")
    assert await due(agenda) == []


async def test_who_waits_for_a_line_is_looked_at_when_it_is_free_or_late() -> None:
    clock = StoppedClock()
    agenda = Agenda(clock)
    agenda.put_off_until_room(LINE, NOW + 60, "one")
    agenda.put_off_until_room(LINE, NOW + 60, "two")
    agenda.put_off_until_room((ACCOUNT, None), NOW + 60, "three")
    agenda.drop("two")
    agenda.there_is_room((Ledger("a", is_test=True), LINE[1]))
    assert await due(agenda) == []
    agenda.there_is_room(LINE)
    assert await due(agenda) == ["one"]
    clock.at = NOW + 60
    assert await due(agenda) == ["three"]


async def test_what_comes_first_wakes_who_sleeps() -> None:
    agenda = Agenda(Clock())
    agenda.put(Clock().utc_now() + 3600, "later")
    looking = asyncio.create_task(agenda.next())
    await asyncio.wait([looking], timeout=0)
    agenda.put(Clock().utc_now() - 1, "now")
    async with asyncio.timeout(30):
        assert await looking == "now"
