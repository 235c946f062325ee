"""The page that searches calls that are over, and all that it finds as a file."""

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from ringbridge.call.record import FoundRecords
from ringbridge.call.user import Right
from ringbridge.portal.form import Texts
from ringbridge.portal.pages.history.filters import FAULTS, GROUPS, place_of, place_text, search_of
from ringbridge.portal.pages.history.who import names
from ringbridge.portal.view import View
from ringbridge.portal.words import OUTCOMES
from ringbridge.service.export import ExportForm

PAGE_ROWS = 50
# More are typed, and found as well.
_MOST_LINES = 200


NOTHING = FoundRecords([], None, None)


async def show_history(view: View) -> Response:
    search = search_of(view.request.query_params, view.account.country)
    after = place_of(view.request.query_params.get("after"))
    # Without the condition that is wrong it would not be what was asked for.
    found = NOTHING
    if not search.faults:
        found = await view.services.records.search(view.caller, search.wanted, after, PAGE_ROWS)
    lines = (
        await view.services.lines.page(view.caller, None, _MOST_LINES) if view.may(Right.SEE_LINES) else []
    )
    return view.page(
        "history/history.html",
        status=400 if search.faults else 200,
        found=found,
        next=None if found.next is None else place_text(found.next),
        is_first=after is None,
        search=search,
        values=Texts(search.values),
        faults=Texts({name: view.fault(code, FAULTS) for name, code in search.faults.items()}),
        people=await names(view),
        lines=lines,
        line_names={line.number: line.name for line in lines},
        outcomes={outcome.value: badge for outcome, badge in OUTCOMES.items()},
        groups={name: text for name, (text, _) in GROUPS.items()},
    )


async def export_history(view: View) -> Response:
    search = search_of(view.request.query_params, view.account.country)
    try:
        form = ExportForm(view.request.query_params.get("format", ""))
    except ValueError:
        raise HTTPException(400) from None
    if search.faults:
        return view.go(f"/history?{search.query}")
    batches = view.services.records.batches(view.caller, search.wanted)
    # Before the answer begins: a database that is gone is still a page then.
    first = await anext(batches)
    return StreamingResponse(
        form.texts(first, batches),
        media_type=form.media_type,
        headers={
            "content-disposition": f'attachment; filename="calls.{form.value}"',
            "cache-control": "no-store",
        },
    )
