"""The favourites of the portal's users: the port `FavouriteStore` in SQL. Each method is one transaction."""

from sqlalchemy import Engine, delete, func, insert, select, update

from ringbridge.call.errors import NotFound
from ringbridge.call.favourite import MOST_FAVOURITES, Favourite, TooManyFavourites
from ringbridge.store.database import reading, storable, writing
from ringbridge.store.user_tables import user_favourites, users

_rows = user_favourites.c


class SqlFavourites:
    """FavouriteStore over `engine`. All methods raise StoreUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def favourites(self, user_id: str) -> list[Favourite]:
        """Those of the user, in no order."""
        statement = select(_rows.number, _rows.name).where(_rows.user_id == user_id)
        with reading(self._engine) as connection:
            return [Favourite(*row) for row in connection.execute(statement)]

    def put_favourite(self, user_id: str, favourite: Favourite) -> None:
        """Add one, or give the number another name. Raises TooManyFavourites, and NotFound without such a user."""
        own = _rows.user_id == user_id
        with writing(self._engine) as connection:
            # Locked, so that who adds another one at the same time counts this one.
            user = select(users.c.id).where(users.c.id == user_id).with_for_update()
            if connection.scalar(user) is None:
                raise NotFound("There is no user with this id.")
            renamed = update(user_favourites).where(own, _rows.number == favourite.number)
            if connection.execute(renamed.values(name=favourite.name)).rowcount:
                return
            count = connection.scalar(select(func.count()).select_from(user_favourites).where(own)) or 0
            if count >= MOST_FAVOURITES:
                raise TooManyFavourites(f"You have {MOST_FAVOURITES} favourites, which is the most.")
            connection.execute(insert(user_favourites), {"user_id": user_id, **favourite._asdict()})

    def remove_favourite(self, user_id: str, number: str) -> bool:
        """Take one away; False where it is not there."""
        if not storable(number):
            return False
        with writing(self._engine) as connection:
            removed = delete(user_favourites).where(_rows.user_id == user_id, _rows.number == number)
            return connection.execute(removed).rowcount == 1
