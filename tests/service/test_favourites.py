"""Favourites as people write them."""

import pytest

from ringbridge.call.errors import InvalidOption
from ringbridge.call.favourite import Favourite
from ringbridge.call.user import Role, User
from ringbridge.service.favourites import FavouriteService
from tests.service.double import ACCOUNT

ANN = User(id="u1", account_id=ACCOUNT.id, login="ann", name="Ann", role=Role.USER, created_at=1.5)


class MemoryFavourites:
    """FavouriteStore."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], str] = {}

    def favourites(self, user_id: str) -> list[Favourite]:
        return [Favourite(number, name) for (owner, number), name in self._kept.items() if owner == user_id]

    def put_favourite(self, user_id: str, favourite: Favourite) -> None:
        self._kept[user_id, favourite.number] = favourite.name

    def remove_favourite(self, user_id: str, number: str) -> bool:
        return self._kept.pop((user_id, number), None) is not None


async def test_numbers_are_kept_as_e164_under_names_and_listed_by_them() -> None:
    service = FavouriteService(MemoryFavourites())
    await service.put(ANN, ACCOUNT, "(512) 529-0101 ext. 77", " shop ")
    await service.put(ANN, ACCOUNT, "512 529 0100", "Bank")
    unnamed = await service.put(ANN, ACCOUNT, "15125290102", " ")
    assert unnamed == Favourite("+15125290102", "+15125290102")
    assert await service.all(ANN) == [
        unnamed,
        Favourite("+15125290100", "Bank"),
        Favourite("+15125290101", "shop"),
    ]
    assert await service.remove(ANN, "+15125290100")
    assert not await service.remove(ANN, "+15125290100")


@pytest.mark.parametrize(
    ("number", "name", "option", "code"),
    [
        ("911", "", "number", "emergency_number"),
        ("shop", "", "number", "invalid_number"),
        ("15125290100", "x" * 61, "name", "invalid_favourite_name"),
        ("15125290100", "a\0b", "name", "invalid_favourite_name"),
    ],
)
async def test_what_cannot_be_kept_is_refused(number: str, name: str, option: str, code: str) -> None:
    with pytest.raises(InvalidOption) as refusal:
        await FavouriteService(MemoryFavourites()).put(ANN, ACCOUNT, number, name)
    assert (refusal.value.option, refusal.value.code) == (option, code)
