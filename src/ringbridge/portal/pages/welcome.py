"""Following a one-time link: the first owner, and everybody's first or new password."""

from collections.abc import Mapping

from starlette.responses import Response

from ringbridge.call.directory import Account
from ringbridge.call.errors import InvalidOption
from ringbridge.call.user import LinkUnusable, Role, UnusablePassword, User
from ringbridge.portal.form import Form, fault_of
from ringbridge.portal.page import open_action, open_page
from ringbridge.portal.view import View
from ringbridge.service.details import UserDetails


async def show_welcome(view: View) -> Response:
    try:
        return await _form_page(view, {"country": "US"})
    except LinkUnusable as error:
        return _unusable(view, error)


async def begin(view: View) -> Response:
    form = await view.form()
    try:
        try:
            user = await _follow(view, form)
        except (InvalidOption, UnusablePassword) as error:
            return await _form_page(view, form.values(), fault_of(error))
    except LinkUnusable as error:
        return _unusable(view, error)
    token = await view.services.sign_in.begin(user, view.visitor, view.token)
    return view.begin_session(view.go("/"), token)


async def _follow(view: View, form: Form) -> User:
    """Whom the link is for, with the new password. Raises LinkUnusable, InvalidOption, UnusablePassword."""
    links, token, password = view.services.links, view.request.path_params["token"], form.raw("password")
    if await links.link_user(token) is not None:
        return await links.follow_link(token, password, view.visitor)
    details = UserDetails(login=form["login"], name=form["name"], role=Role.OWNER)
    account = Account(
        id=form["account"],
        name=form["account_name"],
        country=form["country"],
        language=view.language.code,
        main_number=form["main_number"] or None,
    )
    return await links.first_owner(token, details, password, account, view.visitor)


async def _form_page(
    view: View, values: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> Response:
    """The form for whom the link is for. Raises LinkUnusable."""
    token = view.request.path_params["token"]
    invited = await view.services.links.link_user(token)
    if invited is not None:
        return view.form_page("welcome/password.html", values, faults, token=token, invited=invited)
    known = await view.services.links.accounts()
    accounts = [(account.id, f"{account.name} ({account.id})") for account in known]
    return view.form_page("welcome/owner.html", values, faults, token=token, accounts=accounts)


def _unusable(view: View, error: LinkUnusable) -> Response:
    return view.page("layout/error.html", status=410, sentence=view.fault(error.code))


ROUTES = [
    open_page("/welcome/{token}", show_welcome),
    open_action("/welcome/{token}", begin),
]
