"""Favourites of users, on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from ringbridge.call.errors import NotFound
from ringbridge.call.favourite import MOST_FAVOURITES, Favourite, TooManyFavourites
from ringbridge.call.user import Role, User
from ringbridge.store.administration import Administration
from ringbridge.store.favourites import SqlFavourites
from ringbridge.store.users import SqlUsers

SHOP, BANK = Favourite("+15125290100", "Shop"), Favourite("+15125290101", "Bank")


@pytest.fixture
def users(engine: Engine, administration: Administration) -> tuple[str, str]:
    """The ids of two users."""
    account = administration.add_account("Acme")
    ann = User(id="u1", account_id=account.id, login="ann", name="Ann", role=Role.USER, created_at=1.5)
    for user in (ann, replace(ann, id="u2", login="bob")):
        SqlUsers(engine).add(user)
    return "u1", "u2"


def test_each_user_has_their_own(engine: Engine, users: tuple[str, str]) -> None:
    (mine, other), favourites = users, SqlFavourites(engine)
    favourites.put_favourite(mine, SHOP)
    favourites.put_favourite(mine, BANK)
    favourites.put_favourite(mine, SHOP._replace(name="Corner shop"))
    assert sorted(favourites.favourites(mine)) == [SHOP._replace(name="Corner shop"), BANK]
    assert favourites.favourites(other) == []
    assert not favourites.remove_favourite(other, SHOP.number)
    assert not favourites.remove_favourite(mine, "+1\0")
    assert favourites.remove_favourite(mine, SHOP.number)
    assert favourites.favourites(mine) == [BANK]


def test_one_has_so_many_and_no_more(engine: Engine, users: tuple[str, str]) -> None:
    favourites = SqlFavourites(engine)
    for number in range(MOST_FAVOURITES):
        favourites.put_favourite(users[0], Favourite(f"+1512529{number:04}", "x"))
    with pytest.raises(TooManyFavourites):
        favourites.put_favourite(users[0], Favourite("+15125299999", "x"))
    favourites.put_favourite(users[0], Favourite("+15125290000", "y"))


def test_nobody_has_none(engine: Engine, users: tuple[str, str]) -> None:
    with pytest.raises(NotFound):
        SqlFavourites(engine).put_favourite("nobody", SHOP)
