"""The calls that run now, kept up to date by a stream of what changes; whoever may ends one."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from starlette.responses import Response

from ringbridge.call.errors import NotFound
from ringbridge.call.user import Right
from ringbridge.portal.page import action, page, watched
from ringbridge.portal.pages.history.who import names
from ringbridge.portal.pages.history.words import LEG_STATES, STATES
from ringbridge.portal.stream import COMMENT, LOOK_SECONDS, event_stream, server_event, still_signed_in
from ringbridge.portal.view import View
from ringbridge.service.audience import Seats
from ringbridge.service.board import RunningCall

# Each follows all calls of the account.
MOST_STREAMS = 50

_seats = Seats(MOST_STREAMS)


async def show_calls(view: View) -> Response:
    return view.page("live/live.html", **_values(view.services.board.all(view.caller), await names(view)))


async def follow_calls(view: View) -> Response:
    return await event_stream(_changes(view))


async def hang_up(view: View) -> Response:
    call_id = view.request.path_params["call_id"]
    if await view.services.calls.cancel(view.caller, call_id):
        return view.go("/live", flash=view.text("The call is being ended."))
    if await view.services.calls.reader.find(view.caller, call_id) is None:
        raise NotFound("There is no call with this id.")
    return view.go("/live", flash=view.text("This call was over already."), kind="info")


async def _changes(view: View) -> AsyncGenerator[str]:
    """All rows at first, then those that change."""
    clock, people = view.services.clock, await names(view)
    name, looked_at = "all", clock.now()
    with _seats.taken(view.account.id):
        async with aclosing(view.services.board.watch(view.caller, look_seconds=LOOK_SECONDS)) as watching:
            async for changes in watching:
                if clock.now() - looked_at >= LOOK_SECONDS:
                    if not await still_signed_in(view):
                        return
                    looked_at = clock.now()
                events = [server_event("gone", call_id) for call_id in changes.gone]
                if changes.calls or name == "all":
                    events.append(server_event(name, _rows(view, changes.calls, people)))
                    name = "changed"
                yield "".join(events) or COMMENT


def _rows(view: View, calls: Sequence[RunningCall], people: Mapping[str, str]) -> str:
    return bytes(view.page("live/rows.html", **_values(calls, people)).body).decode()


def _values(calls: Sequence[RunningCall], people: Mapping[str, str]) -> dict[str, Any]:
    return {"calls": calls, "people": people, "states": STATES, "leg_states": LEG_STATES}


ROUTES = [
    page("/live", show_calls, Right.SEE_CALLS),
    watched("/live/stream", follow_calls, Right.SEE_CALLS),
    action("/live/{call_id}/hang-up", hang_up, Right.CONTROL_CALLS),
]
