"""One call of somebody's own, while it goes and when it is over: what happens, and what they may have done about it."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.responses import Response

from ringbridge.call.errors import CallError, CannotPlaceCalls, InvalidDestination, RequestRefused
from ringbridge.call.event import DigitsRequested, HoldRequested, ResumeRequested
from ringbridge.call.history import StoredCall
from ringbridge.call.model import LegName, State
from ringbridge.call.user import Right
from ringbridge.portal.page import action, page, watched
from ringbridge.portal.pages.dial.asking import refusal_word
from ringbridge.portal.pages.dial.shown import OUTCOMES_BY_WORD, written
from ringbridge.portal.pages.dial.words import LEGS, REFUSALS, STAGES
from ringbridge.portal.stream import COMMENT, LOOK_SECONDS, event_stream, server_event, still_signed_in
from ringbridge.portal.view import View
from ringbridge.service.actions import Action, WrongState
from ringbridge.service.audience import Seats
from ringbridge.service.authentication import Caller
from ringbridge.service.quota import TooManyActions

# As many as an account of a thousand people has calls; each follows one call.
MOST_STREAMS = 1000

_seats = Seats(MOST_STREAMS)
_DIGITS = re.compile(r"[0-9*#,]{1,64}")


async def show_call(view: View) -> Response:
    return await _call_page(view, {}, {})


async def show_state(view: View) -> Response:
    """What the page asks for where no stream comes through."""
    return view.page("dial/state.html", **state_values(view, view.caller, await _call(view)))


async def follow(view: View) -> Response:
    return await event_stream(_states(view))


async def hang_up(view: View) -> Response:
    call = await _call(view)
    if await view.services.calls.cancel(view.caller, call.id):
        return _done(view, call.id, view.text("The call is being ended."))
    return _done(view, call.id, view.text("This call was over already."), kind="info")


async def hold(view: View) -> Response:
    call = await _call(view)
    return await _act(
        view, call, HoldRequested(LegName.DESTINATION), view.text("The other side is on hold now.")
    )


async def resume(view: View) -> Response:
    call = await _call(view)
    return await _act(view, call, ResumeRequested(), view.text("You hear each other again."))


async def press(view: View) -> Response:
    call, digits = await _call(view), (await view.form())["digits"]
    if not _DIGITS.fullmatch(digits):
        return await _refused(view, {}, {"digits": "invalid_digits"})
    pressed = DigitsRequested(LegName.DESTINATION, digits)
    return await _act(view, call, pressed, view.text("Pressed: {digits}", digits=digits))


async def transfer(view: View) -> Response:
    call, form = await _call(view), await view.form()
    try:
        await view.services.dialler.transfer(view.caller, call.id, form["to"])
    except (RequestRefused, CannotPlaceCalls, WrongState, TooManyActions) as error:
        name = "to" if isinstance(error, InvalidDestination) else "form"
        return await _refused(view, form.values(), {name: refusal_word(error)})
    return _done(view, call.id, view.text("{number} is being called.", number=form["to"]))


def state_values(view: View, caller: Caller, call: StoredCall) -> dict[str, Any]:
    """What the part of a page with a call's state shows."""
    joined_at = call.destination.answered_at
    is_over = call.state == State.ENDED.value
    talking = None if joined_at is None else max(0.0, view.services.clock.utc_now() - joined_at)
    return {
        "call": call,
        "stage": STAGES[call.state],
        "legs": LEGS,
        "is_over": is_over,
        "outcomes": OUTCOMES_BY_WORD,
        "talking_seconds": call.talk_seconds if is_over else talking,
        "possible": view.services.actions.possible(caller, call.id),
        "written": written,
    }


async def _states(view: View) -> AsyncGenerator[str]:
    with _seats.taken(view.account.id):
        watching = view.services.dialler.watch(
            view.caller, view.request.path_params["call_id"], look_seconds=LOOK_SECONDS
        )
        async with aclosing(watching) as calls:
            async for call in calls:
                if call is not None:
                    part = view.page("dial/state.html", **state_values(view, view.caller, call))
                    yield server_event("state", bytes(part.body).decode())
                elif await still_signed_in(view):
                    yield COMMENT
                else:
                    return


async def _call(view: View) -> StoredCall:
    """The call that the path names. Raises NotFound."""
    return await view.services.dialler.find(view.caller, view.request.path_params["call_id"])


async def _act(view: View, call: StoredCall, wanted: Action, said: str) -> Response:
    try:
        view.services.actions.act(view.caller, call.id, wanted)
    except CallError as error:
        return await _refused(view, {}, {"form": error.code})
    return _done(view, call.id, said)


def _done(view: View, call_id: str, said: str, kind: str = "success") -> Response:
    """To a script, what happened in a sentence; to others, the page with it."""
    if view.is_fragment:
        return view.page("dial/said.html", said=said)
    return view.go(f"/dial/calls/{call_id}", flash=said, kind=kind)


async def _refused(view: View, values: dict[str, str], faults: dict[str, str]) -> Response:
    if view.is_fragment:
        sentences = [view.fault(code, REFUSALS) for code in faults.values()]
        return view.page("layout/error_part.html", status=400, sentence=" ".join(sentences))
    return await _call_page(view, values, faults)


async def _call_page(view: View, values: dict[str, str], faults: dict[str, str]) -> Response:
    call = await _call(view)
    return view.form_page(
        "dial/call.html", values, faults, words=REFUSALS, **state_values(view, view.caller, call)
    )


ROUTES = [
    page("/dial/calls/{call_id}", show_call, Right.DIAL),
    watched("/dial/calls/{call_id}/state", show_state, Right.DIAL),
    watched("/dial/calls/{call_id}/events", follow, Right.DIAL),
    action("/dial/calls/{call_id}/hang-up", hang_up, Right.CONTROL_CALLS),
    action("/dial/calls/{call_id}/hold", hold, Right.CONTROL_CALLS),
    action("/dial/calls/{call_id}/resume", resume, Right.CONTROL_CALLS),
    action("/dial/calls/{call_id}/digits", press, Right.CONTROL_CALLS),
    action("/dial/calls/{call_id}/transfer", transfer, Right.CONTROL_CALLS),
]
