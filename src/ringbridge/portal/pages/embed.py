"""The dialler in a frame of another site's page (docs/embedding.md).

There is no session: browsers keep cookies from frames of other sites. The page around it hands over a browser's token, which is
for one line and for pages of one origin. Only pages of that origin may be around this one, if the account allows it.
"""

import re
from contextlib import aclosing
from typing import Any

from starlette.responses import Response

from ringbridge.call.actor import Actor, ActorKind, act
from ringbridge.call.errors import CannotPlaceCalls, InvalidCredentials, RequestRefused
from ringbridge.call.model import State
from ringbridge.portal.guard import CONTENT_SECURITY_POLICY
from ringbridge.portal.page import Handler, open_action, open_page
from ringbridge.portal.pages.dial.asking import refusal_word
from ringbridge.portal.pages.dial.calling import MOST_STREAMS, state_values
from ringbridge.portal.pages.dial.shown import understood
from ringbridge.portal.pages.dial.words import REFUSALS
from ringbridge.portal.view import View
from ringbridge.service.audience import Seats
from ringbridge.service.authentication import Caller
from ringbridge.service.request import CallRequest

# So long the page's question how a call goes waits for something to happen.
LOOK_SECONDS = 20.0
# Where the frame's script says which page is around it: the browser has told it, so no page can lie about that.
ORIGIN_HEADER = "x-embedding-origin"

_seats = Seats(MOST_STREAMS)
_ACCOUNT_ID = re.compile(r"[0-9A-Za-z_\-]{1,64}")
_NOBODY = "frame-ancestors 'none'"


async def show_dialler(view: View) -> Response:
    """The page itself: anybody may have it, for without a token it does nothing."""
    query = view.request.query_params
    account_id, origin = query.get("account", ""), query.get("origin", "")
    is_allowed = await _allows(view, account_id, origin)
    response = view.page("embed/dialler.html", origin=origin if is_allowed else "", is_allowed=is_allowed)
    if is_allowed:
        ancestors = f"frame-ancestors {origin}"
        response.headers["content-security-policy"] = CONTENT_SECURITY_POLICY.replace(_NOBODY, ancestors)
        response.headers["cross-origin-resource-policy"] = "cross-origin"
    return response


async def preview(view: View, caller: Caller) -> Response:
    form = await view.form()
    wanted = CallRequest(user_line=caller.key.lines[0], destination_line=form["number"])
    found = await view.services.calls.preview(caller, wanted) if form["number"] else None
    return view.page("dial/preview.html", understood=None if found is None else understood(view, found))


async def place(view: View, caller: Caller) -> Response:
    form = await view.form()
    try:
        placed = await view.services.dialler.place(caller, caller.key.lines[0], form["number"], form["form"])
    except (RequestRefused, CannotPlaceCalls) as error:
        sentence = view.fault(refusal_word(error), REFUSALS)
        return view.page("embed/refused.html", status=400, code=error.code, sentence=sentence)
    call = await view.services.dialler.find(caller, placed.call_id)
    return view.page("dial/state.html", **state_values(view, caller, call))


async def show_call(view: View, caller: Caller) -> Response:
    """The call as it is once more than `seen` things have happened to it, or after LOOK_SECONDS."""
    call_id, seen = view.request.path_params["call_id"], view.request.query_params.get("seen", "")
    call = await view.services.dialler.find(caller, call_id)
    if seen == str(len(call.events)) and call.state != State.ENDED.value:
        watching = view.services.dialler.watch(caller, call_id, look_seconds=LOOK_SECONDS)
        with _seats.taken(caller.account.id):
            async with aclosing(watching) as states:
                async for state in states:
                    call = state or call
                    if state is None or seen != str(len(call.events)):
                        break
    return view.page("dial/state.html", **state_values(view, caller, call))


async def hang_up(view: View, caller: Caller) -> Response:
    call = await view.services.dialler.find(caller, view.request.path_params["call_id"])
    await view.services.calls.cancel(caller, call.id)
    return view.page("dial/said.html", said=view.text("The call is being ended."))


def with_token(handler: Any) -> Handler:
    """The handler for requests with a token that its page may use; others are answered 401."""

    async def handle(view: View) -> Response:
        try:
            caller = await _caller(view)
        except InvalidCredentials:
            sentence = view.text("The page around this one has to sign you in again.")
            return view.page(
                "embed/refused.html", status=401, code=InvalidCredentials.code, sentence=sentence
            )
        act(Actor(ActorKind.API_KEY, caller.key.id, view.visitor.address))
        response: Response = await handler(view, caller)
        return response

    return handle


async def _caller(view: View) -> Caller:
    """Whose token the request has. Raises InvalidCredentials, StoreUnavailable."""
    scheme, _, text = view.request.headers.get("authorization", "").partition(" ")
    token = view.services.tokens.read(text.strip()) if scheme.lower() == "bearer" else None
    if token is None or view.request.headers.get(ORIGIN_HEADER) != token.origin:
        raise InvalidCredentials("invalid credentials")
    caller = await view.services.tokens.caller(token, view.visitor.address)
    # What the account no longer allows ends at once, here where a page is around ours.
    if not await _allows(view, caller.account.id, token.origin):
        raise InvalidCredentials("invalid credentials")
    return caller


async def _allows(view: View, account_id: str, origin: str) -> bool:
    if not _ACCOUNT_ID.fullmatch(account_id):
        return False
    return origin in [each.origin for each in await view.services.origins.of_account(account_id)]


ROUTES = [
    open_page("/embed/dialler", show_dialler),
    open_action("/embed/preview", with_token(preview)),
    open_action("/embed/calls", with_token(place)),
    open_page("/embed/calls/{call_id}", with_token(show_call)),
    open_action("/embed/calls/{call_id}/hang-up", with_token(hang_up)),
]
