"""Rates, and the lists of whom not to call, as administrators change them and servers see them."""

import asyncio

import pytest
from sqlalchemy import Engine

from ringbridge.call.errors import NotFound
from ringbridge.store.administration import Administration
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.do_not_call import DoNotCallList
from ringbridge.store.rates import RateTable
from tests.peers.tool import WAIT_SECONDS

NUMBER = "+15125292329"


@pytest.fixture
def account(administration: Administration) -> str:
    return administration.add_account("Acme").id


async def test_new_rates_take_the_place_of_the_old_ones(engine: Engine) -> None:
    table, directory = RateTable(engine), SqlDirectory(engine)
    assert await directory.rates() == {}
    table.replace({"+1": 10_000, "+44": 15_000})
    table.replace({"+44": 16_000, "+1": 9_000_000_000})

    assert table.all() == {"+1": 9_000_000_000, "+44": 16_000}
    assert await directory.rates() == table.all()
    table.replace({})
    assert await directory.rates() == {}


async def test_a_number_is_barred_for_the_account_whose_list_it_is_on(
    engine: Engine, administration: Administration, account: str
) -> None:
    other = administration.add_account("Other").id
    numbers, directory = DoNotCallList(engine, account), SqlDirectory(engine)
    assert not await directory.is_barred(account, NUMBER)

    assert numbers.add({NUMBER: None, "+15125550100": None}, at=7.0) == 2
    assert await directory.is_barred(account, NUMBER)
    assert not await directory.is_barred(account, "+15125550101")
    assert not await directory.is_barred(other, NUMBER)
    assert numbers.remove(NUMBER)
    assert not await directory.is_barred(account, NUMBER)


def test_a_list_is_read_in_order_and_what_is_there_is_not_added_again(engine: Engine, account: str) -> None:
    numbers = DoNotCallList(engine, account)
    assert numbers.add({"+2": None, "+1": "asked us"}, at=7.0) == 2
    assert numbers.add({"+1": "again", "+3": None}, at=8.0) == 1
    assert numbers.add({}, at=9.0) == 0

    assert list(numbers.entries()) == [("+1", 7.0, "asked us"), ("+2", 7.0, None), ("+3", 8.0, None)]
    assert numbers.count() == 3
    assert not numbers.remove("+4")


def test_a_long_list_is_read_to_its_end(engine: Engine, account: str) -> None:
    numbers = DoNotCallList(engine, account)
    wanted = [f"+1512{number:07}" for number in range(10_001)]
    numbers.add(dict.fromkeys(wanted), at=1.0)

    assert [entry.number for entry in numbers.entries()] == wanted
    assert numbers.add(dict.fromkeys([*wanted, "+1513"]), at=2.0) == 1


def test_a_list_is_searched_by_how_numbers_begin(engine: Engine, account: str) -> None:
    numbers = DoNotCallList(engine, account)
    every = ["+1512", "+15125292329", "+151299999999999", "+1513", "+44207"]
    numbers.add(dict.fromkeys(every), at=1.0)

    def found(beginning: str, after: str = "", limit: int = 10) -> list[str]:
        return [entry.number for entry in numbers.page(beginning, after, limit)]

    assert found("") == every
    assert found("+1512") == every[:3]
    assert found("+1512", after="+1512", limit=1) == ["+15125292329"]
    assert found("+44207") == ["+44207"]
    assert found("+2") == []


def test_there_is_no_list_without_an_account(engine: Engine) -> None:
    numbers = DoNotCallList(engine, "nobody")
    for attempt in (
        lambda: numbers.add({NUMBER: None}, at=1.0),
        numbers.count,
        lambda: list(numbers.entries()),
    ):
        with pytest.raises(NotFound, match="There is no account nobody"):
            attempt()


async def test_a_watching_server_sees_what_changes(engine: Engine, account: str) -> None:
    directory, changed = SqlDirectory(engine), asyncio.Event()
    async with directory.watch(lambda _: changed.set()):
        assert not await directory.is_barred(account, NUMBER)
        assert await directory.rates() == {}
        DoNotCallList(engine, account).add({NUMBER: None}, at=1.0)
        RateTable(engine).replace({"+1": 1})
        async with asyncio.timeout(WAIT_SECONDS):
            while not (await directory.is_barred(account, NUMBER) and await directory.rates()):
                changed.clear()
                await changed.wait()
