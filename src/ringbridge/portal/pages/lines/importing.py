"""Lines from a CSV file: first shown what would become of each row, then added, all of them or none."""

from starlette.responses import Response

from ringbridge.call.errors import AlreadyExists, InvalidOption, NotFound
from ringbridge.portal.form import Form, fault_of
from ringbridge.portal.pages.lines.words import FAULTS
from ringbridge.portal.view import View
from ringbridge.service.line_import import ImportedRow

MOST_OCTETS = 2 * 1024 * 1024
SHOWN_ROWS = 200


async def show_import(view: View) -> Response:
    return _import_page(view, "")


async def import_lines(view: View) -> Response:
    form = await view.form(most_octets=MOST_OCTETS)
    text, lines = "", view.services.line_book
    try:
        text = await _text(form)
        if form["step"] == "add":
            count = await lines.import_all(view.me, text)
            return view.go("/lines", flash=view.text("Lines added: {count}", count=count))
        return _import_page(view, text, rows=await lines.preview(view.me, text))
    except (AlreadyExists, NotFound):
        # Somebody was quicker: what is wrong by now stands in its row.
        return _import_page(view, text, {"file": "faulty_rows"}, await lines.preview(view.me, text))
    except InvalidOption as error:
        rows = await lines.preview(view.me, text) if error.code == "faulty_rows" else None
        return _import_page(view, text, fault_of(error), rows)


async def _text(form: Form) -> str:
    """The file that was chosen, else what stands in the field. Raises InvalidOption."""
    file = form.file("file")
    if file is None or not file.filename:
        return form.raw("text").replace("\r\n", "\n")
    try:
        return (await file.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidOption("file", "no_text") from None


def _import_page(
    view: View,
    text: str,
    faults: dict[str, str] | None = None,
    rows: list[ImportedRow] | None = None,
) -> Response:
    found = rows or []
    # What is wrong first: among thousands nobody would find it.
    shown = sorted(found, key=lambda row: row.line is not None)[:SHOWN_ROWS]
    return view.form_page(
        "lines/import.html",
        {"text": text},
        faults,
        words=FAULTS,
        rows=[(row, view.fault(row.code, FAULTS) if row.line is None else "") for row in shown],
        good=sum(row.line is not None for row in found),
        faulty=sum(row.line is None for row in found),
        hidden=len(found) - len(shown),
    )
