"""The calls that wait for their time, or are tried again; whoever may calls one off."""

from starlette.responses import Response

from ringbridge.call.errors import NotFound
from ringbridge.call.user import Right
from ringbridge.portal.page import action, page
from ringbridge.portal.view import View
from ringbridge.portal.words import OUTCOMES

PAGE_ROWS = 50
_MOST_LINES = 200


async def show_scheduled(view: View) -> Response:
    calls, after = await view.services.schedules.waiting(view.caller), view.request.query_params.get("after")
    ids = [call.id for call in calls]
    # What the page before ended with may be over by now: then it begins anew.
    first = ids.index(after) + 1 if after in ids else 0
    shown = calls[first : first + PAGE_ROWS]
    lines = (
        await view.services.lines.page(view.caller, None, _MOST_LINES) if view.may(Right.SEE_LINES) else []
    )
    return view.page(
        "scheduled/scheduled.html",
        calls=shown,
        next=shown[-1].id if len(calls) > first + PAGE_ROWS else None,
        is_first=first == 0,
        line_names={line.number: line.name for line in lines},
        outcomes={outcome.value: badge for outcome, badge in OUTCOMES.items()},
    )


async def call_off(view: View) -> Response:
    call_id = view.request.path_params["call_id"]
    if await view.services.schedules.cancel(view.caller, call_id):
        return view.go("/scheduled", flash=view.text("The call is called off."))
    found = await view.services.calls.reader.find(view.caller, call_id)
    if found is None or found.schedule is None:
        raise NotFound("There is no scheduled call with this id.")
    return view.go("/scheduled", flash=view.text("This call was over already."), kind="info")


ROUTES = [
    page("/scheduled", show_scheduled, Right.SEE_CALLS),
    action("/scheduled/{call_id}/call-off", call_off, Right.CONTROL_CALLS),
]
