"""From an empty server to the first call: what is done, and what is next. Whoever comes back goes on where they were."""

from collections.abc import Mapping

from starlette.responses import Response

from ringbridge.call.errors import InvalidOption
from ringbridge.call.user import Right
from ringbridge.portal.form import fault_of
from ringbridge.portal.page import action, page
from ringbridge.portal.view import View
from ringbridge.portal.words import PROMPT_LANGUAGES
from ringbridge.service.first_steps import has_phone


async def show_steps(view: View) -> Response:
    progress = await view.services.first_steps.progress(view.me)
    return view.page(
        "start/start.html",
        progress=progress,
        server=view.services.phone_server,
        ready=[seen for seen in progress.lines if has_phone(seen)],
    )


async def show_account(view: View) -> Response:
    account = view.account
    values = {
        "name": account.name,
        "country": account.country,
        "language": account.language,
        "main_number": account.main_number or "",
    }
    return _account_page(view, values)


async def change_account(view: View) -> Response:
    form = await view.form()
    try:
        if form["language"] not in PROMPT_LANGUAGES:
            raise InvalidOption("language", "unknown_language")
        await view.services.accounts.change(
            view.me,
            name=form["name"],
            country=form["country"],
            language=form["language"],
            main_number=form["main_number"],
        )
    except InvalidOption as error:
        return _account_page(view, form.values(), fault_of(error))
    return view.go("/start", flash=view.text("Saved."))


def _account_page(view: View, values: Mapping[str, str], faults: Mapping[str, str] | None = None) -> Response:
    return view.form_page("start/account.html", values, faults, languages=list(PROMPT_LANGUAGES.items()))


ROUTES = [
    page("/start", show_steps, Right.CHANGE_LINES),
    page("/start/account", show_account, Right.CHANGE_NUMBERS),
    action("/start/account", change_account, Right.CHANGE_NUMBERS),
]
