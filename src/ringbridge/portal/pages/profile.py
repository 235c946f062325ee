"""One's own profile: password, second factor, sessions, language and theme."""

import segno
from markupsafe import Markup
from starlette.responses import Response

from ringbridge.call.errors import InvalidOption, NotFound
from ringbridge.call.user import SignInRefused, UnusablePassword
from ringbridge.portal.browser import browser_name
from ringbridge.portal.form import fault_of
from ringbridge.portal.language import LANGUAGES
from ringbridge.portal.page import action, page
from ringbridge.portal.pages import passkeys
from ringbridge.portal.view import THEMES, View


async def show_profile(view: View, faults: dict[str, str] | None = None) -> Response:
    return view.form_page(
        "profile/profile.html",
        {},
        faults,
        sessions=await view.services.sign_in.sessions(view.user),
        browser_name=browser_name,
        recovery_codes=await view.services.profiles.count_recovery_codes(view.me),
        passkeys=await view.services.passkeys.of_user(view.user),
        passkey_fault=view.place_fault and view.fault(view.place_fault, passkeys.FAULTS),
    )


async def change_password(view: View) -> Response:
    form = await view.form()
    assert view.token is not None, "whoever is signed in has a cookie"
    try:
        token = await view.services.sign_in.renew(view.me, form.raw("current"), view.visitor, view.token)
    except SignInRefused as error:
        code = "wrong_password" if error.code == "sign_in_refused" else error.code
        return await show_profile(view, {"current": code})
    # The old session is gone with the new token, whatever becomes of the new password.
    view.signed_in = await view.services.sign_in.find(token)
    try:
        await view.services.profiles.set_password(view.me, form.raw("password"))
    except UnusablePassword as error:
        return view.begin_session(await show_profile(view, fault_of(error)), token)
    return view.begin_session(view.go("/profile", flash=view.text("The password is changed.")), token)


async def change_appearance(view: View) -> Response:
    form = await view.form()
    language, theme = form["language"], form["theme"]
    if language not in LANGUAGES or theme not in THEMES:
        raise NotFound
    await view.services.profiles.set_language(view.me, language)
    response = view.prefer(view.go("/profile"), "theme", theme)
    return view.prefer(response, "language", language)


async def show_second_factor(view: View) -> Response:
    return _second_factor_page(view, view.services.second_factor.new_seed())


async def begin_second_factor(view: View) -> Response:
    form = await view.form()
    seed = form["seed"]
    try:
        codes = await view.services.profiles.begin_second_factor(view.me, seed, form["code"])
    except InvalidOption as error:
        return _second_factor_page(view, seed, fault_of(error))
    return view.page("profile/recovery_codes.html", codes=codes)


async def end_second_factor(view: View) -> Response:
    await view.services.profiles.end_second_factor(view.me)
    return view.go("/profile", flash=view.text("The second factor is turned off."))


async def end_session(view: View) -> Response:
    if not await view.services.sign_in.end(view.user, view.request.path_params["session_id"]):
        raise NotFound
    return view.go("/profile", flash=view.text("That session is over."))


def _second_factor_page(view: View, seed: str, faults: dict[str, str] | None = None) -> Response:
    factor = view.services.second_factor
    # No style attributes and no size: the page's own rules do that.
    drawing = segno.make(factor.uri(seed, view.user.login), error="m").svg_inline(omitsize=True, border=2)
    return view.form_page(
        "profile/second_factor.html",
        {},
        faults,
        seed=seed,
        secret=factor.secret(seed),
        picture=Markup(drawing),  # noqa: S704
    )


ROUTES = [
    page("/profile", show_profile),
    action("/profile/password", change_password),
    action("/profile/appearance", change_appearance),
    page("/profile/second-factor", show_second_factor, fresh=True),
    action("/profile/second-factor", begin_second_factor, fresh=True),
    action("/profile/second-factor/end", end_second_factor, fresh=True),
    action("/profile/sessions/{session_id}/end", end_session),
]
