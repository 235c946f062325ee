"""Numbers that somebody calls often, under names of their own. Pure."""

from typing import NamedTuple, Protocol

from ringbridge.call.errors import CallError

MOST_FAVOURITES = 50
LONGEST_FAVOURITE_NAME = 60


class TooManyFavourites(CallError):
    """Somebody has all the favourites that one may have."""

    code = "too_many_favourites"


class Favourite(NamedTuple):
    """A number in E.164 and what its owner calls it."""

    number: str
    name: str


class FavouriteStore(Protocol):
    """Keeps the favourites of users of the portal; called in threads. All methods raise StoreUnavailable."""

    def favourites(self, user_id: str) -> list[Favourite]:
        """Those of the user, in no order."""
        ...

    def put_favourite(self, user_id: str, favourite: Favourite) -> None:
        """Add one, or give the number another name. Raises TooManyFavourites, and NotFound without such a user."""
        ...

    def remove_favourite(self, user_id: str, number: str) -> bool:
        """Take one away; False where it is not there."""
        ...
