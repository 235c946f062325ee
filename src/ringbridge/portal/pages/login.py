"""Signing in: the password, the code of the second factor, the password again, and signing out."""

from urllib.parse import quote

from starlette.responses import Response

from ringbridge.call.user import SignInRefused
from ringbridge.portal.form import own_path
from ringbridge.portal.language import LANGUAGES
from ringbridge.portal.page import PageRoute, action, open_action, open_page, page
from ringbridge.portal.view import View
from ringbridge.service.sign_in import TooManyGuesses


async def show_login(view: View) -> Response:
    if view.signed_in is not None:
        return view.go("/")
    return view.page("login/login.html", next=_next(view), login="", fault="")


async def sign_in(view: View) -> Response:
    form = await view.form()
    try:
        token = await view.services.sign_in.sign_in(
            form["login"], form.raw("password"), view.visitor, view.token
        )
    except SignInRefused as error:
        values = {"next": own_path(form["next"]), "login": form["login"], "fault": view.fault(error.code)}
        return view.page("login/login.html", status=_status(error), **values)
    signed_in = await view.services.sign_in.find(token)
    assert signed_in is not None, "the session has just begun"
    here = own_path(form["next"])
    path = f"/login/code?next={quote(here)}" if signed_in.session.awaits_code else here
    return view.begin_session(view.go(path), token)


async def show_code(view: View) -> Response:
    return view.page("login/code.html", next=_next(view), fault="")


async def give_code(view: View) -> Response:
    form = await view.form()
    assert view.token is not None, "half a session has a cookie"
    try:
        token = await view.services.sign_in.give_code(view.me, form["code"], view.visitor, view.token)
    except SignInRefused as error:
        return view.page(
            "login/code.html",
            status=_status(error),
            next=own_path(form["next"]),
            fault=view.fault(error.code),
        )
    return view.begin_session(view.go(own_path(form["next"])), token)


async def show_again(view: View) -> Response:
    return view.page("login/again.html", next=_next(view), fault="")


async def sign_in_again(view: View) -> Response:
    form = await view.form()
    assert view.token is not None, "whoever is signed in has a cookie"
    try:
        token = await view.services.sign_in.renew(view.me, form.raw("password"), view.visitor, view.token)
    except SignInRefused as error:
        return view.page(
            "login/again.html",
            status=_status(error),
            next=own_path(form["next"]),
            fault=view.fault(error.code),
        )
    return view.begin_session(view.go(own_path(form["next"])), token)


async def sign_out(view: View) -> Response:
    if view.token is not None:
        await view.services.sign_in.sign_out(view.token)
    return view.end_session(view.go("/login"))


async def choose_language(view: View) -> Response:
    """For those who are not signed in; the others have it in their profile."""
    wanted = (await view.form())["language"]
    response = view.go("/login")
    return view.prefer(response, "language", wanted) if wanted in LANGUAGES else response


def _next(view: View) -> str:
    return own_path(view.request.query_params.get("next", "/"))


def _status(error: SignInRefused) -> int:
    return 429 if isinstance(error, TooManyGuesses) else 403


ROUTES = [
    open_page("/login", show_login),
    open_action("/login", sign_in),
    PageRoute(method="GET", path="/login/code", handler=show_code, awaits_code=True),
    PageRoute(method="POST", path="/login/code", handler=give_code, awaits_code=True),
    page("/login/again", show_again),
    action("/login/again", sign_in_again),
    open_action("/logout", sign_out),
    open_action("/language", choose_language),
]
