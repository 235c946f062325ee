"""Calls whose key or account is withdrawn while they are up."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from ringbridge.call.cause import Cause
from ringbridge.call.event import HangUp
from ringbridge.call.model import LegName
from ringbridge.service.withdrawal import Withdrawals
from tests.service.double import ACCOUNT, KEY
from tests.service.test_calls import House, effects, house

__all__ = ["house"]


def revoke(house: House, *, ends_calls: bool) -> None:
    house.directory.keys = {KEY.id: replace(KEY, revoked_at=1.0, ends_calls=ends_calls)}


def suspend(house: House, *, ends_calls: bool) -> None:
    house.directory.accounts = {ACCOUNT.id: replace(ACCOUNT, suspended=True, ends_calls=ends_calls)}


@pytest.mark.parametrize("withdraw", [revoke, suspend])
async def test_calls_outlive_their_key_and_account_and_the_log_says_so_once(
    house: House, withdraw: object
) -> None:
    withdrawals = Withdrawals(house.calls, house.directory)
    call_id = await house.place()
    with capture_logs() as logs:
        await withdrawals.look()
        assert logs == []
        withdraw(house, ends_calls=False)  # type: ignore[operator]
        await withdrawals.look()
        await withdrawals.look()
    assert [(line["event"], line["calls"], line["are_ended"]) for line in logs] == [
        ("calls.withdrawn", 1, False)
    ]
    assert [(line["is_revoked"], line["is_suspended"]) for line in logs] == [
        (withdraw is revoke, withdraw is suspend)
    ]
    assert house.calls.running == 1
    await house.end(call_id)


@pytest.mark.parametrize("withdraw", [revoke, suspend])
async def test_calls_end_with_their_key_or_account_if_that_was_asked(house: House, withdraw: object) -> None:
    withdrawals = Withdrawals(house.calls, house.directory)
    call_id = await house.place()
    withdraw(house, ends_calls=True)  # type: ignore[operator]
    with capture_logs():
        await withdrawals.look()
        await house.engine.until(lambda engine: call_id in engine.released)
    assert effects(house, call_id)[-1] == HangUp(LegName.USER, Cause.CANCELED)
    assert house.calls.running == 0


async def test_a_key_that_never_ended_its_calls_does_not_end_those_of_another(house: House) -> None:
    """What ends calls of a key that is valid is nothing."""
    house.directory.keys = {KEY.id: replace(KEY, ends_calls=True)}
    call_id = await house.place()
    await Withdrawals(house.calls, house.directory).look()
    assert house.calls.running == 1
    await house.end(call_id)


async def test_a_call_whose_key_is_forgotten_goes_on(house: House) -> None:
    call_id = await house.place()
    house.directory.keys, house.directory.accounts = {}, {}
    await Withdrawals(house.calls, house.directory).look()
    await house.end(call_id)
