"""What the audit log gets of sign-ins that fail: few entries, however many there are."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from ringbridge.call.actor import acting
from ringbridge.call.audit import Action
from ringbridge.call.errors import StoreUnavailable
from ringbridge.call.user import Role, User
from ringbridge.service.failed_sign_ins import FailedSignIns, Failure

ANN = User(id="u1", account_id="a1", login="ann", name="Ann", role=Role.OWNER, created_at=0.0)


class Noted(NamedTuple):
    """One entry."""

    account_id: str | None
    target_id: str | None
    address: str | None
    after: Mapping[str, Any]


class Notes:
    """Keeps entries in memory; unless it `is_away`, or has a fault, once."""

    def __init__(self) -> None:
        self.noted: list[Noted] = []
        self.is_away = False
        self.fault: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    async def one_more(self) -> None:
        """An entry since the last time."""
        async with asyncio.timeout(30.0):
            await self._news.wait()
        self._news.clear()

    def note(
        self,
        action: Action,
        *,
        account_id: str | None = None,
        target_id: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        if self.is_away:
            raise StoreUnavailable("away")
        if self.fault is not None:
            fault, self.fault = self.fault, None
            self._loop.call_soon_threadsafe(self._news.set)
            raise fault
        assert (action, before) == (Action.USER_SIGN_IN_FAILED, None)
        assert after is not None
        self.noted.append(Noted(account_id, target_id, acting().address, after))
        self._loop.call_soon_threadsafe(self._news.set)


@pytest.fixture
async def notes() -> Notes:
    return Notes()


async def test_of_a_flood_there_are_the_first_and_the_sum(notes: Notes) -> None:
    async with FailedSignIns(notes) as failed:
        failed.count(ANN, Failure.WRONG_PASSWORD, "192.0.2.1")
        await notes.one_more()
        for number in range(200):
            failed.count(ANN, Failure.WRONG_PASSWORD, f"192.0.2.{number}")
        failed.count_unlooked("ann", Failure.TOO_MANY_GUESSES, "192.0.2.1")
    assert notes.noted == [
        ("a1", "u1", "192.0.2.1", _after(1, ["wrong password"], ["192.0.2.1"])),
        (
            "a1",
            "u1",
            "192.0.2.0",
            _after(201, ["wrong password", "too many guesses"], [f"192.0.2.{each}" for each in range(5)]),
        ),
    ]


async def test_those_of_nobody_are_the_servers_and_summed_up_together(notes: Notes) -> None:
    async with FailedSignIns(notes) as failed:
        failed.count(None, Failure.UNKNOWN_USER, "192.0.2.1")
        failed.count_unlooked("nobody", Failure.TOO_MANY_GUESSES, "192.0.2.1")
    after = _after(2, ["unknown user", "too many guesses"], ["192.0.2.1"])
    assert notes.noted == [(None, None, "192.0.2.1", after)]


async def test_what_follows_is_summed_up_at_the_end_of_its_period(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbridge.service.failed_sign_ins.FIRST_PERIOD_SECONDS", 0.001)
    async with FailedSignIns(notes) as failed:
        for _ in range(3):
            failed.count(ANN, Failure.WRONG_CODE, "192.0.2.1")
            await notes.one_more()
    assert [noted.after["times"] for noted in notes.noted] == [1, 1, 1]


async def test_a_database_that_is_away_keeps_nobody(notes: Notes) -> None:
    notes.is_away = True
    async with FailedSignIns(notes) as failed:
        failed.count(ANN, Failure.WRONG_CODE, "192.0.2.1")
    assert notes.noted == []


async def test_a_fault_of_ours_silences_nothing_that_follows(notes: Notes) -> None:
    notes.fault = RuntimeError("a fault of ours")
    async with FailedSignIns(notes) as failed:
        failed.count(ANN, Failure.WRONG_CODE, "192.0.2.1")
        await notes.one_more()
        failed.count(ANN, Failure.WRONG_CODE, "192.0.2.1")
    assert [noted.after["times"] for noted in notes.noted] == [1]


def _after(times: int, reasons: list[str], addresses: list[str]) -> dict[str, object]:
    return {"times": times, "reasons": reasons, "addresses": addresses}
