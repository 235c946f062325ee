"""The list of lines, one line, and what is entered in its phone."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from ringbridge.call.directory import Line, LineKind, Srtp
from ringbridge.call.errors import AlreadyExists, InvalidOption
from ringbridge.call.user import Right
from ringbridge.portal.form import Form, fault_of
from ringbridge.portal.pages.lines.words import CONFIRM, FAULTS, KINDS, LANGUAGES, SRTP
from ringbridge.portal.view import View
from ringbridge.service.line_book import LineDetails, MadeLine, SeenLine
from ringbridge.service.lines import AdministratorsLine

PAGE_ROWS = 50

_CONFIRMED = {"": None, "yes": True, "no": False}
_BOXES = ("auto_answer", "nat")


async def show_lines(view: View) -> Response:
    query = view.request.query_params
    after, text = query.get("after"), query.get("text", "").strip()
    found = await view.services.line_book.page(view.me, after, PAGE_ROWS + 1, text)
    shown = found[:PAGE_ROWS]
    return view.page(
        "lines/lines.html",
        lines=shown,
        text=text,
        query=urlencode({"text": text}) if text else "",
        next=shown[-1].line.number if len(found) > PAGE_ROWS else None,
        is_first=after is None,
        kinds=KINDS,
    )


async def show_new(view: View) -> Response:
    kind = view.request.query_params.get("kind", LineKind.DEVICE.value)
    return await _new_page(view, {"kind": kind})


async def add(view: View) -> Response:
    form = await view.form()
    try:
        made = await view.services.line_book.add(view.me, form["number"], _details(view, form))
    except AlreadyExists as error:
        return await _new_page(view, form.values(), {"number": error.code})
    except (InvalidOption, AdministratorsLine) as error:
        return await _new_page(view, form.values(), fault_of(error))
    if made.password is not None:
        return _phone_page(view, made)
    return view.go(
        f"/lines/{made.line.id}", flash=view.text("The line {number} was added.", number=made.line.number)
    )


async def show_line(view: View) -> Response:
    seen = await _seen(view)
    return await _line_page(view, seen, _values(seen.line))


async def change(view: View) -> Response:
    seen, form = await _seen(view), await view.form()
    try:
        made = await view.services.line_book.change(view.me, seen.line.id, _details(view, form))
    except (InvalidOption, AdministratorsLine) as error:
        return await _line_page(view, seen, form.values(), fault_of(error))
    if made.password is not None:
        return _phone_page(view, made)
    return view.go(f"/lines/{seen.line.id}", flash=view.text("Saved."))


async def renew_password(view: View) -> Response:
    seen = await _seen(view)
    try:
        return _phone_page(view, await view.services.line_book.renew_password(view.me, seen.line.id))
    except AdministratorsLine as error:
        return await _line_page(view, seen, _values(seen.line), fault_of(error))


async def remove(view: View) -> Response:
    seen = await _seen(view)
    try:
        await view.services.line_book.remove(view.me, seen.line.id)
    except AdministratorsLine as error:
        return await _line_page(view, seen, _values(seen.line), fault_of(error))
    return view.go("/lines", flash=view.text("The line {number} was removed.", number=seen.line.number))


async def show_phones(view: View) -> Response:
    return view.page("lines/phones.html", seen=await _seen(view))


async def _seen(view: View) -> SeenLine:
    """The line that the path names, of this account. Raises NotFound."""
    return await view.services.line_book.find(view.me, view.request.path_params["line_id"])


def _details(view: View, form: Form) -> LineDetails:
    """Raises InvalidOption."""
    try:
        kind = LineKind(form["kind"] or LineKind.DEVICE.value)
        srtp, confirm = Srtp(form["srtp"] or Srtp.OFF.value), _CONFIRMED[form["confirm"]]
    except (ValueError, KeyError):
        raise InvalidOption("kind", "unknown_choice") from None
    language = form["language"] or None
    if language is not None and language not in LANGUAGES:
        raise InvalidOption("language", "unknown_choice")
    return LineDetails(
        name=form["name"],
        kind=kind,
        uri=form["uri"],
        trunk=form["trunk"],
        language=language,
        confirm=confirm,
        auto_answer=form.has("auto_answer"),
        srtp=srtp,
        nat=form.has("nat"),
    )


def _values(line: Line) -> dict[str, str]:
    """What the fields of a line's form show."""
    confirm = {None: "", True: "yes", False: "no"}[line.confirm]
    values = {
        "name": line.name or "",
        "kind": line.kind.value,
        "uri": line.uri or "",
        "trunk": line.trunk or "",
        "language": line.language or "",
        "confirm": confirm,
        "srtp": line.srtp.value,
    }
    return values | {box: "on" for box in _BOXES if getattr(line, box)}


async def _new_page(
    view: View, values: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> Response:
    return view.form_page("lines/new.html", values, faults, words=FAULTS, **await _choices(view))


async def _line_page(
    view: View, seen: SeenLine, values: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> Response:
    line = seen.line
    is_internal = line.kind is LineKind.DEVICE and not line.number.startswith("+")
    may_change = view.may(Right.CHANGE_LINES) and (is_internal or view.may(Right.CHANGE_NUMBERS))
    return view.form_page(
        "lines/line.html",
        values,
        faults,
        words=FAULTS,
        seen=seen,
        may_change=may_change,
        **await _choices(view),
    )


async def _choices(view: View) -> dict[str, list[tuple[str, str]]]:
    """What the fields with several choices offer."""
    kinds = KINDS if view.may(Right.CHANGE_NUMBERS) else {LineKind.DEVICE: KINDS[LineKind.DEVICE]}
    return {
        "kinds": [(kind.value, view.text(word)) for kind, word in kinds.items()],
        "trunks": [(name, name) for name in await view.services.line_book.trunk_names()],
        "encryptions": [(srtp.value, view.text(word)) for srtp, word in SRTP.items()],
        "confirmations": [(key, view.text(word)) for key, word in CONFIRM.items()],
        "languages": [(key, view.text(word)) for key, word in LANGUAGES.items()],
    }


def _phone_page(view: View, made: MadeLine) -> Response:
    """What is entered in the phone: the only time that its password is shown."""
    return view.page(
        "lines/phone.html",
        line=made.line,
        password=made.password,
        server=view.services.phone_server,
        seen=SeenLine(made.line, ()),
    )
