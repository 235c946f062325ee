"""Routes of pages, with what each of them takes: the one place where rights are asked for.

ROUTES = [
    page("/users", users, Right.SEE_USERS),
    page("/users/new", new_user, Right.CHANGE_USERS, fresh=True),
    action("/users", invite, Right.CHANGE_USERS, fresh=True),
]
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ringbridge.call.actor import act
from ringbridge.call.user import Right
from ringbridge.portal.assets import Assets
from ringbridge.portal.form import path_of
from ringbridge.portal.services import Services
from ringbridge.portal.view import SessionOver, View
from ringbridge.service.sign_in import user_actor
from ringbridge.service.users import RightMissing

Handler = Callable[[View], Awaitable[Response]]

# Where somebody may go who has to set up a second factor first.
_WITHOUT_SECOND_FACTOR = ("/profile", "/login")

# Between opening a form that asks for the password and sending it.
FORM_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRoute:
    """A path, and who may go there.

    right: what it takes; None for anybody who is signed in. is_open: for those, too, who are not.
    fresh: the password must have been given within ten minutes. is_passive: asked for by a script every few seconds, which
    is no sign of anybody being there. awaits_code: the one place for half a session.
    """

    method: str
    path: str
    handler: Handler
    right: Right | None = None
    is_open: bool = False
    fresh: bool = False
    is_passive: bool = False
    awaits_code: bool = False

    def route(self, services: Services, assets: Assets, paths: frozenset[str]) -> Route:
        """The same for the framework."""

        async def endpoint(request: Request) -> Response:
            view = View(request, services, assets, paths, None)
            if view.token is not None:
                view.signed_in = await services.sign_in.find(view.token, counts=not self.is_passive)
            if view.signed_in is not None:
                act(user_actor(view.user, view.visitor))
            try:
                return self._refusal(view) or await self.handler(view)
            except SessionOver:
                return self._to_sign_in(view)
            finally:
                await view.close()

        methods = ["GET", "HEAD"] if self.method == "GET" else [self.method]
        return Route(self.path, endpoint, methods=methods)

    def _refusal(self, view: View) -> Response | None:
        """Where to go first, if anywhere. Raises RightMissing."""
        if view.signed_in is not None and view.signed_in.session.awaits_code:
            if self.awaits_code:
                return None
            view.signed_in = None if self.is_open else view.signed_in
            return None if self.is_open else view.go("/login/code")
        if self.is_open:
            return None
        if view.signed_in is None or self.awaits_code:
            return self._to_sign_in(view)
        here = view.request.url.path
        if view.needs_second_factor and not here.startswith(_WITHOUT_SECOND_FACTOR):
            flash = view.text(
                "This server asks for a second factor of owners and operators. Set yours up first."
            )
            return view.go("/profile/second-factor", flash=flash, kind="info")
        if self.right is not None and not view.user.may(self.right):
            raise RightMissing
        if self.fresh:
            grace_seconds = 0.0 if self.method == "GET" else FORM_SECONDS
            if not view.services.sign_in.is_fresh(view.me.session, grace_seconds=grace_seconds):
                return view.go(f"/login/again?next={quote(self._reading(view))}")
        return None

    def _to_sign_in(self, view: View) -> Response:
        flash = None
        if self.method == "POST":
            flash = view.text("Your session is over. Nothing was sent: sign in and do it again.")
        return view.go(f"/login?next={quote(self._reading(view))}", flash=flash, kind="info")

    def _reading(self, view: View) -> str:
        """Where the reader is: behind a form, or a part that a script asked for, there is no page to come back to."""
        is_page = self.method == "GET" and not (self.is_passive or view.is_fragment)
        return view.request.url.path if is_page else path_of(view.request.headers.get("referer", ""))


def page(path: str, handler: Handler, right: Right | None = None, *, fresh: bool = False) -> PageRoute:
    """A page for those who have `right`; without one, for anybody who is signed in."""
    return PageRoute(method="GET", path=path, handler=handler, right=right, fresh=fresh)


def watched(path: str, handler: Handler, right: Right) -> PageRoute:
    """What a page's script asks for again and again, or keeps open: it does not keep the session alive."""
    return PageRoute(method="GET", path=path, handler=handler, right=right, is_passive=True)


def action(path: str, handler: Handler, right: Right | None = None, *, fresh: bool = False) -> PageRoute:
    """A form that was sent."""
    return PageRoute(method="POST", path=path, handler=handler, right=right, fresh=fresh)


def open_page(path: str, handler: Handler) -> PageRoute:
    """A page for those, too, who are not signed in."""
    return PageRoute(method="GET", path=path, handler=handler, is_open=True)


def open_action(path: str, handler: Handler) -> PageRoute:
    """A form from those, too, who are not signed in."""
    return PageRoute(method="POST", path=path, handler=handler, is_open=True)
