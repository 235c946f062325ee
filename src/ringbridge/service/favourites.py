"""The numbers that somebody calls often: each user of the portal has their own, and nobody else sees them."""

import asyncio

from ringbridge.call.directory import Account
from ringbridge.call.errors import InvalidOption
from ringbridge.call.favourite import LONGEST_FAVOURITE_NAME, Favourite, FavouriteStore
from ringbridge.call.number import InvalidNumber, normalise
from ringbridge.call.user import User


class FavouriteService:
    """All methods raise StoreUnavailable."""

    def __init__(self, store: FavouriteStore) -> None:
        self._store = store

    async def all(self, user: User) -> list[Favourite]:
        """Those of the user, by name."""
        found = await asyncio.to_thread(self._store.favourites, user.id)
        return sorted(found, key=lambda each: (each.name.casefold(), each.number))

    async def put(self, user: User, account: Account, number: str, name: str) -> Favourite:
        """Keep a number under a name, in place of the one that it had. Without a name it is known by itself.

        What is to be pressed after the answer is not kept: it may be somebody's secret. Raises InvalidOption, TooManyFavourites.
        """
        try:
            e164 = normalise(number, account.country).e164
        except InvalidNumber as error:
            raise InvalidOption("number", error.code) from error
        name = name.strip()
        if len(name) > LONGEST_FAVOURITE_NAME or not name.isprintable():
            raise InvalidOption("name", "invalid_favourite_name")
        favourite = Favourite(e164, name or e164)
        await asyncio.to_thread(self._store.put_favourite, user.id, favourite)
        return favourite

    async def remove(self, user: User, number: str) -> bool:
        """Forget it; False where it was none."""
        return await asyncio.to_thread(self._store.remove_favourite, user.id, number)
