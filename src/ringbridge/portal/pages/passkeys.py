"""Passkeys: signing in by one, giving one in place of the password again, and those of one's profile.

The browser's part is `static/passkeys.js`: it asks here for what the browser is to do, and sends back what came of it.
"""

from typing import Any

from starlette.responses import JSONResponse, Response

from ringbridge.call.errors import AlreadyExists, InvalidOption, NotFound
from ringbridge.call.passkey import PasskeyRefused, TooManyPasskeys
from ringbridge.call.user import SignInRefused
from ringbridge.portal.browser import browser_name
from ringbridge.portal.form import fault_of, own_path
from ringbridge.portal.language import marked
from ringbridge.portal.page import action, open_action, open_page, page
from ringbridge.portal.view import View
from ringbridge.service.sign_in import TooManyGuesses

FAULTS = {
    "passkey_refused": marked(
        "This passkey opens nothing here, or it took too long. Try again, or use your password."
    ),
    "passkey_not_added": marked("What the browser made cannot be used, or it took too long. Try again."),
    "passkey_needs_name": marked(
        "There are no passkeys at an address that is a number. Open the portal by its name, or on the server's own "
        "machine as localhost."
    ),
    "passkey_needs_tls": marked(
        "There are no passkeys without TLS. Open the portal by https; a proxy has to send X-Forwarded-Proto."
    ),
    "too_many_passkeys": marked("You have as many passkeys as one may have. Remove one first."),
    "already_exists": marked("This passkey is here already."),
}


async def options_to_sign_in(view: View) -> Response:
    return _options(view, await view.services.passkeys.options_to_sign_in(view.place, None))


async def sign_in(view: View) -> Response:
    form = await view.form()
    try:
        token = await view.services.passkeys.sign_in(
            form.raw("answer"), view.place, view.visitor, again=None, old_token=view.token
        )
    except SignInRefused as error:
        values = {"login": "", "next": own_path(form["next"]), "fault": view.fault(error.code, FAULTS)}
        return view.page("login/login.html", status=_status(error), **values)
    return view.begin_session(view.go(own_path(form["next"])), token)


async def options_again(view: View) -> Response:
    return _options(view, await view.services.passkeys.options_to_sign_in(view.place, view.me))


async def sign_in_again(view: View) -> Response:
    form = await view.form()
    try:
        token = await view.services.passkeys.sign_in(
            form.raw("answer"), view.place, view.visitor, again=view.me, old_token=view.token
        )
    except SignInRefused as error:
        values = {"next": own_path(form["next"]), "fault": view.fault(error.code, FAULTS)}
        return view.page("login/again.html", status=_status(error), **values)
    return view.begin_session(view.go(own_path(form["next"])), token)


async def show_new(view: View) -> Response:
    if view.place_fault is not None:
        raise NotFound
    name = browser_name(view.visitor.agent) or view.text("My device")
    return view.form_page("passkeys/new.html", {"name": name})


async def options_to_add(view: View) -> Response:
    return _options(view, await view.services.passkeys.options_to_add(view.me, view.place))


async def add(view: View) -> Response:
    form = await view.form()
    try:
        passkey = await view.services.passkeys.add(view.me, form["name"], form.raw("answer"), view.place)
    except (InvalidOption, TooManyPasskeys, AlreadyExists) as error:
        faults = fault_of(error)
    except PasskeyRefused:
        faults = {"form": "passkey_not_added"}
    else:
        text = view.text("The passkey {name} is added. You can sign in with it.", name=passkey.name)
        return view.go("/profile", flash=text)
    return view.form_page("passkeys/new.html", {"name": form["name"]}, faults, words=FAULTS)


async def remove(view: View) -> Response:
    if not await view.services.passkeys.remove(view.me, view.request.path_params["passkey_id"]):
        raise NotFound
    return view.go("/profile", flash=view.text("The passkey is removed, and you are signed out elsewhere."))


def _options(view: View, options: dict[str, Any]) -> Response:
    # With the address that this server goes by: where a proxy has made it another one than the browser's, nothing will fit.
    return JSONResponse({"origin": view.place.origin, "options": options})


def _status(error: SignInRefused) -> int:
    return 429 if isinstance(error, TooManyGuesses) else 403


ROUTES = [
    open_page("/login/passkey/options", options_to_sign_in),
    open_action("/login/passkey", sign_in),
    page("/login/again/passkey/options", options_again),
    action("/login/again/passkey", sign_in_again),
    page("/profile/passkeys/new", show_new, fresh=True),
    page("/profile/passkeys/options", options_to_add, fresh=True),
    action("/profile/passkeys", add, fresh=True),
    action("/profile/passkeys/{passkey_id}/remove", remove, fresh=True),
]
