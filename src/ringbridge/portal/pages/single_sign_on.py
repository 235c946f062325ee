"""To the OpenID provider and back. What the browser brings back is checked against what it kept in a cookie of its own."""

import json
from urllib.parse import quote, unquote

import structlog
from starlette.responses import RedirectResponse, Response

from ringbridge.call.errors import NotFound
from ringbridge.call.identity import IdentityRefused, IdentityUnavailable
from ringbridge.portal.form import own_path
from ringbridge.portal.language import marked
from ringbridge.portal.page import open_page
from ringbridge.portal.view import View
from ringbridge.service.single_sign_on import PENDING_SECONDS, Pending, SingleSignOn

log = structlog.get_logger()

PATH = "/login/openid"
FAULTS = {
    "identity_refused": marked(
        "Nobody is invited here under the e-mail address that you are signed in with there, or it is not verified. "
        "Ask an owner of the account."
    ),
    "identity_unavailable": marked("The other site does not answer as it should. The server's log says why."),
}


async def leave(view: View) -> Response:
    """To the provider; somebody who is signed in proves again that it is them."""
    again = view.signed_in
    try:
        url, pending = await _service(view).begin(_back_uri(view), again)
    except IdentityUnavailable as error:
        return _failed(view, error)
    # A whole page, not an answer of ours: `view.go` leads to our own only.
    response = RedirectResponse(url, status_code=303)
    kept = quote(json.dumps([*pending, own_path(view.request.query_params.get("next", "/"))]))
    response.set_cookie(
        _cookie(view),
        kept,
        max_age=int(PENDING_SECONDS),
        secure=view.cookies.is_secure,
        httponly=True,
        samesite="lax",
    )
    return response


async def come_back(view: View) -> Response:
    service, query = _service(view), view.request.query_params
    pending, path = _kept(view)
    try:
        if pending is None or "code" not in query:
            # What the provider says in `error` is for its own users: they have seen it there.
            raise IdentityRefused(query.get("error", "nothing was begun in this browser")[:200])
        token = await service.finish(
            pending,
            state=query.get("state", ""),
            code=query["code"],
            redirect_uri=_back_uri(view),
            visitor=view.visitor,
            signed_in=view.signed_in,
            old_token=view.token,
        )
    except (IdentityRefused, IdentityUnavailable) as error:
        return _failed(view, error)
    signed_in = await view.services.sign_in.find(token)
    assert signed_in is not None, "the session has just begun"
    if signed_in.session.awaits_code:
        path = f"/login/code?next={quote(path)}"
    return _without_cookie(view, view.begin_session(view.go(path), token))


def _failed(view: View, error: IdentityRefused | IdentityUnavailable) -> Response:
    if isinstance(error, IdentityUnavailable):
        log.warning("portal.identity_unavailable", error=str(error))
    fault = view.fault(error.code, FAULTS)
    response = view.page("login/login.html", status=403, next="/", login="", fault=fault)
    return _without_cookie(view, response)


def _service(view: View) -> SingleSignOn:
    """Raises NotFound where no provider is set."""
    if view.services.single_sign_on is None:
        raise NotFound
    return view.services.single_sign_on


def _kept(view: View) -> tuple[Pending | None, str]:
    """What the browser was given, and where it wants to go."""
    try:
        state, nonce, verifier, begun_at, user_id, path = json.loads(
            unquote(view.request.cookies.get(_cookie(view), ""))
        )
        return Pending(str(state), str(nonce), str(verifier), float(begun_at), str(user_id)), own_path(
            str(path)
        )
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None, "/"


def _cookie(view: View) -> str:
    return f"{view.cookies.session}-openid"


def _without_cookie(view: View, response: Response) -> Response:
    response.delete_cookie(_cookie(view), secure=view.cookies.is_secure, httponly=True, samesite="lax")
    return response


def _back_uri(view: View) -> str:
    return f"{view.request.base_url}{PATH.removeprefix('/')}/back"


ROUTES = [
    open_page(PATH, leave),
    open_page(f"{PATH}/back", come_back),
]
