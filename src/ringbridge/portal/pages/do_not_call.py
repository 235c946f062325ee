"""Whom the account must not call: the list, searched; adding a number, reading a file, and removing one."""

from collections.abc import Mapping

from babel.numbers import format_decimal
from starlette.responses import Response

from ringbridge.call.errors import AlreadyExists, InvalidOption
from ringbridge.call.user import Right
from ringbridge.portal.form import fault_of
from ringbridge.portal.language import marked
from ringbridge.portal.page import action, page
from ringbridge.portal.view import View
from ringbridge.service.csv_file import MOST_FILE_OCTETS, UnusableFile
from ringbridge.service.do_not_call import MOST_IMPORTED

PAGE_ROWS = 50

FAULTS = {
    "already_exists": marked("This number is on the list already."),
    "invalid_reason": marked("Use at most 200 characters."),
}


async def show_list(view: View) -> Response:
    return await _list_page(view, {})


async def add(view: View) -> Response:
    form = await view.form()
    try:
        number = await view.services.do_not_call.add(view.caller, form["number"], form["reason"])
    except AlreadyExists as error:
        return await _list_page(view, form.values(), {"number": error.code})
    except InvalidOption as error:
        return await _list_page(view, form.values(), fault_of(error))
    return view.go("/do-not-call", flash=view.text("{number} is not called any more.", number=number))


async def import_file(view: View) -> Response:
    # The form around a file is small.
    form = await view.form(most_octets=MOST_FILE_OCTETS + 10_000)
    file = form.file("file")
    data = b"" if file is None else await file.read()
    try:
        imported = await view.services.do_not_call.import_file(view.caller, data)
    except UnusableFile as error:
        return await _list_page(view, {}, file_fault=_sentence(view, error))
    if imported.known:
        flash = view.text(
            "Added: {added}. On the list already: {known}.", added=imported.added, known=imported.known
        )
    else:
        flash = view.text("Added: {added}.", added=imported.added)
    return view.go("/do-not-call", flash=flash)


async def remove(view: View) -> Response:
    number = (await view.form())["number"]
    await view.services.do_not_call.remove(view.caller, number)
    return view.go("/do-not-call", flash=view.text("{number} may be called again.", number=number))


async def _list_page(
    view: View,
    values: Mapping[str, str],
    faults: Mapping[str, str] | None = None,
    *,
    file_fault: str = "",
) -> Response:
    query = view.request.query_params
    search, after = query.get("search", "").strip(), query.get("after")
    found = await view.services.do_not_call.page(view.caller, search, after, PAGE_ROWS + 1)
    shown = found[:PAGE_ROWS]
    response = view.form_page(
        "do_not_call/list.html",
        values,
        faults,
        words=FAULTS,
        numbers=shown,
        next=shown[-1].number if len(found) > PAGE_ROWS else None,
        is_first=after is None,
        search=search,
        file_fault=file_fault,
    )
    if file_fault:
        response.status_code = 400
    return response


def _sentence(view: View, error: UnusableFile) -> str:
    """What is wrong with a file. Nothing of it was taken."""
    values = {"row": error.row, "number": error.text}
    match error.code:
        case "emergency_number":
            return view.text("Row {row}: {number} is an emergency number. No number was added.", **values)
        case "invalid_number":
            return view.text("Row {row}: {number} is not a telephone number. No number was added.", **values)
        case "invalid_reason":
            return view.text(
                "Row {row}: the reason is longer than 200 characters. No number was added.", **values
            )
        case "not_csv":
            return view.text("Row {row} is not CSV. No number was added.", **values)
        case "too_many_numbers":
            return view.text(
                "The file has more than {most} rows. Part it, or use the command line: ringbridge do-not-call import.",
                most=format_decimal(MOST_IMPORTED, locale=view.language.locale),
            )
        case "not_text":
            return view.text("The file is not text in UTF-8: save it as CSV UTF-8.")
    return view.text("Choose a file with numbers in its first column.")


ROUTES = [
    page("/do-not-call", show_list, Right.SEE_DO_NOT_CALL),
    action("/do-not-call", add, Right.CHANGE_DO_NOT_CALL),
    action("/do-not-call/import", import_file, Right.CHANGE_DO_NOT_CALL),
    action("/do-not-call/remove", remove, Right.CHANGE_DO_NOT_CALL),
]
