"""Those who follow events, and keys and accounts that end while they do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest

from ringbridge.call.history import StoredEvent
from ringbridge.call.key import Scope
from ringbridge.call.user import Role, User
from ringbridge.service.audience import Audience, Seats, TooManyStreams
from ringbridge.service.authentication import Caller
from ringbridge.service.feed import FeedPosition
from ringbridge.service.withdrawal import Withdrawals
from tests.service.double import ACCOUNT, CALLER, EXTENSION, KEY, PHONE, STRANGER
from tests.service.test_calls import House, house

__all__ = ["house"]

PATIENCE_SECONDS = 30.0

Change = Callable[[House], None]


def changed(house: House, **fields: object) -> None:
    house.directory.keys = {KEY.id: replace(house.directory.keys[KEY.id], **fields)}  # type: ignore[arg-type]


def suspend(house: House) -> None:
    house.directory.accounts[ACCOUNT.id] = replace(ACCOUNT, suspended=True)


ENDS: dict[str, Change] = {
    "revoked": lambda house: changed(house, revoked_at=1.0),
    "expired": lambda house: changed(house, expires_at=house.clock.utc_now() - 1.0),
    "expires soon": lambda house: changed(house, expires_at=house.clock.utc_now() + 0.05),
    "forgotten": lambda house: house.directory.keys.clear(),
    "fewer scopes": lambda house: changed(house, scopes=frozenset({Scope.CALLS_CREATE})),
    "fewer lines": lambda house: changed(house, lines=(EXTENSION.number,)),
    "suspended": suspend,
    "account gone": lambda house: house.directory.accounts.clear(),
}
GOES_ON: dict[str, Change] = {
    "other name": lambda house: changed(house, name="x"),
    "more scopes": lambda house: changed(house, scopes=frozenset(Scope)),
    "nothing": lambda house: None,
}


class Stopped:
    """Knows whether it was stopped."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def wait(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.event.wait()


@pytest.mark.parametrize("change", ENDS.values(), ids=ENDS)
async def test_who_may_less_than_before_is_stopped(house: House, change: Change) -> None:
    audience, stopped = Audience(house.directory, house.clock), Stopped()
    async with audience.listening(CALLER, stopped.event.set):
        await audience.look()
        assert not stopped.event.is_set()
        change(house)
        await audience.look()
        await stopped.wait()


@pytest.mark.parametrize("change", ENDS.values(), ids=ENDS)
async def test_who_may_less_since_they_were_let_in_is_stopped_at_once(house: House, change: Change) -> None:
    """The change was looked at before they listened."""
    audience, stopped = Audience(house.directory, house.clock), Stopped()
    change(house)
    async with audience.listening(CALLER, stopped.event.set):
        await stopped.wait()


@pytest.mark.parametrize("change", GOES_ON.values(), ids=GOES_ON)
async def test_who_may_as_much_as_before_listens_on(house: House, change: Change) -> None:
    audience, stopped = Audience(house.directory, house.clock), Stopped()
    async with audience.listening(CALLER, stopped.event.set):
        change(house)
        await audience.look()
        assert not stopped.event.is_set()


@pytest.mark.parametrize(
    ("lines", "is_stopped"),
    [
        ((PHONE.number,), False),
        ((PHONE.number, EXTENSION.number), False),
        ((EXTENSION.number,), True),
        ((), False),
    ],
)
async def test_of_the_lines_of_a_key_only_those_that_it_had_matter(
    house: House, lines: tuple[str, ...], is_stopped: bool
) -> None:
    audience, stopped = Audience(house.directory, house.clock), Stopped()
    async with audience.listening(Caller(ACCOUNT, replace(KEY, lines=(PHONE.number,))), stopped.event.set):
        changed(house, lines=lines)
        await audience.look()
        assert stopped.event.is_set() is is_stopped


async def test_somebody_in_the_portal_needs_no_key(house: House) -> None:
    """Their session is looked at by their pages."""
    user = User(
        id="1",
        account_id=ACCOUNT.id,
        login="ann",
        name="Ann",
        role=Role.OWNER,
        created_at=house.clock.utc_now(),
    )
    audience, stopped = Audience(house.directory, house.clock), Stopped()
    async with audience.listening(Caller(ACCOUNT, user.acting_key()), stopped.event.set):
        house.directory.keys.clear()
        await audience.look()
        assert not stopped.event.is_set()


async def test_a_token_ends_before_its_key_does(house: House) -> None:
    token = Caller(ACCOUNT, replace(KEY, expires_at=house.clock.utc_now() + 0.05))
    audience, stopped = Audience(house.directory, house.clock), Stopped()
    async with audience.listening(token, stopped.event.set):
        await stopped.wait()


async def test_who_has_left_is_not_stopped(house: House) -> None:
    audience, stopped = Audience(house.directory, house.clock), Stopped()
    async with audience.listening(CALLER, stopped.event.set):
        pass
    changed(house, revoked_at=1.0)
    await audience.look()
    assert not stopped.event.is_set()


async def rest(told: AsyncIterator[object]) -> list[object]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [event async for event in told]


async def test_a_revocation_ends_every_stream_and_wait_of_the_key_and_no_other(house: House) -> None:
    other = replace(KEY, id="other")
    house.directory.keys[other.id] = other
    call_id = await house.place()
    waiting = asyncio.create_task(house.calls.reader.find_ended(CALLER, call_id, 2 * PATIENCE_SECONDS))
    follows, goes_on = (house.calls.reader.follow(Caller(ACCOUNT, key), call_id, 0) for key in (KEY, other))
    assert isinstance(await anext(follows), StoredEvent)
    assert isinstance(await anext(goes_on), StoredEvent)
    async with (
        house.calls.reader.follow_account(CALLER, None) as account_wide,
        house.calls.reader.follow_account(STRANGER._replace(key=other), None) as elsewhere,
    ):
        for events in (account_wide, elsewhere):
            assert isinstance(await anext(events), FeedPosition)
        house.directory.keys[KEY.id] = replace(KEY, revoked_at=1.0)
        await Withdrawals(house.calls, house.directory).look()
        # What was waiting to be read is not told either.
        assert await rest(follows) == []
        assert await rest(account_wide) == []
        async with asyncio.timeout(PATIENCE_SECONDS):
            call = await waiting
        assert call is not None
        assert call.outcome is None
        await house.end(call_id)
        await house.calls.drain(0.0)
        assert len(await rest(goes_on)) == 2
        assert await rest(elsewhere) == []


async def test_an_account_has_so_many_seats_and_gets_them_back() -> None:
    seats = Seats(2)
    with ExitStack() as taken:
        for account_id in ("a", "a", "b"):
            taken.enter_context(seats.taken(account_id))
        with pytest.raises(TooManyStreams) as refused, seats.taken("a"):
            pass
        assert refused.value.most == 2
    with seats.taken("a"), seats.taken("a"):
        pass
