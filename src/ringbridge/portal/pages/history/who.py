"""Who asked for a call: the names of keys and of people, as far as whoever looks may know them."""

from collections.abc import Mapping

from ringbridge.call.user import Right, User
from ringbridge.portal.view import View

_MOST = 200


async def names(view: View) -> Mapping[str, str]:
    """Names by what stands in calls and records as `key_id`. Who sees only the own calls knows the own name."""
    own = {_acting_id(view.user): view.user.name}
    if not view.may(Right.SEE_KEYS):
        return own
    people = await view.services.users.page(view.user, None, _MOST)
    keys = await view.services.keys.page(view.caller, None, _MOST)
    return (
        own | {_acting_id(each): each.name for each in people} | {each.key.id: each.key.name for each in keys}
    )


def _acting_id(user: User) -> str:
    return user.acting_key().id
