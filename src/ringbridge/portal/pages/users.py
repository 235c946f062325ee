"""The people of the account: list, invite, change, disable, reset. The example of an area in docs/portal-building.md."""

from collections.abc import Mapping

from starlette.responses import Response

from ringbridge.call.errors import AlreadyExists, InvalidOption
from ringbridge.call.user import LastOwner, Right, Role, User
from ringbridge.portal.form import Form, fault_of
from ringbridge.portal.page import action, page
from ringbridge.portal.view import View
from ringbridge.portal.words import ROLES
from ringbridge.service.details import UserDetails

PAGE_ROWS = 50


async def show_users(view: View) -> Response:
    after = view.request.query_params.get("after")
    # One more than is shown says whether there is another page.
    people = await view.services.users.page(view.user, after, PAGE_ROWS + 1)
    shown = people[:PAGE_ROWS]
    next_after = shown[-1].login if len(people) > PAGE_ROWS else None
    return view.page("users/users.html", people=shown, next=next_after, is_first=after is None, roles=ROLES)


async def show_new(view: View) -> Response:
    return _new_page(view, {"role": Role.USER.value})


async def invite(view: View) -> Response:
    form = await view.form()
    try:
        person, token = await view.services.users.invite(view.me, _details(form))
    except AlreadyExists as error:
        return _new_page(view, form.values(), {"login": error.code})
    except InvalidOption as error:
        return _new_page(view, form.values(), fault_of(error))
    return _link_page(view, person, token)


async def show_user(view: View) -> Response:
    person = await _person(view)
    values = {"name": person.name, "role": person.role.value, "line": person.line or ""}
    return _user_page(view, person, values)


async def change(view: View) -> Response:
    person, form = await _person(view), await view.form()
    try:
        await view.services.users.change(view.me, person.id, _details(form))
    except (InvalidOption, LastOwner) as error:
        return _user_page(view, person, form.values(), fault_of(error))
    return view.go("/users", flash=view.text("Saved."))


async def disable(view: View) -> Response:
    person = await _person(view)
    try:
        await view.services.users.disable(view.me, person.id, disabled=True)
    except LastOwner as error:
        return view.go(f"/users/{person.id}", flash=view.fault(error.code), kind="danger")
    return view.go("/users", flash=view.text("{name} is disabled.", name=person.name))


async def enable(view: View) -> Response:
    person = await _person(view)
    await view.services.users.disable(view.me, person.id, disabled=False)
    return view.go("/users", flash=view.text("{name} may sign in again.", name=person.name))


async def reset(view: View) -> Response:
    person = await _person(view)
    return _link_page(view, person, await view.services.users.reset(view.me, person.id))


async def _person(view: View) -> User:
    """The user whom the path names, of this account. Raises NotFound."""
    return await view.services.users.find(view.user, view.request.path_params["user_id"])


def _details(form: Form) -> UserDetails:
    """Raises InvalidOption."""
    try:
        role = Role(form["role"])
    except ValueError:
        raise InvalidOption("role", "unknown_role") from None
    return UserDetails(login=form["login"], name=form["name"], role=role, line=form["line"])


def _new_page(view: View, values: Mapping[str, str], faults: Mapping[str, str] | None = None) -> Response:
    return view.form_page("users/new.html", values, faults, roles=_roles(view))


def _user_page(
    view: View, person: User, values: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> Response:
    return view.form_page("users/user.html", values, faults, person=person, roles=_roles(view))


def _link_page(view: View, person: User, token: str) -> Response:
    link = f"{view.request.base_url}welcome/{token}"
    return view.page("users/link.html", person=person, link=link)


def _roles(view: View) -> list[tuple[str, str]]:
    return [(role.value, view.text(word)) for role, word in ROLES.items()]


ROUTES = [
    page("/users", show_users, Right.SEE_USERS),
    page("/users/new", show_new, Right.CHANGE_USERS, fresh=True),
    action("/users", invite, Right.CHANGE_USERS, fresh=True),
    page("/users/{user_id}", show_user, Right.CHANGE_USERS, fresh=True),
    action("/users/{user_id}", change, Right.CHANGE_USERS, fresh=True),
    action("/users/{user_id}/disable", disable, Right.CHANGE_USERS, fresh=True),
    action("/users/{user_id}/enable", enable, Right.CHANGE_USERS, fresh=True),
    action("/users/{user_id}/reset", reset, Right.CHANGE_USERS, fresh=True),
]
