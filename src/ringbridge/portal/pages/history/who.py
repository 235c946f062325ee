"""Who asked for a call: the names of keys and of people, as far as whoever looks may know them."""

from collections import Counter
from collections.abc import Mapping

from ringbridge.call.user import Right, User
from ringbridge.portal.view import View

_MOST = 200


async def names(view: View) -> Mapping[str, str]:
    """Names by what stands in calls and records as `key_id`. Who sees only the own calls knows the own name.

    Where several have one name, it comes with what tells them apart: the id of a key, the login of a user.
    """
    if not view.may(Right.SEE_KEYS):
        return {_acting_id(view.user): view.user.name}
    people = await view.services.users.page(view.user, None, _MOST)
    keys = await view.services.keys.page(view.caller, None, _MOST)
    # Whoever looks may be behind the first so many.
    named = {_acting_id(each): (each.name, each.login) for each in (view.user, *people)}
    named |= {each.key.id: (each.key.name, each.key.id) for each in keys}
    count = Counter(name for name, _ in named.values())
    return {key_id: f"{name} ({word})" if count[name] > 1 else name for key_id, (name, word) in named.items()}


def _acting_id(user: User) -> str:
    return user.acting_key().id
