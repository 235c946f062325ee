"""The page with the number and the button. Looking at it dials nothing, whatever the address says; only its form does."""

import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.responses import Response

from ringbridge.call.directory import Line
from ringbridge.call.errors import (
    CallError,
    CannotPlaceCalls,
    InvalidDestination,
    InvalidOption,
    InvalidUserLine,
    RequestRefused,
    TooManyCalls,
)
from ringbridge.call.tel_uri import NotATelLink, typed
from ringbridge.call.user import Right, Role
from ringbridge.portal.form import Form
from ringbridge.portal.page import action, page
from ringbridge.portal.pages.dial.shown import OUTCOMES_BY_WORD, Understood, understood, written
from ringbridge.portal.pages.dial.words import AGAIN, REFUSALS
from ringbridge.portal.view import View
from ringbridge.service.request import CallRequest

# More lines than this are not chosen from a list, but typed.
MOST_LINES = 100
RECENT_NUMBERS = 8
# Which line somebody called from last, in this browser.
LINE_COOKIE = "line"


class Lines(NamedTuple):
    """The lines that somebody may call from: all, or none where they are too many for a list; and the one to begin with."""

    listed: Sequence[Line]
    are_many: bool
    chosen: str


async def show_dial(view: View) -> Response:
    query = view.request.query_params
    number, faults = query.get("number", ""), {}
    if "u" in query:
        try:
            number = typed(query["u"])
        except NotATelLink:
            faults["number"] = "invalid_link"
    return await dial_page(view, {"number": number, "line": query.get("line", "")}, faults, asks="u" in query)


async def preview(view: View) -> Response:
    form = await view.form()
    return view.page("dial/preview.html", understood=await _understood(view, form["line"], form["number"]))


async def place(view: View) -> Response:
    form = await view.form()
    try:
        placed = await view.services.dialler.place(view.caller, form["line"], form["number"], form["form"])
    except (RequestRefused, CannotPlaceCalls) as error:
        return await dial_page(view, form.values(), refused_field(error))
    return with_line(view, form, view.go(f"/dial/calls/{placed.call_id}"))


def refused_field(error: RequestRefused | CannotPlaceCalls) -> dict[str, str]:
    """The field that a refusal is about, and its code."""
    match error:
        case InvalidUserLine():
            return {"line": error.code}
        case InvalidDestination():
            return {"number": error.code}
        case InvalidOption(option="at" | "schedule.at"):
            return {"at": error.code}
        case _:
            return {"form": refusal_word(error)}


def refusal_word(error: CallError) -> str:
    """The key of REFUSALS for an error: of a limit that is reached, the one that names it."""
    if not isinstance(error, TooManyCalls) or error.code != TooManyCalls.code:
        return error.code
    named = "limit_is_zero" if error.most == 0 else f"limit_{error.limit}"
    return named if named in REFUSALS else error.code


async def lines_of(view: View, wanted: str = "") -> Lines:
    """Whoever has one of their own begins with it; else the one that the browser knows, or the only one."""
    found = await view.services.lines.page(view.caller, None, MOST_LINES + 1)
    numbers = [line.number for line in found]
    known = (wanted, view.user.line or "", view.request.cookies.get(LINE_COOKIE, ""))
    are_many = len(found) > MOST_LINES
    chosen = next((number for number in known if number and (are_many or number in numbers)), "")
    return Lines(() if are_many else found, are_many, chosen or (numbers[0] if numbers else ""))


async def dial_page(
    view: View, values: Mapping[str, str], faults: Mapping[str, str], *, asks: bool = False
) -> Response:
    """The page with what was typed."""
    lines = await lines_of(view, values.get("line", ""))
    number = values.get("number", "")
    return view.form_page(
        "dial/dial.html",
        {**values, "line": lines.chosen},
        faults,
        words=REFUSALS,
        lines=lines,
        form_id=secrets.token_urlsafe(16),
        asks=asks,
        has_no_line=not lines.chosen,
        is_bound=view.user.role is Role.USER,
        understood=await _understood(view, lines.chosen, number) if lines.chosen and not faults else None,
        favourites=await view.services.favourites.all(view.user),
        recent=await view.services.dialler.recent(view.caller, lines.chosen, RECENT_NUMBERS),
        current=view.services.dialler.current(view.caller, lines.chosen),
        written=written,
        outcomes=OUTCOMES_BY_WORD,
        refusals=REFUSALS,
        again=[("", view.text("Do not try again"))]
        + [(name, view.text(text)) for name, (text, _) in AGAIN.items()],
    )


def with_line(view: View, form: Form, response: Response) -> Response:
    """The answer, with the line kept for the next time."""
    is_plain = form["line"].removeprefix("+").isdigit() and form["line"].isascii()
    # A cookie takes no more.
    return view.prefer(response, LINE_COOKIE, form["line"]) if is_plain else response


async def _understood(view: View, line: str, number: str) -> Understood | None:
    if not number:
        return None
    request = CallRequest(user_line=line, destination_line=number)
    return understood(view, await view.services.calls.preview(view.caller, request))


ROUTES = [
    page("/dial", show_dial, Right.DIAL),
    action("/dial/preview", preview, Right.DIAL),
    action("/dial/calls", place, Right.DIAL),
]
